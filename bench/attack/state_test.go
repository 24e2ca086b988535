package main

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, dir string, files map[string]string) state {
	t.Helper()
	for name, text := range files {
		if err := put(name, text)(dir); err != nil {
			t.Fatal(err)
		}
	}
	s, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What depends on the time a run took is no difference; all else is.
func TestStatesDiffer(t *testing.T) {
	base := map[string]string{"a/result.json": `{"loss":1,"seconds":2}`, "metrics.jsonl": "{\"step\":1,\"tokens_per_second\":5}\n", "w.bin": "x"}
	s := write(t, t.TempDir(), base)
	for name, c := range map[string]struct{ file, text, want string }{
		"seconds":   {"a/result.json", `{"loss":1,"seconds":3}`, ""},
		"parts":     {"a/result.json", `{"loss":1,"seconds":3,"build_seconds":1,"train_seconds":2}`, ""},
		"speed":     {"metrics.jsonl", "{\"step\":1,\"tokens_per_second\":6}\n", ""},
		"loss":      {"a/result.json", `{"loss":2,"seconds":2}`, "≠a/result.json"},
		"cut":       {"metrics.jsonl", "{\"step\":1,\"tokens_per_second\":5}", "≠metrics.jsonl"},
		"bits":      {"w.bin", "y", "≠w.bin"},
		"more":      {"b", "", "+b"},
		"temporary": {".w.bin.tmp-0", "", "+.w.bin.tmp-0"},
	} {
		dir := t.TempDir()
		write(t, dir, base)
		if got := write(t, dir, map[string]string{c.file: c.text}).difference(s); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := (state{}).difference(state{"x": "1"}); got != "-x" {
		t.Errorf("%q", got)
	}
}

func TestUnfinishedNames(t *testing.T) {
	for name, want := range map[string]bool{
		".a.tmp-1": true, "d/.a.tmp-0": true, ".a.tmp-1/x": true, ".a.tmp-1.old/x": true, ".lock": true, "d/.a.lock": true,
		".lamina.json": false, "a.tmp-1": false, "a/b.json": false, ".gitignore": false,
	} {
		if unfinished.MatchString(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

func TestNotWhole(t *testing.T) {
	for name, want := range map[string]bool{"a.json": true, "b.jsonl": false, "c.png": true, "d.svg": true, "e.safetensors": true, "f": false, ".g.tmp-0": false} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{\"x\":1}\n{\"cut"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := notWhole(dir); (err != nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestComplaint(t *testing.T) {
	for text, want := range map[string]bool{
		"lamina: model/config.json: is a pipe, want a regular file\n":         false,
		"lamina: warning: x\nlamina: config.json: bad\n":                      false,
		"lamina: hub: bad; once more from the beginning\nlamina: config.json": false,
		"":                                 true,
		"lamina: another file\n":           true,
		"lamina: a\nlamina: config.json\n": true,
		"lamina: config.json \x1b[2J":      true,
		"goroutine 1":                      true,
	} {
		if got := complaint(text, "config.json"); (got != "") != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
