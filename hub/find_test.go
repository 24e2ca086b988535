package hub_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/hub"
	"lamina/hub/hubtest"
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
		if got := hub.NameOf(filepath.FromSlash(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// A name is asked for where it can be nothing here, and once; a copy holds plain
// files.
func TestFind(t *testing.T) {
	h := hubtest.New(t, "tiny/model", map[string]string{"config.json": "{}", "sub/a.gguf": "GGUF"})
	t.Chdir(t.TempDir())
	if err := os.Mkdir("runs", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"runs", "tiny", "tiny/none.jsonl", "tiny/a/b", "/tiny/a", "./a", "a b/c"} {
		if repo, ok := hub.Meant(hub.Model, name); ok {
			t.Errorf("%s is taken for %v", name, repo)
		}
	}
	find := func(name string) (s hub.Snapshot, asked int, err error) {
		repo, ok := hub.Meant(hub.Model, name)
		if !ok {
			t.Fatalf("%s is taken for no repository", name)
		}
		c := &hub.Client{Endpoint: h.URL, Cache: "cache"}
		all, err := hub.Patterns(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err = c.Find(t.Context(), repo, all, func() { asked++ })
		return s, asked, err
	}
	if _, asked, err := find("runs/none"); err == nil || asked > 0 || !strings.Contains(err.Error(), "lamina hub get runs/none --repo-type model") {
		t.Errorf("a mistyped path: %v, asked %d times", err, asked)
	}
	for want := 1; want >= 0; want-- {
		s, asked, err := find("tiny/model")
		if err != nil || asked != want || len(s.Files) != 2 || s.Size() != 6 {
			t.Fatalf("%+v of %d bytes, asked %d times, %v", s, s.Size(), asked, err)
		}
		if err := s.Copy(t.Context(), "out", want == 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Copy(t.Context(), "out", false); err == nil {
			t.Error("a directory that is there was written over")
		}
		if info, err := os.Lstat(filepath.Join("out", "sub", "a.gguf")); err != nil || !info.Mode().IsRegular() || info.Size() != 4 {
			t.Errorf("%v, %v", info, err)
		}
	}
	c := &hub.Client{Endpoint: h.URL, Cache: "cache", Offline: true}
	locate := c.Locator(t.Context(), hub.Model, func(names []string) ([]string, error) { return names, nil })
	for name, want := range map[string]string{"tiny/model": filepath.Join("cache", "models--tiny--model", "snapshots", h.Commit), "a.gguf": "a.gguf"} {
		if got, err := locate(name); err != nil || got != want {
			t.Errorf("%s lies at %s, %v; want %s", name, got, err, want)
		}
	}
	if _, err := locate("tiny/none"); err == nil {
		t.Error("what is nowhere was found")
	}
}
