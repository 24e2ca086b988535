package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/internal/files"
)

// TestSpare: what is read is not written over, under any of its names.
func TestSpare(t *testing.T) {
	dir := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	if err := os.Mkdir(at("model"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{at("data.jsonl"), at("model", "config.json")} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("data.jsonl", at("link")); err != nil {
		t.Skip(err)
	}
	read := map[string][]string{"model": {at("model")}, "data": {at("absent"), at("data.jsonl")}, "task": {"arc_easy"}}
	for _, c := range []struct{ flag, path, want string }{
		{"json", at("new.json"), ""},
		{"json", at("model", "new.json"), ""},
		{"json", at("link"), "is read as --data"},
		{"plot", at("data.jsonl"), "is read as --data"},
		{"json", at("model", "config.json"), "is read as --model"},
		{"out", at("model"), ""}, // the command says more of it
		{"out", dir, "is not overwritten"},
		{"out", at("new"), ""},
	} {
		err := files.Spare(map[string]string{c.flag: c.path}, read)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("--%s %s: %v, want %q", c.flag, c.path, err, c.want)
		}
	}
}
