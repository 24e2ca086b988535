package hub

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/hub/hubtest"
)

// What arrived before an interrupt stays and is not fetched again, in this process
// with If-Range or in another without.
func TestResume(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	h.Fault = on(hubtest.Content, shard1, always, func(a *hubtest.Answer) { a.Cut, a.Hang = 40000, true })
	c.Progress = func(done, total int64) {
		if info, err := os.Stat(c.store(repo).blob(h.Digest(shard1)) + ".incomplete"); err == nil && info.Size() == 40000 {
			cancel()
		}
	}
	_, err := c.Fetch(ctx, repo, "main", ModelFiles)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "40000 of 64000 bytes") || !strings.Contains(err.Error(), "run again") {
		t.Fatalf("interrupted: %v", err)
	}
	checkBlobs(t, c, repo)
	h.Fault, c.Progress = nil, nil
	s, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, files)
	if !slices.Contains(h.Log(), "content "+shard1+" bytes=40000-") {
		t.Errorf("requests %q: want a range from 40000", h.Log())
	}
	left := int64(len(files[shard1]) - 40000 + len(files[shard2]) + len(files["model.safetensors.index.json"]) + len(files["tokenizer.json"]))
	if s.Fetched != left {
		t.Errorf("%d bytes fetched, %d were missing", s.Fetched, left)
	}
}

// A first part that is not this file's, left by whom ever, costs a second download
// and nothing else.
func TestForeignPart(t *testing.T) {
	files := modelFiles()
	for name, part := range map[string]string{
		"other bytes": strings.Repeat("x", 5000), "as long as the file": strings.Repeat("x", 64000),
		"longer": strings.Repeat("x", 70000), "whole": files[shard1], "empty": "",
	} {
		h := hubtest.New(t, "tiny/model", files)
		c, repo := testClient(t, h), model(t, h)
		blob := c.store(repo).blob(h.Digest(shard1))
		if err := os.MkdirAll(c.store(repo).blob(""), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(blob+".incomplete", []byte(part), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkContent(t, s, files)
		checkBlobs(t, c, repo)
		if fetched := slices.ContainsFunc(h.Log(), func(l string) bool { return strings.HasPrefix(l, "content "+shard1) }); fetched == (name == "whole") {
			t.Errorf("%s: requests %q", name, h.Log())
		}
	}
}

// Within a process the rest is asked for on condition that the content is still
// the same; whatever its server is, it is the one who knows.
func TestIfRange(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	var got []string
	h.Fault = on(hubtest.Content, shard1, 2, func(a *hubtest.Answer) {
		got = append(got, a.Request.Header.Get("Range")+" "+a.Request.Header.Get("If-Range"))
		a.Cut = 1000
	})
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Fatal(err)
	}
	if want := []string{" ", `bytes=1000- "remote-` + h.Digest(shard1)[:8] + `"`}; !slices.Equal(got, want) {
		t.Errorf("conditions %q, want %q", got, want)
	}
}

// A poor line that brings something each time is not given up.
func TestProgressCountsAnew(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	c.enough = 4000
	h.Fault = on(hubtest.Content, shard1, always, cut(4000))
	s, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, files)
}
