package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockPause is the time between two looks at a lock that another process holds.
const lockPause = 50 * time.Millisecond

// lock waits for the lock file at path, which Python's filelock takes in the same
// way, and returns what releases it. held is false on file systems that have no
// locks: the caller then needs names of its own.
func lock(ctx context.Context, path string) (release func(), held bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, false, fmt.Errorf("hub: lock: %w", err)
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o664)
		if err != nil {
			return nil, false, fmt.Errorf("hub: lock: %w", err)
		}
		got, supported := tryLock(f)
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
		if err := sleep(ctx, lockPause); err != nil {
			return nil, false, err
		}
	}
}

// stillAt reports whether path still names the open file.
func stillAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
