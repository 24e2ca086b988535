package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/hub/hubtest"
)

// TestVerifyFindsEachFault of a cache, nothing in a whole one, and hub get repairs it.
func TestVerifyFindsEachFault(t *testing.T) {
	h := hubtest.New(t, "org/name", modelFiles())
	repo := model(t, h)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("somebody's"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(blob, pointer func(name string) string) error
		want  string
	}{
		"whole":         {func(_, _ func(string) string) error { return nil }, ""},
		"a flipped bit": {func(blob, _ func(string) string) error { return flipBit(blob(shard1)) }, "digest"},
		"of a small":    {func(blob, _ func(string) string) error { return flipBit(blob("config.json")) }, "digest"},
		"cut":           {func(blob, _ func(string) string) error { return os.Truncate(blob(shard2), 10) }, "its 10 bytes"},
		"of holes":      {func(blob, _ func(string) string) error { return os.Truncate(blob(shard2), 1<<40) }, "its 1099511627776 bytes are not the"},
		"gone":          {func(blob, _ func(string) string) error { return os.Remove(blob(shard2)) }, "a link to a blob that is not there"},
		"no link":       {func(_, pointer func(string) string) error { return os.Remove(pointer(shard2)) }, "missing, and the weight index names it"},
		"a device": {func(blob, _ func(string) string) error {
			return errors.Join(os.Remove(blob(shard1)), os.Symlink("/dev/zero", blob(shard1)))
		}, "is a device"},
		"a link elsewhere": {func(_, pointer func(string) string) error {
			return errors.Join(os.Remove(pointer(shard1)), os.Symlink(outside, pointer(shard1)))
		}, "leads out of the repository's blobs"},
	} {
		c2 := testClient(t, h)
		got, err := c2.Fetch(t.Context(), repo, "main", ModelFiles)
		if err != nil {
			t.Fatal(err)
		}
		blob := func(name string) string { return c2.store(repo).blob(h.Digest(name)) }
		pointer := func(name string) string { return filepath.Join(got.Dir, name) }
		if err := c.spoil(blob, pointer); err != nil {
			t.Fatal(err)
		}
		repos, err := c2.Repos()
		if err != nil || !slices.Equal(repos, []Repo{repo}) {
			t.Fatalf("%v, %v", repos, err)
		}
		var last, total int64
		c2.Progress = func(done, of int64) { last, total = done, of }
		all, err := c2.Verify(t.Context(), repos)
		if err != nil || len(all) != 1 || c.want == "" && (last != total || last == 0) {
			t.Fatalf("%s: %v, %v, told %d of %d", name, all, err, last, total)
		}
		if c.want == "" && (len(all[0].Faults) > 0 || all[0].Right != 6) {
			t.Errorf("%s: %+v", name, all[0])
		}
		if c.want != "" && (len(all[0].Faults) == 0 || !slices.ContainsFunc(all[0].Faults, func(f Fault) bool {
			return strings.Contains(f.What, c.want) && strings.Contains(f.Remedy, "lamina hub get org/name")
		})) {
			t.Errorf("%s: %+v, want %q", name, all[0], c.want)
		}
		c2.Check = true
		if _, err := c2.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if all, err := c2.Verify(t.Context(), repos); err != nil || len(all[0].Faults) > 0 || all[0].Right != 6 {
			t.Errorf("%s: after it was fetched again: %v, %+v", name, err, all)
		}
		if text, err := os.ReadFile(outside); err != nil || string(text) != "somebody's" {
			t.Fatalf("%s: what a link led to is gone: %v, %q", name, err, text)
		}
	}
}

// TestVerifySaysWhatItCannotTell and ends with its context.
func TestVerifySaysWhatItCannotTell(t *testing.T) {
	h := hubtest.New(t, "org/name", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	if _, err := c.Verify(t.Context(), []Repo{repo}); err == nil || !strings.Contains(err.Error(), "is not in the cache") {
		t.Errorf("nothing there: %v", err)
	}
	if repos, err := c.Repos(); err != nil || len(repos) != 0 {
		t.Errorf("%v, %v", repos, err)
	}
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{strings.Repeat("ab", 20) + ".incomplete", "etag"} {
		if err := os.WriteFile(c.store(repo).blob(name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.Verify(t.Context(), []Repo{repo})
	if err != nil || len(all[0].Faults) > 0 || len(all[0].Incomplete) != 1 || len(all[0].Unknown) != 1 {
		t.Errorf("%v, %+v", err, all)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Verify(ctx, []Repo{repo}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func flipBit(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 4
	return os.WriteFile(path, data, 0o644)
}

// TestRepairRemovesNothingOutside where a folder of the cache is a link.
func TestRepairRemovesNothingOutside(t *testing.T) {
	h := hubtest.New(t, "org/name", modelFiles())
	repo := model(t, h)
	c := testClient(t, h)
	got, err := c.Fetch(t.Context(), repo, "main", all)
	if err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	mine := filepath.Join(outside, "model with space.json")
	if err := errors.Join(os.WriteFile(mine, []byte("mine"), 0o644), os.RemoveAll(filepath.Join(got.Dir, "onnx")),
		os.Symlink(outside, filepath.Join(got.Dir, "onnx"))); err != nil {
		t.Fatal(err)
	}
	c.Check = true
	_, err = c.Fetch(t.Context(), repo, "main", all)
	if text, _ := os.ReadFile(mine); string(text) != "mine" || err == nil || !strings.Contains(err.Error(), "leads out of the cache") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestNothingIsWrittenThroughLinks that lie in the cache: a folder of the snapshot, and a
// file whose download is to go on.
func TestNothingIsWrittenThroughLinks(t *testing.T) {
	h := hubtest.New(t, "org/name", map[string]string{"sub/a.txt": "text", "b.txt": "text"})
	repo := model(t, h)
	all := func(names []string) ([]string, error) { return names, nil }
	for name, c := range map[string]struct {
		plant func(st store, victim string) error
		want  string
	}{
		"none": {func(store, string) error { return nil }, ""},
		"a folder of the snapshot": {func(st store, victim string) error {
			return errors.Join(os.MkdirAll(st.snapshot(h.Commit), 0o755), os.Symlink(victim, filepath.Join(st.snapshot(h.Commit), "sub")))
		}, "sub"},
		"the snapshots": {func(st store, victim string) error {
			return errors.Join(os.MkdirAll(st.dir, 0o755), os.Symlink(victim, filepath.Join(st.dir, "snapshots")))
		}, "snapshots"},
		"what arrived": {func(st store, victim string) error {
			part := st.blob(h.Digest("b.txt")) + ".incomplete"
			return errors.Join(os.MkdirAll(filepath.Dir(part), 0o755), os.Symlink(filepath.Join(victim, "file"), part))
		}, ".incomplete: is a link"},
	} {
		victim, c2 := t.TempDir(), testClient(t, h)
		if err := os.WriteFile(filepath.Join(victim, "file"), []byte("somebody's"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.plant(c2.store(repo), victim); err != nil {
			t.Skip("no links here: ", err)
		}
		_, err := c2.Fetch(t.Context(), repo, "main", all)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		text, err := os.ReadFile(filepath.Join(victim, "file"))
		if left, _ := os.ReadDir(victim); err != nil || string(text) != "somebody's" || len(left) != 1 {
			t.Errorf("%s: what the link leads to was changed: %q, %v, %v", name, text, left, err)
		}
	}
}
