package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/millrace/millrace/state"
)

// LockedError says that another process holds the database.
type LockedError struct {
	Dir string
	Err error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("open store in %s: another process uses it\n  hint: stop the other server, or give this one a data directory of its own", e.Dir)
}

// Unwrap gives the cause.
func (e *LockedError) Unwrap() error { return e.Err }

// ReadOnlyError says that the folder cannot be written to.
type ReadOnlyError struct {
	Dir string
	Err error
}

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("open store in %s: it cannot be written to: %v\n  hint: check owner, mode and mount of the data directory", e.Dir, e.Err)
}

// Unwrap gives the cause.
func (e *ReadOnlyError) Unwrap() error { return e.Err }

// CorruptError says that the database cannot be read. [Destroy] it and rebuild from the changelogs.
type CorruptError struct {
	Dir string
	Err error
}

// Is makes the error match [state.ErrCorrupt].
func (e *CorruptError) Is(target error) bool { return target == state.ErrCorrupt }

func (e *CorruptError) Error() string { return fmt.Sprintf("store in %s is corrupt: %v", e.Dir, e.Err) }

// Unwrap gives the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// FormatError says that the database was written by a later release. It is left as it is, for that release to go on with.
type FormatError struct {
	Dir         string
	Found, Want byte
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("store in %s has format version %d, this release reads %d: a later release wrote it\n"+
		"  hint: run that release, or remove the folder: the state is then rebuilt from Kafka", e.Dir, e.Found, e.Want)
}

// probe finds out what Badger would only say in words.
func probe(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".probe-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return &ReadOnlyError{Dir: dir, Err: err}
	case err != nil:
		return fmt.Errorf("open store in %s: %w", dir, err)
	}
	return nil
}

// openError sorts Badger's opening errors, which wrap nothing.
func openError(dir string, err error) error {
	if strings.Contains(err.Error(), "Cannot acquire directory lock") {
		return &LockedError{Dir: dir, Err: err}
	}
	if strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return fmt.Errorf("open store in %s: %w", dir, err)
	}
	return &CorruptError{Dir: dir, Err: err}
}

// Destroy deletes a database that nobody has open, so that it can be rebuilt from the changelogs. Files that are not Badger's
// stay.
func Destroy(dir string) error {
	for _, pattern := range []string{"*.sst", "*.vlog", "*.mem", "MANIFEST", "MANIFEST-REWRITE", "DISCARD", "KEYREGISTRY", "LOCK"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("destroy store in %s: %w", dir, err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				return fmt.Errorf("destroy store in %s: %w", dir, err)
			}
		}
	}
	return nil
}
