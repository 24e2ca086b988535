//go:build unix

package crash_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash"
)

func TestOneProcessRunsInADirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := crash.OpenRunDir(dir, settings(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		if _, err := crash.OpenRunDir(dir, settings(), overwrite); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second run, overwrite %t: %v", overwrite, err)
		}
	}
	first.Close()
	second, err := crash.OpenRunDir(dir, settings(), true)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestKilledSavesAreCleanedUp(t *testing.T) {
	dir := t.TempDir()
	left := []string{"checkpoints/.step-3.tmp-9", ".adapter.tmp-2", ".best.tmp-7"}
	r, err := crash.OpenRunDir(dir, settings(), false)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	for _, name := range left {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if r, err = crash.OpenRunDir(dir, settings(), false); err != nil {
		t.Fatal(err)
	}
	r.Close()
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s remains", name)
		}
	}
}
