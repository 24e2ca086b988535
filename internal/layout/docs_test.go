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

var (
	// "`crash/plan`: TestA, TestB and TestC", or without a package.
	namedTests = regexp.MustCompile("(?:`([a-z][a-z0-9/]*)`:)?\\s+(Test[A-Z]\\w+)")
	testFunc   = regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(`)
)

// TestDocsNameTestsThatExist: whoever follows a reference from the documentation to
// a test finds it, in the package that is named there.
func TestDocsNameTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	homes := map[string][]string{} // test → packages
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			homes[m[1]] = append(homes[m[1]], filepath.ToSlash(folder))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/decisions/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range namedTests.FindAllStringSubmatch(string(text), -1) {
				found++
				folders, ok := homes[m[2]]
				if !ok {
					t.Errorf("%s names %s, which is no test", path, m[2])
				} else if m[1] != "" && !slices.Contains(folders, m[1]) {
					t.Errorf("%s says that %s is in %s: it is in %v", path, m[2], m[1], folders)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d names of tests in the documentation: the search is wrong", found)
	}
}
