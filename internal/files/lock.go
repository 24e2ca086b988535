package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// ErrLocked says that somebody else, mostly another process, holds a lock.
var ErrLocked = errors.New("locked by another process")

// lockPause is the time between two looks at a lock that another process holds.
const lockPause = 50 * time.Millisecond

// Lock waits for the lock file at path, which it makes if need be with its
// directory, and returns what releases the lock. The lock ends with the process too,
// however that ends; the file stays. Python's filelock takes it in the same way. The
// wait ends with ctx, and its error is then ctx's.
//
// held is false on file systems that have no locks: the caller then needs names of
// its own.
func Lock(ctx context.Context, path string) (release func(), held bool, err error) {
	if err := MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, false, fmt.Errorf("lock %q: %w", path, bare(err))
	}
	for {
		f, err := disk.Open(path, os.O_RDWR|os.O_CREATE, 0o664)
		if err != nil {
			return nil, false, fmt.Errorf("lock %q: %w", path, bare(err))
		}
		got, supported := tryLock(f, firstByte)
		switch {
		case !supported:
			f.Close()
			return func() {}, false, nil
		case got && stillAt(f, path):
			return func() { f.Close() }, true, nil // closing releases it
		}
		f.Close()
		if got {
			continue // the file was removed by who held it: take the new one
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// TryLock takes the lock of an open file without waiting and keeps it until f is
// closed or the process ends. If somebody else holds it, the error is ErrLocked.
// Others may read and write the file all the while: the lock is between those that
// ask for it. On file systems that have no locks TryLock does nothing.
func TryLock(f *File) error {
	if got, supported := tryLock(f.f, lastByte); supported && !got {
		return fmt.Errorf("%s: %w", f.Name(), ErrLocked)
	}
	return nil
}

// beside is what the locks of directories are called.
var beside = regexp.MustCompile(`^\..+\.lock$`)

// lockBeside is the lock of who replaces a directory.
func lockBeside(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
}

// lockInside is the lock of who writes into a directory.
const lockInside = ".lock"

// LockDir locks a directory that a process fills over some time. Who comes second gets
// [ErrLocked] in words. The lock ends with the process, or with release.
func LockDir(dir string) (release func(), err error) {
	release, _, err = claim(filepath.Join(dir, lockInside))
	if err != nil {
		return nil, inWords(dir, err)
	}
	return release, nil
}

// LockBeside locks a path by a file beside it, for who does more there than one [Dir]. Who
// comes second gets [ErrLocked] in words. The lock ends with the process, or with release.
func LockBeside(path string) (release func(), err error) {
	release, _, err = claim(lockBeside(path))
	if err != nil {
		return nil, inWords(path, err)
	}
	return release, nil
}

// claim takes the lock file at path without waiting, and removes it with the lock. The
// lock is not held where the file system has none.
func claim(path string) (release func(), held bool, err error) {
	for {
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			return nil, false, fmt.Errorf("%s is %s, want a lock file: remove it", path, kindOf(info.Mode()))
		}
		f, err := disk.Open(path, os.O_RDWR|os.O_CREATE, 0o664)
		if err != nil {
			return nil, false, err
		}
		got, supported := tryLock(f, firstByte)
		release := func() {
			disk.Remove(path) // while the lock is held: nobody else's is taken away
			f.Close()
		}
		switch {
		case !supported:
			release()
			return func() {}, false, nil
		case got && stillAt(f, path):
			return release, true, nil
		}
		f.Close()
		if !got {
			return nil, false, ErrLocked
		}
	}
}

// Windows locks bytes and keeps everybody else from reading those: a lock file is
// locked at its first, where filelock does it, and a file with content at the last
// that could be.
const (
	firstByte = 0
	lastByte  = 1<<63 - 1
)

// stillAt reports whether path still names the open file.
func stillAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
