package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCompareSaysWhatWasChanged since eval wrote it, a number or a sample; a second call
// with the same settings is compared, not refused.
func TestCompareSaysWhatWasChanged(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, out := write(t, dir, "d.jsonl", questions), filepath.Join(dir, "out")
	for range 2 {
		must(t, "eval", "--model", model, "--data", data, "--out", out, "--log-samples")
	}
	must(t, "compare", out, out)
	for _, pattern := range []string{"samples_*.jsonl", "results_*.json"} {
		found, err := filepath.Glob(filepath.Join(out, "*", pattern))
		if err != nil || len(found) != 2 {
			t.Fatalf("%v, %v", found, err)
		}
		path := found[1] // of the last call
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := bytes.Replace(text, []byte(`"acc`), []byte(` "acc`), 1)
		if bytes.Equal(changed, text) {
			t.Fatalf("%s holds no accuracy", path)
		}
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		fails(t, exitError, "it was changed since lamina eval wrote it: score anew", "compare", out, out)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "compare", out, out)
}
