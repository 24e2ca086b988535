package hub

import (
	"path/filepath"
	"strings"
)

// NameOf returns what a model at a path is called: ORG/NAME of one in a
// cache, else the name of its file (without .gguf) or directory.
func NameOf(path string) string {
	path = filepath.Clean(path)
	if full, err := filepath.Abs(path); err == nil {
		path = full // "." is no name, and ".." leads elsewhere
	}
	if snapshots := filepath.Dir(path); filepath.Base(snapshots) == "snapshots" {
		if name, ok := strings.CutPrefix(filepath.Base(filepath.Dir(snapshots)), string(Model)+"s--"); ok {
			return strings.Replace(name, "--", "/", 1)
		}
	}
	return strings.TrimSuffix(filepath.Base(path), ".gguf")
}
