package files

import (
	"sync"
)

// unfinished are the temporary files and directories that are being filled.
var unfinished = struct {
	sync.Mutex
	paths map[string]bool
}{paths: map[string]bool{}}

// begun notes a temporary file or directory, until settled is called: before it gets its
// name, or after it was removed.
func begun(tmp string) (settled func()) {
	unfinished.Lock()
	defer unfinished.Unlock()
	unfinished.paths[tmp] = true
	return func() {
		unfinished.Lock()
		defer unfinished.Unlock()
		delete(unfinished.paths, tmp)
	}
}

// beingFilled reports whether a path is one of them.
func beingFilled(path string) bool {
	unfinished.Lock()
	defer unfinished.Unlock()
	return unfinished.paths[path]
}

// RemoveUnfinished removes what is being filled. It is for a process that ends at once,
// with writes under way: whoever begins or ends one afterwards waits for ever.
func RemoveUnfinished() {
	unfinished.Lock()
	for tmp := range unfinished.paths {
		disk.RemoveAll(tmp)
	}
}
