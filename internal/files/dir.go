package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Dir makes a directory that is there whole or not at all: fill gets an empty
// temporary directory beside path, whose files it writes (and syncs) itself; it
// is then synced and renamed to path. If path exists, Dir is an error unless
// overwrite is set; the old directory and the new one then change places in one step,
// where the system can, and the old one is removed. What is no directory is never
// replaced. Who writes path at the same time gets [ErrLocked].
// On an error or a panic of fill, path is as it was and nothing else remains.
//
// It is for directories inside one of ours; what a user names is an [Output].
func Dir(path string, overwrite bool, fill func(tmp string) error) error {
	path, err := named(path)
	if err != nil {
		return err
	}
	if err := replaceable(path, overwrite); err != nil {
		return err
	}
	if err := MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("%s: cannot be made: %w", path, err)
	}
	release, held, err := claim(lockBeside(path))
	if err != nil {
		return inWords(path, err)
	}
	defer release()
	if held {
		if err := clear(path); err != nil {
			return err
		}
	}
	if err := replaceable(path, overwrite); err != nil { // somebody was there first
		return err
	}
	return fillAndName(path, fill)
}

// named gives a path a last element that a name beside it can be made of.
func named(path string) (string, error) {
	if path = filepath.Clean(path); filepath.Base(path) != "." && filepath.Base(path) != ".." {
		return path, nil
	}
	return filepath.Abs(path)
}

// replaceable tells whether a directory may be put at path.
func replaceable(path string, overwrite bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !overwrite:
		return fmt.Errorf("%s: exists already: choose another directory or pass --overwrite", path)
	case !info.IsDir():
		return fmt.Errorf("%s: is no directory and is not overwritten: choose another --out", path)
	}
	return nil
}

// inWords says what ErrLocked means of a directory.
func inWords(path string, err error) error {
	if errors.Is(err, ErrLocked) {
		return fmt.Errorf("%s: is being written, %w: wait for it, or choose another directory", path, ErrLocked)
	}
	return fmt.Errorf("%s: cannot be written: %w", path, bare(err))
}

// fillAndName fills a temporary directory and puts it at path. The lock is held.
func fillAndName(path string, fill func(tmp string) error) (err error) {
	parent := filepath.Dir(path)
	tmp, err := mkdirTemp(path)
	if err != nil {
		return fmt.Errorf("%s: cannot be made: %w", path, bare(err))
	}
	done, settled := false, begun(tmp)
	defer func() { // also when fill panics
		settled()
		if !done {
			disk.RemoveAll(tmp)
		}
	}()
	if err := fill(tmp); err != nil {
		return &renamed{err, tmp, path}
	}
	if err := syncDir(tmp); err != nil {
		return &renamed{err, tmp, path}
	}
	settled()
	old, err := place(tmp, path)
	if err != nil {
		return err
	}
	done = true
	if err := syncName(parent); err != nil || old == "" {
		return err
	}
	if err := disk.RemoveAll(old); err != nil {
		return &renamed{err, old, path}
	}
	return nil
}

// place gives a whole directory its name and returns where the one that had it lies
// now, "" if there was none.
func place(tmp, path string) (old string, err error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := disk.Rename(tmp, path); err != nil {
			return "", &renamed{err, tmp, path}
		}
		return "", nil
	}
	if disk.Exchange(tmp, path) == nil {
		return tmp, nil
	}
	// Nothing is at path for a moment: Recover finds the old directory.
	old = tmp + asideSuffix
	if err := disk.Rename(path, old); err != nil {
		return "", err
	}
	if err := disk.Rename(tmp, path); err != nil {
		return "", errors.Join(err, disk.Rename(old, path))
	}
	return old, nil
}

// renamed is an error of a file in a temporary directory, told under the name that the
// user knows.
type renamed struct {
	error
	tmp, path string
}

func (r *renamed) Error() string { return strings.ReplaceAll(r.error.Error(), r.tmp, r.path) }

func (r *renamed) Unwrap() error { return r.error }

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

// Recover cleans up after a process that was killed inside [Dir] for path: a
// directory that had been put aside comes back if path is missing, and temporary
// ones are removed. Where somebody is writing path, nothing is touched. Readers call it
// for a directory that is not there.
func Recover(path string) error {
	path, err := named(path)
	if err != nil {
		return err
	}
	if left, err := remains(path); err != nil || len(left) == 0 {
		return err
	}
	release, held, err := claim(lockBeside(path))
	if errors.Is(err, ErrLocked) {
		return nil
	} else if err != nil {
		return inWords(path, err)
	}
	defer release()
	if !held {
		return nil
	}
	return clear(path)
}

// clear does what Recover says. The lock is held, so that whoever left these is dead.
func clear(path string) error {
	left, err := remains(path)
	if err != nil {
		return err
	}
	for _, dir := range left {
		_, err := os.Lstat(path)
		if strings.HasSuffix(dir, asideSuffix) && errors.Is(err, fs.ErrNotExist) {
			err = disk.Rename(dir, path)
		} else {
			err = disk.RemoveAll(dir)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remains lists the temporary directories that lie beside path, those put aside last.
func remains(path string) ([]string, error) {
	parent := filepath.Dir(path)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, e := range entries {
		if m := temporary.FindStringSubmatch(e.Name()); m != nil && m[1] == filepath.Base(path) && e.IsDir() {
			left = append(left, filepath.Join(parent, e.Name()))
		}
	}
	return left, nil
}

// asideSuffix marks a directory that is being replaced.
const asideSuffix = ".old"

// temporary is what the temporary files and directories beside the one of its first group
// are called.
var temporary = regexp.MustCompile(`^\.(.+)\.tmp-[0-9]+(\.old)?$`)
