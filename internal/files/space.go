package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lamina/internal/units"
)

// Free returns how many bytes may still be written to the file system on which path
// lies, or would lie. known is false where the system does not say.
func Free(path string) (bytes uint64, known bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0, false
	}
	for {
		_, err := os.Stat(path)
		if above := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && above != path {
			path = above
			continue
		}
		return freeBytes(path)
	}
}

// CheckSpace returns an error if so many bytes cannot be written below dir, which need
// not be there yet.
func CheckSpace(dir string, bytes int64) error {
	free, known := Free(dir)
	if !known || bytes <= 0 || uint64(bytes) <= free {
		return nil
	}
	return fmt.Errorf("%s: needs %s, and %s are free there: make room, or name a directory on another disk", dir, units.Bytes(int(bytes)), units.Bytes(int(free)))
}
