package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamina/hub/hubtest"
)

// modelFiles are a small model's: two shards and an index, and files that are not
// fetched unless asked for.
func modelFiles() map[string]string {
	return map[string]string{
		"config.json":                      `{"model_type": "llama"}`,
		"tokenizer.json":                   strings.Repeat("tokens ", 500),
		"README.md":                        "",
		"model-00001-of-00002.safetensors": strings.Repeat("0123456789abcdef", 4000),
		"model-00002-of-00002.safetensors": strings.Repeat("fedcba9876543210", 1000),
		"model.safetensors.index.json":     `{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`,
		"pytorch_model.bin":                "the same in another form",
		"onnx/model with space.json":       "{}",
		".gitattributes":                   "*.bin filter=lfs",
	}
}

const (
	shard1 = "model-00001-of-00002.safetensors"
	shard2 = "model-00002-of-00002.safetensors"
)

// testClient has a cache of its own and does not wait.
func testClient(t testing.TB, h *hubtest.Hub) *Client {
	t.Helper()
	return &Client{
		Endpoint: h.URL, Cache: filepath.Join(t.TempDir(), "hub"), Token: h.Token,
		Transport: newTransport(),
		Wait:      func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func model(t testing.TB, h *hubtest.Hub) Repo {
	t.Helper()
	r, err := ParseRepo(Type(h.Type), h.Repo)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func all(names []string) ([]string, error) { return names, nil }

// checkBlobs fails if a name in blobs/ is not the digest of the file.
func checkBlobs(t testing.TB, c *Client, r Repo) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(c.store(r).dir, "blobs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if strings.HasSuffix(p, ".incomplete") {
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		d := &download{part: p, file: File{Digest: filepath.Base(p), Size: info.Size()}}
		if err := d.verify(context.Background()); err != nil {
			t.Errorf("in blobs/: %v", err)
		}
	}
}

// checkContent fails unless the snapshot's files are the server's.
func checkContent(t testing.TB, s Snapshot, files map[string]string) {
	t.Helper()
	for _, f := range s.Files {
		got, err := os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(f.Name)))
		if err != nil || string(got) != files[f.Name] {
			t.Errorf("%s: %d bytes (%v), want the server's %d", f.Name, len(got), err, len(files[f.Name]))
		}
	}
}

func TestFetch(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	var told []int64
	c.Progress = func(done, total int64) { told = append(told, done, total) }
	s, err := c.Fetch(t.Context(), repo, "main", all)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, files)
	checkBlobs(t, c, repo)
	total := int64(0)
	for _, text := range files {
		total += int64(len(text))
	}
	if len(s.Files) != len(files) || s.Others != 0 || s.Fetched != total || s.Commit != h.Commit {
		t.Errorf("%d files, %d others, %d bytes of %d fetched", len(s.Files), s.Others, s.Fetched, total)
	}
	if n := len(told); n < 4 || told[n-2] != total || told[n-1] != total {
		t.Errorf("progress ends with %v, want %d", told[max(0, n-2):], total)
	}
	target, err := os.Readlink(filepath.Join(s.Dir, "onnx", "model with space.json"))
	if want := filepath.Join("..", "..", "..", "blobs", h.Digest("onnx/model with space.json")); err != nil || target != want {
		t.Errorf("link to %q (%v), want %q", target, err, want)
	}
	if ref, err := os.ReadFile(filepath.Join(c.Cache, "models--tiny--model", "refs", "main")); err != nil || string(ref) != h.Commit {
		t.Errorf("refs/main is %q (%v)", ref, err)
	}

	// Now it lies there: one request finds that out, none does offline or by Local.
	before := len(h.Log())
	again, err := c.Fetch(t.Context(), repo, "main", all)
	if err != nil || again.Fetched != 0 || len(h.Log()) != before+1 {
		t.Errorf("second time: %v, %d bytes, requests %q", err, again.Fetched, h.Log()[before:])
	}
	c.Offline = true
	for _, revision := range []string{"main", h.Commit} {
		if s, err := c.Local(t.Context(), repo, revision, ModelFiles); err != nil || s.Dir != again.Dir || len(s.Files) != 6 {
			t.Errorf("offline at %s: %+v, %v", revision, s, err)
		}
	}
	if len(h.Log()) != before+1 {
		t.Errorf("offline, yet requests: %q", h.Log()[before+1:])
	}
}

func TestRevisions(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	for _, revision := range []string{"refs/pr/1", h.Commit} {
		if _, err := c.Fetch(t.Context(), repo, revision, ModelFiles); err != nil {
			t.Errorf("%s: %v", revision, err)
		}
	}
	if got := c.store(repo).commit("refs/pr/1"); got != h.Commit {
		t.Errorf("refs/refs/pr/1 holds %q", got)
	}
	if got := c.store(repo).commit("main"); got != "" {
		t.Errorf("refs/main holds %q, nobody asked for it", got)
	}
	for _, bad := range []string{"", "../main", "a\\b", "/etc", "a//b", "a\x00"} {
		if _, err := c.Fetch(t.Context(), repo, bad, all); err == nil || !strings.Contains(err.Error(), "revision") {
			t.Errorf("revision %q: %v", bad, err)
		}
	}
	other := strings.Repeat("9", 40)
	h.Fault = func(a *hubtest.Answer) { setStatus(200)(a); a.Body = h.Listing() }
	if _, err := c.Fetch(t.Context(), repo, other, all); !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), "asked was "+other) {
		t.Errorf("the list of another commit: %v", err)
	}
	h.Fault = nil
	if _, err := c.Fetch(t.Context(), repo, "v9", all); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "--revision") {
		t.Errorf("unknown revision: %v", err)
	}
	if _, err := c.Fetch(t.Context(), Repo{Model, "tiny/other"}, "main", all); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "tiny/other") {
		t.Errorf("unknown repository: %v", err)
	}
}

func TestDatasets(t *testing.T) {
	files := map[string]string{"data/train.parquet": "PAR1", "README.md": "about", "load.py": "import os", ".hidden/x.json": "{}"}
	h := hubtest.New(t, "tiny/data", files)
	h.Type = "dataset"
	c, repo := testClient(t, h), model(t, h)
	s, err := c.Fetch(t.Context(), repo, "main", DatasetFiles)
	if err != nil || len(s.Files) != 2 || s.Others != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	checkContent(t, s, files)
	if want := filepath.Join(c.Cache, "datasets--tiny--data", "snapshots", h.Commit); s.Dir != want {
		t.Errorf("lies in %s, want %s", s.Dir, want)
	}
}

// The token goes to the hub and, when that redirects, nowhere else.
func TestTokenStaysAtHome(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	h.Token = "hf_secret"
	c, repo := testClient(t, h), model(t, h)
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Fatal(err)
	}
	if got := h.Leaked(); len(got) != 0 {
		t.Errorf("the other host was shown %q", got)
	}
	for _, gated := range []bool{false, true} {
		h.Gated = gated
		for _, token := range []string{"", "hf_wrong"} {
			c := testClient(t, h)
			c.Token = token
			_, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
			if !errors.Is(err, ErrAccess) || !strings.Contains(err.Error(), "HF_TOKEN") || strings.Contains(err.Error(), "gated") != gated {
				t.Errorf("gated %t, token %q: %v", gated, token, err)
			}
			if err != nil && token != "" && strings.Contains(err.Error(), token) {
				t.Errorf("the error shows the token: %v", err)
			}
		}
	}
}

func TestOfflineSaysWhatIsMissing(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	c.Offline = true
	_, err := c.Local(t.Context(), repo, "main", ModelFiles)
	if !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), c.Cache) || !strings.Contains(err.Error(), "lamina hub get tiny/model") {
		t.Errorf("empty cache: %v", err)
	}
	c.Offline = false
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Fatal(err)
	}
	n := len(h.Log())
	c.Offline = true
	// With the list of files, a missing one is seen even if no index names it;
	// without it, by the index.
	for _, step := range []func(){
		func() { os.Remove(c.store(repo).pointer(h.Commit, shard2)) },
		func() { os.Remove(c.store(repo).treeFile(h.Commit)) },
	} {
		step()
		if _, err := c.Local(t.Context(), repo, "main", ModelFiles); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), shard2) {
			t.Errorf("without a shard: %v", err)
		}
	}
	if len(h.Log()) != n {
		t.Error("offline, yet requests")
	}
	c.Offline = false
	s, err := c.Local(t.Context(), repo, "main", ModelFiles)
	if err != nil || s.Fetched != 0 {
		t.Errorf("the blob is there, only its name is missing: %v, %d bytes", err, s.Fetched)
	}
}

// A file of the wrong size in the cache is fetched again.
func TestTruncatedBlobIsReplaced(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(c.store(repo).blob(h.Digest(shard1)), 100); err != nil {
		t.Fatal(err)
	}
	s, err := c.Local(t.Context(), repo, "main", ModelFiles)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, files)
	checkBlobs(t, c, repo)
}

func TestWithoutLinksFilesAreCopied(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	c.symlink = func(string, string) error { return errors.New("a required privilege is not held") }
	s, err := c.Fetch(t.Context(), repo, "main", all)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, files)
	if info, err := os.Lstat(filepath.Join(s.Dir, shard1)); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v: want a file", info, err)
	}
	c.Offline = true
	if _, err := c.Local(t.Context(), repo, "main", all); err != nil {
		t.Error(err)
	}
}

func TestFullDisk(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	need := uint64(len(files[shard1]) + len(files[shard2]))
	c.free = func(string) (uint64, bool) { return need, true }
	_, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
	if err == nil || !strings.Contains(err.Error(), "room") || slices.Contains(h.Log(), "content "+shard1) {
		t.Errorf("%v after %q: want it refused before the download", err, h.Log())
	}
	c.free = func(string) (uint64, bool) { return 2 * need, true }
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Error(err)
	}
	c.free = func(string) (uint64, bool) { return 0, true }
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Errorf("nothing to fetch: %v", err)
	}
}

// Several clients of one cache at once: all succeed, and each blob is fetched once.
func TestAtOnce(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	first, repo := testClient(t, h), model(t, h)
	const clients = 6
	errs := make(chan error, clients)
	for range clients {
		c := *first
		go func() {
			s, err := c.Fetch(context.Background(), repo, "main", all)
			if err == nil {
				checkContent(t, s, files)
			}
			errs <- err
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	checkBlobs(t, first, repo)
	n := 0
	for _, line := range h.Log() {
		if line == "content "+shard1 {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%s was fetched %d times", shard1, n)
	}
}
