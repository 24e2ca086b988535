package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// What a killed process leaves is told from what a live one is writing by locks, which
// end with their process: times are not looked at, as clocks are set back, nor are
// process ids, which come again.

// removeDead removes the temporary file of a process that is dead, and reports whether
// nothing has the name any more.
func removeDead(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	if !info.Mode().IsRegular() || runtime.GOOS == "windows" { // where it is closed before it is renamed
		return false
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	// Its writer may have renamed it since it was opened.
	got, supported := tryLock(f, lastByte)
	return got && supported && stillAt(f, path) && os.Remove(path) == nil
}

// Remove removes what is at path, in a directory that its caller has locked; nothing is
// no error. A directory goes in one step: who is killed leaves it whole, or under a name
// that Sweep knows.
func Remove(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return os.Remove(path)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(tmp, filepath.Base(path))); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.RemoveAll(tmp)
}

// Sweep removes what dead processes left in a directory: temporary files, temporary
// directories and locks. Those of live ones stay.
func Sweep(dir string) error {
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
			removeDead(path)
		}
	}
	return nil
}
