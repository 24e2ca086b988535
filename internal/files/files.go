// Package files is how the module opens and writes files: what comes from outside is
// opened only if it is a regular file of a size that its kind may have; a file, or a
// directory of files, is written whole or not at all; and it hashes, and locks between
// processes. A reader, and a machine that restarts after a crash, sees the old content
// or the new one, never a part.
//
// Of what is written it knows the nouns by which directories call themselves, see [Output].
//
//	err := files.Write("out/table.json", func(w io.Writer) error {
//		enc := json.NewEncoder(w)
//		return enc.Encode(table)
//	})
//	if err != nil {
//		return err // names the path; the old file, if any, is untouched
//	}
//	if err := files.TryLock(metrics); err != nil {
//		return err // another process runs in this directory
//	}
//
// Invariants: the temporary file lies in the directory of the target (a rename
// never crosses a file system); data reach the disk before the name does, the
// name before Write returns; on an error or a panic of the callback no
// temporary file remains; an existing file keeps its permission bits; a lock ends
// with its process, however that ends.
package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// bufferSize is large enough that a JSON encoder's small writes do not each
// become a system call.
const bufferSize = 64 << 10

// maxTemps bounds the search for a free temporary name. Each name already
// taken is a writer at work or the remains of a killed process.
const maxTemps = 1000

// moreTemps are looked at beyond the one that is free: several writers at once may have
// been killed.
const moreTemps = 8

// WriteBytes writes data to path as [Write] does.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Write calls write with a buffered writer and gives path exactly the bytes
// written. They go to a temporary file beside path, which is synced, closed
// and renamed over path; then the directory is synced. When write or a later
// step fails, path is as it was and the error names it; the cause is wrapped.
// (Only a failed sync of the directory comes after the rename: the new content
// is then in place, but may not survive a power cut.)
//
// A symbolic link is followed and its target replaced. A path that exists and
// is no regular file (a terminal, a pipe, the null device) cannot be replaced
// by renaming: it is written directly, without the promise above.
func Write(path string, write func(w io.Writer) error) error {
	target, mode, direct, err := resolve(path)
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if direct {
		err = writeDirect(target, write)
	} else {
		err = replace(target, mode, write)
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// WriteInside writes data to a file of a directory that is ours: unlike [Write] it replaces
// a link or a pipe that somebody put there, and does not write through it.
func WriteInside(path string, data []byte) error {
	var mode fs.FileMode
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		mode = info.Mode().Perm()
	}
	err := replace(path, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// resolve returns the file behind path, the permission bits an existing one
// has (0: there is none yet), and whether it must be written in place.
func resolve(path string) (target string, mode fs.FileMode, direct bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0, false, nil
	case err != nil:
		return "", 0, false, bare(err)
	case info.IsDir():
		return "", 0, false, errors.New("is a directory; give a file name")
	case !info.Mode().IsRegular():
		return path, 0, true, nil
	}
	target, err = filepath.EvalSymlinks(path)
	if err != nil {
		return "", 0, false, bare(err)
	}
	return target, info.Mode().Perm(), false, nil
}

func writeDirect(path string, write func(w io.Writer) error) error {
	f, err := openFile(path, os.O_WRONLY, 0)
	if err != nil {
		return bare(err)
	}
	return errors.Join(fill(f, write), bare(f.Close()))
}

func replace(path string, mode fs.FileMode, write func(w io.Writer) error) error {
	f, err := createTemp(path)
	if err != nil {
		return bare(err)
	}
	renamed, settled := false, begun(f.Name())
	defer func() { // also when write panics
		settled()
		if !renamed {
			disk.Remove(f.Name()) // while it is locked, it is ours
			f.Close()
			if runtime.GOOS == "windows" { // nothing that is open is removed there
				disk.Remove(f.Name())
			}
		}
	}()
	if err := fill(f, write); err != nil {
		return err
	}
	if mode != 0 {
		if err := f.chmod(mode); err != nil && runtime.GOOS != "windows" {
			return bare(err)
		}
	}
	// A failed sync is final for this file: the kernel may have dropped the
	// dirty pages and report success the next time.
	if err := f.Sync(); err != nil {
		return bare(err)
	}
	if runtime.GOOS == "windows" { // nothing that is open is renamed there
		f.Close()
	}
	settled()
	if err := disk.Rename(f.Name(), path); err != nil {
		return bare(err)
	}
	renamed = true
	f.Close() // ends the lock
	return syncName(filepath.Dir(path))
}

func fill(f *File, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, bufferSize)
	if err := write(w); err != nil {
		return err
	}
	return bare(w.Flush())
}

// createTemp opens a new file beside path and locks it, so that it is known for a dead
// process's when this one ends; those of dead ones are removed. os.CreateTemp is not used
// because it makes files that only their owner can read, whatever the umask says.
func createTemp(path string) (*File, error) {
	dir, base := filepath.Split(path)
	name := func(i int) string { return fmt.Sprintf("%s.%s.tmp-%d", dir, base, i) }
	var err error
	for i := range maxTemps {
		var f *File
		removeDead(name(i), false)
		f, err = openFile(name(i), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		if got, supported := tryLock(f.f, lastByte); supported && !(got && stillAt(f.f, name(i))) {
			f.Close() // somebody took it for a dead one's, and removes it
			continue
		}
		for j := range moreTemps {
			removeDead(name(i+1+j), false)
		}
		return f, nil
	}
	return nil, err
}

// bare takes the path off a file error: the caller's path, which the user
// knows, stands in front already, and the temporary name means nothing to him.
func bare(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		return linkErr.Err
	}
	return err
}

// Publish gives the finished file tmp its name: it is synced and renamed to path,
// then the directory is synced. It is for files that take more than one run to
// fill; both must lie in one directory.
func Publish(tmp, path string) error {
	f, err := openFile(tmp, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("write %q: %w", path, bare(err))
	}
	err = errors.Join(bare(f.Sync()), bare(f.Close()))
	if err == nil {
		err = bare(disk.Rename(tmp, path))
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}
