package files

import "golang.org/x/sys/windows"

// freeBytes returns what a user may still write to the file system of dir.
func freeBytes(dir string) (free uint64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	return free, err == nil
}
