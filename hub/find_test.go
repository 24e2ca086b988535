package hub

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNameOf(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a/b": "b", "a/b/": "b", "b.Q4_1.gguf": "b.Q4_1", ".": filepath.Base(here), "..": filepath.Base(filepath.Dir(here)),
		"hub/models--ORG--NAME-1/snapshots/0123abcd": "ORG/NAME-1", "snapshots/x": "x",
	} {
		if got := NameOf(filepath.FromSlash(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
