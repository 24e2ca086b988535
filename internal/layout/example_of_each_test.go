package layout

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever meets a public package sees it used, by code that runs.
func TestPublicPackagesHaveAnExample(t *testing.T) {
	root := filepath.Join("..", "..")
	programs := []string{"cmd/", "bench", "examples/"}
	seen := 0
	for _, p := range list(t, "", "") {
		dir, ours := strings.CutPrefix(p.Path, "lamina/")
		private := strings.Contains("/"+dir+"/", "/internal/")
		for _, program := range programs {
			private = private || strings.HasPrefix(dir, program)
		}
		if !ours || private {
			continue
		}
		seen++
		tests, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		shown := false
		for _, path := range tests {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			shown = shown || bytes.Contains(text, []byte("\nfunc Example")) && bytes.Contains(text, []byte("utput:"))
		}
		if !shown {
			t.Errorf("%s has no Example with an Output", p.Path)
		}
	}
	if seen < 20 {
		t.Errorf("%d public packages: this looks at the wrong tree", seen)
	}
}
