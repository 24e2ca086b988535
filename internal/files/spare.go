package files

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Spare refuses files and directories that exist and are to be written where writing them
// would destroy what another flag has read: a file that is one of those, or one of a
// model's, and a directory that holds one. written and read are the flags; of written,
// "out" is a directory.
func Spare(written map[string]string, read map[string][]string) error {
	for flag, out := range written {
		there, err := os.Stat(out)
		if err != nil {
			continue // a new file destroys nothing
		}
		for name, paths := range read {
			for _, path := range paths {
				info, err := os.Stat(path)
				switch {
				case err != nil || flag == "out" && name == "model" && os.SameFile(there, info): // the command says more of it
				case flag == "out" && Reads(out, path):
					return fmt.Errorf("--out %s: holds what is read as --%s and is not overwritten: choose another directory", out, name)
				case flag != "out" && (os.SameFile(there, info) || name == "model" && Holds(path, out)):
					return fmt.Errorf("--%s %s: is read as --%s: name another file", flag, out, name)
				}
			}
		}
	}
	return nil
}

// Reads reports whether something that is read at path lies in the directory dir: path
// itself, or, where it is a directory, what its links lead to.
func Reads(dir, path string) bool {
	if Holds(dir, path) {
		return true
	}
	entries, _ := os.ReadDir(path) // an error: no directory
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Type()&fs.ModeSymlink != 0 && Holds(dir, filepath.Join(path, e.Name()))
	})
}
