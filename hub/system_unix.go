//go:build linux || darwin

package hub

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes an exclusive lock without waiting. supported is false if the file
// system has none.
func tryLock(f *os.File) (got, supported bool) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return true, true
	case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINTR):
		return false, true
	}
	return false, false
}

// freeBytes returns what a user may still write to the file system of dir.
func freeBytes(dir string) (free uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Bsize <= 0 {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
