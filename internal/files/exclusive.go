package files

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CreateNew makes the file at path, with data in it, unless something has that name: the
// error is [fs.ErrExist] then. Of several processes, on several machines that share the file
// system, one makes it. Readers may see it before its content is there.
func CreateNew(path string, data []byte) error {
	f, err := openFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		disk.Remove(path)
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	return syncName(filepath.Dir(path))
}

// Rewrite writes the content of the file at path again where it is data, so that the file
// system, which may be another machine's, sets its time by its own clock. A file that is not
// there or holds something else is an error, [fs.ErrNotExist], and stays as it is.
func Rewrite(path string, data []byte) error {
	info, err := os.Lstat(path)
	if err := checkInput(path, info, err, int64(len(data))); err != nil {
		return err
	}
	f, err := openFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	defer f.Close()
	have := make([]byte, len(data))
	if n, err := f.ReadAt(have, 0); err != nil || !bytes.Equal(have[:n], data) {
		return fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	_, err = f.Write(data)
	return err
}
