package trace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"lamina/internal/powercut"
)

// note says what a call does below root, before it is executed; nothing of one that does
// nothing there. A call that changes files in a way that is not understood is an error.
func (c change) note(root string) (*powercut.Op, error) {
	var op powercut.Op
	var from, to string
	switch c.nr {
	case unix.SYS_OPEN, unix.SYS_OPENAT, unix.SYS_CREAT:
		return c.noteOpen(root)
	case unix.SYS_WRITE, unix.SYS_PWRITE64:
		return c.noteWrite(root)
	case unix.SYS_FTRUNCATE:
		op, from = powercut.Op{Kind: powercut.Truncate, Offset: int64(c.args[1])}, c.file(c.args[0])
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		op, from = powercut.Op{Kind: powercut.Sync}, c.file(c.args[0])
		if info, err := os.Stat(c.link(c.args[0])); err == nil && info.IsDir() {
			op.Kind = powercut.SyncDir
		}
	case unix.SYS_RENAME:
		op.Kind, from, to = powercut.Rename, c.path(unix.AT_FDCWD, c.args[0]), c.path(unix.AT_FDCWD, c.args[1])
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		op.Kind, from, to = powercut.Rename, c.path(int(int32(c.args[0])), c.args[1]), c.path(int(int32(c.args[2])), c.args[3])
		if c.nr == unix.SYS_RENAMEAT2 && c.args[4]&unix.RENAME_EXCHANGE != 0 {
			op.Kind = powercut.Exchange
		}
	case unix.SYS_UNLINK, unix.SYS_RMDIR:
		op.Kind, from = powercut.Remove, c.path(unix.AT_FDCWD, c.args[0])
	case unix.SYS_UNLINKAT:
		op.Kind, from = powercut.Remove, c.path(int(int32(c.args[0])), c.args[1])
	case unix.SYS_MKDIR:
		op.Kind, from = powercut.Mkdir, c.path(unix.AT_FDCWD, c.args[0])
	case unix.SYS_MKDIRAT:
		op.Kind, from = powercut.Mkdir, c.path(int(int32(c.args[0])), c.args[1])
	case unix.SYS_CHMOD, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_UTIMENSAT:
		return nil, nil
	default:
		return nil, fmt.Errorf("%s: what it leaves after a cut of power is not known", c)
	}
	var below bool
	if op.Path, below = inside(root, from); !below {
		return nil, nil
	}
	if to != "" {
		if op.To, below = inside(root, to); !below {
			return nil, fmt.Errorf("%s: leaves %s", c, root)
		}
	}
	return &op, nil
}

func (c change) noteOpen(root string) (*powercut.Op, error) {
	at, path, flags := unix.AT_FDCWD, c.args[0], uint64(unix.O_CREAT|unix.O_TRUNC)
	switch c.nr {
	case unix.SYS_OPEN:
		flags = c.args[1]
	case unix.SYS_OPENAT:
		at, path, flags = int(int32(c.args[0])), c.args[1], c.args[2]
	}
	name, below := inside(root, c.path(at, path))
	if !below {
		return nil, nil
	}
	if _, err := os.Lstat(filepath.Join(root, name)); errors.Is(err, fs.ErrNotExist) {
		return &powercut.Op{Kind: powercut.Create, Path: name}, nil
	}
	if flags&unix.O_TRUNC == 0 {
		return nil, nil
	}
	return &powercut.Op{Kind: powercut.Truncate, Path: name}, nil
}

func (c change) noteWrite(root string) (*powercut.Op, error) {
	name, below := inside(root, c.file(c.args[0]))
	if !below {
		return nil, nil
	}
	op := powercut.Op{Kind: powercut.Write, Path: name, Offset: int64(c.args[3]), Data: make([]byte, c.args[2])}
	if c.nr == unix.SYS_WRITE {
		var err error
		if op.Offset, err = c.position(c.args[0]); err != nil {
			return nil, err
		}
	}
	if len(op.Data) > 0 {
		n, err := unix.PtracePeekData(c.tid, uintptr(c.args[1]), op.Data)
		if err != nil || n < len(op.Data) {
			return nil, fmt.Errorf("%s: %d of %d bytes read: %w", c, n, len(op.Data), err)
		}
	}
	return &op, nil
}

// note keeps what a call did that came to its end with a result.
func (t *tracer) note(op *powercut.Op, result int64) {
	if op == nil || result < 0 {
		return
	}
	if op.Kind == powercut.Write {
		op.Data = op.Data[:min(int64(len(op.Data)), result)]
	}
	t.done.Log = append(t.done.Log, *op)
}

// file is what an open file is called now.
func (c change) file(fd uint64) string {
	name, _ := os.Readlink(c.link(fd))
	return name
}

// path is a path that the program names, from a directory.
func (c change) path(dir int, at uint64) string {
	name := c.text(at)
	switch {
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	case dir == unix.AT_FDCWD:
		above, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", c.tid))
		return filepath.Join(above, name)
	}
	return filepath.Join(c.file(uint64(dir)), name)
}

// position is where the next write to a file goes.
func (c change) position(fd uint64) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", c.tid, int32(fd)))
	if err != nil {
		return 0, err
	}
	var at, flags int64
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "pos":
			at, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		case "flags":
			flags, err = strconv.ParseInt(strings.TrimSpace(value), 8, 64)
		}
		if err != nil {
			return 0, err
		}
	}
	if flags&unix.O_APPEND != 0 {
		info, err := os.Stat(c.link(fd))
		if err != nil {
			return 0, err
		}
		at = info.Size()
	}
	return at, nil
}

// inside gives a path relative to root, with slashes, if it lies below and is there.
func inside(root, name string) (string, bool) {
	relative, err := filepath.Rel(root, name)
	if err != nil || !filepath.IsLocal(relative) || strings.HasSuffix(name, " (deleted)") {
		return "", false
	}
	return filepath.ToSlash(relative), true
}
