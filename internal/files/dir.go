package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir makes a directory that is there whole or not at all: fill gets an empty
// temporary directory beside path, whose files it writes (and syncs) itself; it
// is then synced and renamed to path. If path exists, Dir is an error unless
// overwrite is set; the old directory is then put aside, replaced, and removed.
// What is no directory is never replaced.
// On an error or a panic of fill, path is as it was and nothing else remains.
func Dir(path string, overwrite bool, fill func(tmp string) error) error {
	path = filepath.Clean(path)
	if info, err := os.Lstat(path); err == nil && !overwrite {
		return fmt.Errorf("%s: exists already: choose another directory or pass --overwrite", path)
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("%s: is no directory and is not overwritten: choose another --out", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	renamed := false
	defer func() { // also when fill panics
		if !renamed {
			os.RemoveAll(tmp)
		}
	}()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := fill(tmp); err != nil {
		return err
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	aside := ""
	if _, err := os.Lstat(path); err == nil {
		aside = tmp + asideSuffix
		if err := os.Rename(path, aside); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, path); err != nil {
		if aside != "" {
			err = errors.Join(err, os.Rename(aside, path))
		}
		return err
	}
	renamed = true
	if aside != "" {
		if err := os.RemoveAll(aside); err != nil {
			return err
		}
	}
	return syncDir(parent)
}

// Holds reports whether path is the directory dir or lies below it, under whatever
// names.
func Holds(dir, path string) bool {
	want, err := os.Stat(dir)
	if err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for {
		if info, err := os.Stat(path); err == nil && os.SameFile(want, info) {
			return true
		}
		above := filepath.Dir(path)
		if above == path {
			return false
		}
		path = above
	}
}

// Recover cleans up after a process that was killed inside Dir for path: a
// directory that had been put aside comes back if path is missing, and temporary
// ones are removed. Nobody else may be writing path.
func Recover(path string) error {
	path = filepath.Clean(path)
	parent, prefix := filepath.Dir(path), "."+filepath.Base(path)+".tmp-"
	left, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		_, err := os.Lstat(path)
		if strings.HasSuffix(dir, asideSuffix) && errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(dir, path); err != nil {
				return err
			}
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// asideSuffix marks a directory that is being replaced.
const asideSuffix = ".old"
