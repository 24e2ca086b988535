package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteSecret writes a new file that its owner alone may read, from its first byte on. It
// replaces nothing; on an error nothing remains.
func WriteSecret(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	_, err = f.Write(data)
	if err = errors.Join(bare(err), bare(f.Sync()), bare(f.Close())); err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
