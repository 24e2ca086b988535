package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sprint(v any) string { return fmt.Sprint(v) }

// cache writes a repository as the hub's cache has it.
func cache(t *testing.T, refs string) string {
	return tree(t, map[string]string{
		"datasets--a--b/blobs/11":                                      row("easy"),
		"datasets--a--b/blobs/22":                                      row("hard"),
		"datasets--a--b/refs/main":                                     refs,
		"datasets--a--b/snapshots/c0ffee/E/test-00000-of-00001.jsonl":  "-> ../../../blobs/11",
		"datasets--a--b/snapshots/c0ffee/H/test-00000-of-00001.jsonl":  "-> ../../../blobs/22",
		"datasets--a--b/snapshots/c0ffee/H/train-00000-of-00001.jsonl": "-> ../../../blobs/22",
	})
}

func TestHubCache(t *testing.T) {
	dir := filepath.Join(cache(t, "c0ffee"), "datasets--a--b")
	for _, path := range []string{"", "snapshots/c0ffee"} {
		if got := show(t, filepath.Join(dir, path), Options{Config: "E"}); got != found("E/test:", "easy") {
			t.Errorf("%s: %s", path, got)
		}
		if got := show(t, filepath.Join(dir, path), Options{Config: "H"}); got != "error: DIR: configuration H holds splits train, test: say which with --split" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := show(t, filepath.Join(dir, "snapshots/c0ffee/H"), Options{Split: "test"}); got != found("/test:", "hard") {
		t.Error(got)
	}
	s, err := Open(dir, Options{Config: "E"})
	if err != nil || s.Files[0].Path != filepath.Join(dir, "snapshots/c0ffee/E/test-00000-of-00001.jsonl") || s.Files[0].Name != "E/test-00000-of-00001.jsonl" {
		t.Errorf("%+v, %v", s, err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "snapshots/c0ffee"), link); err != nil {
		t.Fatal(err)
	}
	if got := show(t, link, Options{Config: "E"}); got != found("E/test:", "easy") {
		t.Error(got)
	}
	// A reference that names nothing: the only snapshot there is.
	if got := show(t, filepath.Join(cache(t, "../../x"), "datasets--a--b"), Options{Config: "E"}); got != found("E/test:", "easy") {
		t.Error(got)
	}
	two := cache(t, "gone")
	if err := os.Mkdir(filepath.Join(two, "datasets--a--b/snapshots/abc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := show(t, filepath.Join(two, "datasets--a--b"), Options{}); got != "error: DIR: refs/main names no snapshot, and there are 2: name one of snapshots/abc, c0ffee" {
		t.Error(got)
	}
}

func TestLinksOutAreRefused(t *testing.T) {
	outside := tree(t, map[string]string{"secret.jsonl": row("secret"), "dir/train.jsonl": row("secret")})
	for name, files := range map[string]map[string]string{
		"a file":           {"train.jsonl": "-> " + outside + "/secret.jsonl"},
		"a relative path":  {"train.jsonl": "-> ../../../../../../../../" + outside + "/secret.jsonl"},
		"a link of a link": {"train.jsonl": "-> x", "x": "-> " + outside + "/secret.jsonl"},
		"nothing":          {"train.jsonl": "-> gone"},
		"labels":           {"train.jsonl": row("a"), "train-labels.lst": "-> " + outside + "/secret.jsonl"},
		"a card":           {"train.jsonl": row("a"), "README.md": "-> " + outside + "/secret.jsonl"},
		"a hub's snapshot": {"blobs/x": "", "snapshots/c/train.jsonl": "-> " + outside + "/secret.jsonl"},
	} {
		dir := tree(t, files)
		got := show(t, dir, Options{})
		if !strings.Contains(got, "a link that leads nowhere or out of the directory") || strings.Contains(got, "secret\"}") {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Links inside are followed; a link to a directory is no file.
	if got := show(t, tree(t, map[string]string{"train.jsonl": "-> store/1", "store/1": row("a")}), Options{}); got != found("/train:", "a") {
		t.Error(got)
	}
	if got := show(t, tree(t, map[string]string{"train.jsonl": row("a"), "more": "-> " + outside + "/dir"}), Options{}); got != found("/train:", "a") {
		t.Error(got)
	}
	if got := show(t, tree(t, map[string]string{"train.jsonl": "-> d", "d/x": ""}), Options{}); got != "error: DIR/train.jsonl: not a regular file" {
		t.Error(got)
	}
}

// A file that becomes a link after it was found is not followed either.
func TestLinksMadeLaterAreRefused(t *testing.T) {
	outside := tree(t, map[string]string{"secret.jsonl": row("secret")})
	dir := tree(t, map[string]string{"train.jsonl": row("a")})
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "train.jsonl")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.jsonl"), path); err != nil {
		t.Fatal(err)
	}
	for r, err := range s.Records() {
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%v, %v", r.Fields, err)
		}
	}
}
