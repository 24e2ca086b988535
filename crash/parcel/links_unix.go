//go:build unix

package parcel

import (
	"io/fs"
	"syscall"
)

// links counts the names that a file has.
func links(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Nlink)
	}
	return 1
}
