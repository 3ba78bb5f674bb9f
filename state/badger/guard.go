package badger

import "fmt"

// Guard watches the disk below a folder. Badger maps its log into memory, so writing on a full disk kills the process: tasks
// must pause before the reserve, which log and compaction need, is touched.
type Guard struct {
	Dir     string
	Reserve uint64 // bytes that must stay free
	// Free tells the free bytes of Dir's disk; nil asks the system.
	Free func(dir string) (uint64, error)
}

// LowSpaceError says that less than the reserve is free.
type LowSpaceError struct {
	Dir           string
	Free, Reserve uint64
}

func (e *LowSpaceError) Error() string {
	return fmt.Sprintf("disk of %s has %d MiB free, less than the reserve of %d MiB: tasks pause\n  hint: free space, or move the data directory",
		e.Dir, e.Free>>20, e.Reserve>>20)
}

// Check returns a [LowSpaceError] if tasks must pause.
func (g Guard) Check() error {
	free := g.Free
	if free == nil {
		free = freeBytes
	}
	n, err := free(g.Dir)
	if err != nil {
		return fmt.Errorf("read free space of %s: %w", g.Dir, err)
	}
	if n < g.Reserve {
		return &LowSpaceError{Dir: g.Dir, Free: n, Reserve: g.Reserve}
	}
	return nil
}
