//go:build linux || darwin

package bench

import (
	"io/fs"
	"syscall"
)

// allocated is the space that a file takes.
func allocated(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
