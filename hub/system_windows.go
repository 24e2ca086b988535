package hub

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock takes byte 0, as Python's filelock does, without waiting.
func tryLock(f *os.File) (got, supported bool) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if err == nil {
		return true, true
	}
	return false, errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING)
}

// freeBytes returns what a user may still write to the file system of dir.
func freeBytes(dir string) (free uint64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	return free, err == nil
}
