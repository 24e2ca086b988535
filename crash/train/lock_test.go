package train_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
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

// TestMetricsOfNoRun are refused before they are read: a directory, or a file of holes.
func TestMetricsOfNoRun(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"is a directory":            func(path string) error { return os.Mkdir(path, 0o755) },
		"more than the 4294967296 ": func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 1<<40)) },
	} {
		dir := t.TempDir()
		r, err := train.OpenRunDir(dir, crashtest.Settings(), false)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		path := filepath.Join(dir, "metrics.jsonl")
		if err := errors.Join(os.Remove(path), make(path)); err != nil {
			t.Skip(err)
		}
		for _, overwrite := range []bool{false, true} {
			if _, err := train.OpenRunDir(dir, crashtest.Settings(), overwrite); err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, overwrite %t: %v", name, overwrite, err)
			}
		}
	}
}
