package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Ending returns the absolute paths of what lies in directories under a name of an end, those
// of the first directory first, each directory once. One that cannot be read has none.
func Ending(suffix string, dirs ...string) (paths []string, err error) {
	var seen []string
	for _, dir := range dirs {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, err
		}
		if slices.Contains(seen, dir) {
			continue
		}
		seen = append(seen, dir)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), suffix) {
				paths = append(paths, filepath.Join(dir, e.Name()))
			}
		}
	}
	return paths, nil
}
