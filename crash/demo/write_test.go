package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWriteMakesAllOrNothing: where one directory is somebody's, the other is not made.
func TestWriteMakesAllOrNothing(t *testing.T) {
	for _, theirs := range []string{"model", "data", ""} {
		out := t.TempDir()
		if theirs != "" {
			if err := os.MkdirAll(filepath.Join(out, "inputs", theirs, "mine"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		model, data, err := Write(out, "inputs", true)
		if theirs == "" {
			for _, dir := range []string{model, data} {
				if _, missing := os.Stat(dir); err != nil || missing != nil {
					t.Errorf("%v, %v", err, missing)
				}
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "is not overwritten") {
			t.Errorf("%s: %v", theirs, err)
		}
		if made, err := os.ReadDir(filepath.Join(out, "inputs")); err != nil || len(made) != 1 {
			t.Errorf("%s is somebody's: %v, %v", theirs, made, err)
		}
	}
}
