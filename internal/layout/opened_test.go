package layout

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// opens are calls that open a file without asking what it is and how large.
var opens = regexp.MustCompile(`\b(?:os\.(?:Open|OpenFile|ReadFile)|ioutil\.ReadFile)\(`)

// openers may make them, by what of the module they are, and why.
var openers = map[string]string{
	"internal/files":           "it is where files are opened",
	"internal/notices/collect": "a tool of ours, run on the module's own sources",
	"internal/machine":         "what the system says of itself, below /proc and /sys",
	"tensor/system_linux.go":   "what the system says of itself, below /proc and /sys",
	"cmd/demomodel":            "a tool of ours, which reads what it wrote",
	"kernels/intercept":        "a tool of ours, run on the module's own sources",
	"bench":                    "tools of ours, run on files that they made",
	"examples":                 "what a reader tries out, on files of the module",
}

// TestFilesFromOutsideAreOpenedByOneFunction: a device, a pipe or a file without end is an
// error before a byte is read, wherever a new reader is added.
func TestFilesFromOutsideAreOpenedByOneFunction(t *testing.T) {
	root := filepath.Join("..", "..")
	used := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		for n, line := range strings.Split(string(text), "\n") {
			if !opens.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			by := ""
			for opener := range openers {
				if rel == opener || strings.HasPrefix(rel, opener+"/") {
					by = opener
				}
			}
			if used[by] = true; by == "" {
				t.Errorf("%s:%d: %s: use files.Open or files.Read with the limit of such files", rel, n+1, strings.TrimSpace(line))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, optional := range []string{"bench", "examples", "kernels/intercept"} {
		used[optional] = true
	}
	var idle []string
	for opener := range openers {
		if !used[opener] {
			idle = append(idle, opener)
		}
	}
	if slices.Sort(idle); len(idle) > 0 {
		t.Errorf("%q open nothing: take them off the list", idle)
	}
}
