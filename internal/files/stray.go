package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// What a killed process leaves is told from what a live one is writing by locks, which
// end with their process: times are not looked at, as clocks are set back, nor are
// process ids, which come again.

// removeDead removes the temporary file of a process that is dead, and reports whether
// nothing has the name any more. On Windows, where a file is closed before it is renamed
// and has no lock for a moment, that can be told only in a directory in which the caller
// is alone.
func removeDead(path string, alone bool) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	windows := runtime.GOOS == "windows"
	if !info.Mode().IsRegular() || windows && !alone {
		return false
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	// Its writer may have renamed it since it was opened.
	if got, supported := tryLock(f, lastByte); !got || !supported || !stillAt(f, path) {
		return false
	}
	if windows { // nothing that is open is removed there
		f.Close()
	}
	return disk.Remove(path) == nil
}

// Remove removes what is at path, in a directory that its caller has locked; nothing is
// no error. A directory goes in one step: who is killed, or loses power, leaves it whole,
// or under a name that Sweep knows.
func Remove(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return disk.Remove(path)
	}
	tmp := tempDir(path)
	if err := disk.Rename(path, tmp); err != nil {
		return err
	}
	// Or its files could be gone, and the name still be the old one.
	if err := syncName(filepath.Dir(path)); err != nil {
		return err
	}
	return disk.RemoveAll(tmp)
}

// Rename gives what is at from another name in the same directory, which its caller has
// locked; it is durable when Rename returns.
func Rename(from, to string) error {
	if err := disk.Rename(from, to); err != nil {
		return fmt.Errorf("%s: cannot be renamed: %w", from, bare(err))
	}
	return syncName(filepath.Dir(to))
}

// Sweep removes what dead processes left in a directory: temporary files, temporary
// directories and locks. Those of live ones stay. alone says that the
// caller has locked the directory.
func Sweep(dir string, alone bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if m := temporary.FindStringSubmatch(e.Name()); m != nil && e.IsDir() {
			if err := Recover(filepath.Join(dir, m[1])); err != nil {
				return err
			}
		} else if m != nil || beside.MatchString(e.Name()) {
			removeDead(path, alone)
		}
	}
	return nil
}
