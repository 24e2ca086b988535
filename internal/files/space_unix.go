//go:build linux || darwin

package files

import "golang.org/x/sys/unix"

// freeBytes returns what a user may still write to the file system of dir.
func freeBytes(dir string) (free uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Bsize <= 0 {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
