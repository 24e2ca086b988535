package filestest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"lamina/internal/files"
	"lamina/internal/powercut"
)

// fault is how the disk fails; the zero value not at all.
type fault struct {
	at      int           // the operation, from 1
	errno   syscall.Errno // that it fails with, as does each later one with
	persist bool
	short   bool // of a write half is done first
	syncs   bool // only syncs fail
}

// disk notes what is changed below root, and fails where it is told to. It does not wait
// for the real one: to sync is to note it.
type disk struct {
	files.Disk
	root  string
	log   []powercut.Op
	fault fault
	count int
	hit   string // the operation at fault.at
}

// grows tells the operations that a full disk refuses.
var grows = []powercut.Kind{powercut.Create, powercut.Mkdir, powercut.Write, powercut.Sync, powercut.Rename, powercut.Exchange}

// do counts an operation and executes and notes it, unless it fails.
func (d *disk) do(op powercut.Op, execute func() error) error {
	below, err := d.below(&op)
	if err != nil || !below {
		return errors.Join(err, execute())
	}
	d.count++
	f := d.fault
	if f.at > 0 && (d.count == f.at || f.persist && d.count > f.at) && f.befalls(op.Kind) {
		if d.count == f.at {
			d.hit = op.String()
		}
		return &fs.PathError{Op: string(op.Kind), Path: filepath.Join(d.root, op.Path), Err: f.errno}
	}
	if err := execute(); err != nil {
		return err
	}
	if op.Kind != "" {
		d.log = append(d.log, op)
	}
	return nil
}

func (f fault) befalls(kind powercut.Kind) bool {
	switch {
	case f.syncs:
		return kind == powercut.Sync || kind == powercut.SyncDir
	case f.short:
		return kind == powercut.Write
	case f.errno == syscall.ENOSPC:
		return slices.Contains(grows, kind)
	}
	return true
}

// below makes the paths of an operation relative to the root; others are not looked at.
func (d *disk) below(op *powercut.Op) (bool, error) {
	for _, path := range []*string{&op.Path, &op.To} {
		if *path == "" {
			continue
		}
		name, err := filepath.Rel(d.root, *path)
		if err != nil {
			return false, err
		}
		if !filepath.IsLocal(name) {
			return false, nil
		}
		*path = filepath.ToSlash(name)
	}
	return true, nil
}

func (d *disk) Open(path string, flag int, perm fs.FileMode) (f *os.File, err error) {
	open := func() error {
		f, err = d.Disk.Open(path, flag, perm)
		return err
	}
	if _, there := os.Lstat(path); there == nil || flag&os.O_CREATE == 0 {
		return f, errors.Join(err, open()) // changes nothing
	}
	return f, d.do(powercut.Op{Kind: powercut.Create, Path: path}, open)
}

func (d *disk) Write(f *os.File, data []byte) (n int, err error) {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil { // a pipe
		return d.Disk.Write(f, data)
	}
	op := powercut.Op{Kind: powercut.Write, Path: f.Name(), Offset: at, Data: slices.Clone(data)}
	err = d.do(op, func() error {
		n, err = d.Disk.Write(f, data)
		return err
	})
	if err != nil && d.fault.short && d.count == d.fault.at {
		n, _ = d.Disk.Write(f, data[:len(data)/2])
	}
	return n, err
}

func (d *disk) Truncate(f *os.File, size int64) error {
	return d.do(powercut.Op{Kind: powercut.Truncate, Path: f.Name(), Offset: size}, func() error { return d.Disk.Truncate(f, size) })
}

func (d *disk) Chmod(f *os.File, mode fs.FileMode) error {
	return d.do(powercut.Op{Path: f.Name()}, func() error { return d.Disk.Chmod(f, mode) })
}

func (d *disk) Sync(f *os.File) error {
	return d.do(powercut.Op{Kind: powercut.Sync, Path: f.Name()}, func() error { return nil })
}

func (d *disk) SyncDir(path string) error {
	return d.do(powercut.Op{Kind: powercut.SyncDir, Path: path}, func() error { return nil })
}

func (d *disk) Mkdir(path string, perm fs.FileMode) error {
	return d.do(powercut.Op{Kind: powercut.Mkdir, Path: path}, func() error { return d.Disk.Mkdir(path, perm) })
}

func (d *disk) Rename(from, to string) error {
	return d.do(powercut.Op{Kind: powercut.Rename, Path: from, To: to}, func() error { return d.Disk.Rename(from, to) })
}

func (d *disk) Exchange(a, b string) error {
	return d.do(powercut.Op{Kind: powercut.Exchange, Path: a, To: b}, func() error { return d.Disk.Exchange(a, b) })
}

func (d *disk) Remove(path string) error {
	return d.do(powercut.Op{Kind: powercut.Remove, Path: path}, func() error { return d.Disk.Remove(path) })
}

// RemoveAll removes one after the other, as the system does.
func (d *disk) RemoveAll(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if err := d.RemoveAll(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return d.Remove(path) // what ReadDir refused may be a file
}
