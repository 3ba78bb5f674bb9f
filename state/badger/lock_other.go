//go:build !linux && !darwin

package badger

// lockDir knows no locks of this system: the files of an open database cannot be removed there.
func lockDir(string) (release func(), free bool) { return func() {}, true }
