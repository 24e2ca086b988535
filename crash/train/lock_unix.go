//go:build unix

package train

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock of an open file until it is closed or the process ends;
// it fails at once if another process has it.
func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
