package train_test

import (
	"lamina/crash/crashtest"
	"lamina/crash/train"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOneProcessRunsInADirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := train.OpenRunDir(dir, crashtest.Settings(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		if _, err := train.OpenRunDir(dir, crashtest.Settings(), overwrite); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second run, overwrite %t: %v", overwrite, err)
		}
	}
	first.Close()
	second, err := train.OpenRunDir(dir, crashtest.Settings(), true)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestKilledSavesAreCleanedUp(t *testing.T) {
	dir := t.TempDir()
	left := []string{"checkpoints/.step-3.tmp-9", ".adapter.tmp-2", ".best.tmp-7"}
	r, err := train.OpenRunDir(dir, crashtest.Settings(), false)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	for _, name := range left {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if r, err = train.OpenRunDir(dir, crashtest.Settings(), false); err != nil {
		t.Fatal(err)
	}
	r.Close()
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s remains", name)
		}
	}
}
