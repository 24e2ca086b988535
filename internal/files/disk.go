package files

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// Disk is how this package changes the file system: every change is one of these calls,
// and nothing is changed by another way. A test puts its own in the place of the system's
// ([Through]) and lets an operation fail, or notes all of them, to see what is left when
// the power goes at any of them (internal/files/powercut). What is read is read from the
// system itself.
type Disk interface {
	Open(path string, flag int, perm fs.FileMode) (*os.File, error) // flag has os.O_CREATE, or opens to write
	Write(f *os.File, data []byte) (int, error)
	Truncate(f *os.File, size int64) error
	Chmod(f *os.File, mode fs.FileMode) error
	Sync(f *os.File) error
	Mkdir(path string, perm fs.FileMode) error
	Rename(from, to string) error
	Exchange(a, b string) error // in one step; errors.ErrUnsupported where there is no such call
	Remove(path string) error
	RemoveAll(path string) error
	SyncDir(path string) error // makes what happened to the names in a directory durable
}

// disk is the Disk in use.
var disk Disk = system{}

// Through lets a test's d stand in the place of the system's until restore is called. It
// holds for the whole process.
func Through(d Disk) (restore func()) {
	before := disk
	disk = d
	return func() { disk = before }
}

// System is the Disk of the system, on which a test's stands.
func System() Disk { return system{} }

type system struct{}

func (system) Open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag, perm)
}
func (system) Write(f *os.File, data []byte) (int, error) { return f.Write(data) }
func (system) Truncate(f *os.File, size int64) error      { return f.Truncate(size) }
func (system) Chmod(f *os.File, mode fs.FileMode) error   { return f.Chmod(mode) }
func (system) Sync(f *os.File) error                      { return f.Sync() }
func (system) Mkdir(path string, perm fs.FileMode) error  { return os.Mkdir(path, perm) }
func (system) Rename(from, to string) error               { return os.Rename(from, to) }
func (system) Exchange(a, b string) error                 { return exchange(a, b) }
func (system) Remove(path string) error                   { return os.Remove(path) }
func (system) RemoveAll(path string) error                { return os.RemoveAll(path) }

func (system) SyncDir(path string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil // some network file systems have no such call
	}
	return err
}

// File is a file that is written through the [Disk].
type File struct{ f *os.File }

// openFile opens a file to write.
func openFile(path string, flag int, perm fs.FileMode) (*File, error) {
	f, err := disk.Open(path, flag, perm)
	if err != nil {
		return nil, err
	}
	return &File{f}, nil
}

// Write appends at the file's position, as [os.File.Write] does.
func (f *File) Write(data []byte) (int, error) { return disk.Write(f.f, data) }

// Truncate cuts the file, or makes it longer.
func (f *File) Truncate(size int64) error { return disk.Truncate(f.f, size) }

// Sync brings the content to the disk. Once it failed the file is not to be trusted: the
// system may have dropped what it could not write, and a second call may report success.
func (f *File) Sync() error { return disk.Sync(f.f) }

func (f *File) chmod(mode fs.FileMode) error { return disk.Chmod(f.f, mode) }

// Read reads at the file's position.
func (f *File) Read(data []byte) (int, error) { return f.f.Read(data) }

// ReadAt reads at offset, wherever the position is.
func (f *File) ReadAt(data []byte, offset int64) (int, error) { return f.f.ReadAt(data, offset) }

// Seek sets the position.
func (f *File) Seek(offset int64, whence int) (int64, error) { return f.f.Seek(offset, whence) }

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) { return f.f.Stat() }

// Name is the path it was opened by.
func (f *File) Name() string { return f.f.Name() }

// Close ends the file's lock too.
func (f *File) Close() error { return f.f.Close() }

var _ io.ReadWriteSeeker = (*File)(nil)

// syncDir makes a rename in dir durable, where the system can.
func syncDir(dir string) error { return disk.SyncDir(dir) }

// syncName is syncDir, but for a directory that is being filled: it is synced before it
// gets its name, and until then nothing in it counts.
func syncName(dir string) error {
	if beingFilled(dir) {
		return nil
	}
	return syncDir(dir)
}

// MkdirAll makes a directory and those above it that are missing, as [os.MkdirAll] does,
// and makes them durable: a file that is synced in a directory whose own name is not on
// the disk is lost with it.
func MkdirAll(path string, perm fs.FileMode) error {
	path = filepath.Clean(path)
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return nil
		}
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	above := filepath.Dir(path)
	if above != path {
		if err := MkdirAll(above, perm); err != nil {
			return err
		}
	}
	if err := disk.Mkdir(path, perm); err != nil {
		if info, wrong := os.Stat(path); wrong == nil && info.IsDir() {
			return nil // somebody else made it meanwhile
		}
		return err
	}
	return syncDir(above)
}

// mkdirTemp makes a new directory for path beside it, readable for everybody whom the umask
// lets.
func mkdirTemp(path string) (tmp string, err error) {
	for range maxTemps {
		tmp = tempDir(path)
		if err = disk.Mkdir(tmp, 0o755); !errors.Is(err, fs.ErrExist) {
			return tmp, err
		}
	}
	return "", err
}

// tempDir is a name beside path, as temporary says, that nothing has unless by rare chance.
func tempDir(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp-"+strconv.FormatUint(rand.Uint64(), 10))
}
