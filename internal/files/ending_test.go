package files_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lamina/internal/files"
)

func TestEnding(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	var want []string
	for _, dir := range []string{b, a} {
		for _, name := range []string{"1.x.json", "2.x.json", "3.json"} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if name != "3.json" {
				want = append(want, path)
			}
		}
	}
	t.Chdir(a)
	if got, err := files.Ending(".x.json", b, ".", a, filepath.Join(a, "none")); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
