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
	"internal/powercut":        "what a test wrote, or may find again after a cut of power",
	"tensor/system_linux.go":   "what the system says of itself, below /proc and /sys",
	"cmd/demomodel":            "a tool of ours, which reads what it wrote",
	"kernels/intercept":        "a tool of ours, run on the module's own sources",
	"bench":                    "tools of ours, run on files that they made",
	"examples":                 "what a reader tries out, on files of the module",
}

// changes are calls that change the file system.
var changes = regexp.MustCompile(`\bos\.(?:Mkdir|MkdirAll|MkdirTemp|Rename|Remove|RemoveAll|Create|CreateTemp|WriteFile|Truncate|Chmod|Chtimes|Link|Symlink)\(`)

// changers may make them, and why.
var changers = map[string]string{
	"internal/files":           "it is where files are written",
	"internal/powercut":        "it makes what a disk may hold after a cut of power",
	"internal/notices/collect": "a tool of ours",
	"kernels/intercept":        "a tool of ours",
	"hub":                      "its cache holds what can be fetched again, under names by digest",
	"bench":                    "tools of ours",
	"examples":                 "what a reader tries out",
	"crash/crashtest":          "of tests",
}

// TestFilesAreWrittenByOnePackage: what internal/files writes is whole or not there when
// the disk fails or the power goes, and filestest shows it; another way would not be seen.
func TestFilesAreWrittenByOnePackage(t *testing.T) {
	idle := called(t, changes, changers, "use internal/files, by which it survives a cut of power")
	if len(idle) > 0 {
		t.Errorf("%q write nothing: take them off the list", idle)
	}
}

// TestFilesFromOutsideAreOpenedByOneFunction: a device, a pipe or a file without end is an
// error before a byte is read, wherever a new reader is added.
func TestFilesFromOutsideAreOpenedByOneFunction(t *testing.T) {
	idle := called(t, opens, openers, "use files.Open or files.Read with the limit of such files")
	if len(idle) > 0 {
		t.Errorf("%q open nothing: take them off the list", idle)
	}
}

// called reports calls that others than the listed make, and returns which of those do not.
func called(t *testing.T, calls *regexp.Regexp, allowed map[string]string, advice string) (idle []string) {
	t.Helper()
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
			if !calls.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			by := ""
			for opener := range allowed {
				if rel == opener || strings.HasPrefix(rel, opener+"/") {
					by = opener
				}
			}
			if used[by] = true; by == "" {
				t.Errorf("%s:%d: %s: %s", rel, n+1, strings.TrimSpace(line), advice)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, optional := range []string{"bench", "examples", "kernels/intercept", "crash/crashtest", "internal/files", "hub"} {
		used[optional] = true
	}
	for opener := range allowed {
		if !used[opener] {
			idle = append(idle, opener)
		}
	}
	slices.Sort(idle)
	return idle
}
