package bench

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// footprint is a process's peak memory in bytes: resident, mapped files among it, and the anonymous part, which the system cannot take back.
type footprint struct{ resident, anonymous int64 }

func (f footprint) String() string {
	return fmt.Sprintf("peak memory %d MB, %d MB of it anonymous", f.resident>>20, f.anonymous>>20)
}

// observe watches a server's memory until the returned function is called, which must be before the server ends, or ctx has ended. The system
// keeps the peak of resident memory itself, that of anonymous memory it does not.
func (s *server) observe(ctx context.Context) (peak func() (footprint, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var anonymous int64
	wg.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if n, err := s.Memory("RssAnon"); err == nil { // else the reading of VmHWM says why
				anonymous = max(anonymous, n)
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	return func() (footprint, error) {
		cancel()
		wg.Wait()
		resident, err := s.Memory("VmHWM")
		return footprint{resident, anonymous}, err
	}
}
