package hub

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/hub/hubtest"
)

// pythonCache is a cache as huggingface_hub 2.4.0 leaves it after a snapshot of a
// repository at main and one file at a tag: path, then "-> target" of a link or the
// content. DIGEST and COMMIT stand for those of the test.
const pythonCache = `CACHEDIR.TAG Signature: 8a477f597d28d172789f06886806bc55
.locks/models--tiny--model/DIGEST.lock
models--tiny--model/.no_exist/COMMIT/added_tokens.json
models--tiny--model/blobs/DIGEST {"model_type": "llama"}
models--tiny--model/blobs/WEIGHTS weights
models--tiny--model/refs/main COMMIT
models--tiny--model/refs/refs/pr/1 COMMIT
models--tiny--model/snapshots/COMMIT/config.json -> ../../blobs/DIGEST
models--tiny--model/snapshots/COMMIT/model.safetensors -> ../../blobs/WEIGHTS
models--tiny--model/snapshots/COMMIT/onnx/config.json -> ../../../blobs/DIGEST
models--tiny--model/trees/COMMIT.json {"format_version": 1, "files": {"config.json": {"size": 23, "blob_id": "DIGEST"}, "model.safetensors": {"size": 7, "blob_id": "x", "lfs_sha256": "WEIGHTS", "lfs_size": 7, "xet_hash": "y"}, "onnx/config.json": {"size": 23, "blob_id": "DIGEST"}}}
`

// pythonFiles is what lies in it.
func pythonFiles() map[string]string {
	config := `{"model_type": "llama"}`
	return map[string]string{"config.json": config, "model.safetensors": "weights", "onnx/config.json": config}
}

// makeCache writes pythonCache to a directory.
func makeCache(t *testing.T, h *hubtest.Hub, dir string) {
	t.Helper()
	text := strings.NewReplacer("DIGEST", h.Digest("config.json"), "WEIGHTS", h.Digest("model.safetensors"), "COMMIT", h.Commit).Replace(pythonCache)
	for line := range strings.Lines(text) {
		path, content, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			if err = os.Symlink(filepath.FromSlash(target), path); err != nil {
				t.Skipf("no links: %v", err)
			}
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What Python's cache holds is found without a request, and completed where it
// has gaps.
func TestPythonCacheIsFound(t *testing.T) {
	files := pythonFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	makeCache(t, h, c.Cache)
	c.Offline = true
	for _, revision := range []string{"main", "refs/pr/1", h.Commit} {
		s, err := c.Local(t.Context(), repo, revision, all)
		if err != nil {
			t.Fatal(err)
		}
		checkContent(t, s, files)
		if len(s.Files) != 3 {
			t.Errorf("%s: found %v", revision, s.Files)
		}
	}
	// Without the list of files, as versions before 2.0 leave it.
	if err := os.Remove(c.store(repo).treeFile(h.Commit)); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Local(t.Context(), repo, "main", ModelFiles); err != nil || len(s.Files) != 2 || s.Others != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	// As AutoConfig leaves it: the configuration alone is no model.
	if err := os.Remove(c.store(repo).pointer(h.Commit, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Local(t.Context(), repo, "main", ModelFiles); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "weights") {
		t.Errorf("without weights: %v", err)
	}
	c.Offline = false
	s, err := c.Local(t.Context(), repo, "main", ModelFiles)
	if err != nil || s.Fetched != 0 {
		t.Errorf("the blob lies there: %v, %d bytes", err, s.Fetched)
	}
}

// What we write has the names and links of Python's: the same tree as the golden
// one, but for what only Python keeps.
func TestLayoutIsPythons(t *testing.T) {
	h := hubtest.New(t, "tiny/model", pythonFiles())
	c, repo := testClient(t, h), model(t, h)
	for _, revision := range []string{"main", "refs/pr/1"} {
		if _, err := c.Fetch(t.Context(), repo, revision, all); err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join(t.TempDir(), "golden")
	makeCache(t, h, golden)
	only := []string{"CACHEDIR.TAG", ".no_exist"}
	want := slices.DeleteFunc(walk(t, golden), func(l string) bool {
		return slices.ContainsFunc(only, func(o string) bool { return strings.Contains(l, o) }) || strings.HasPrefix(l, ".locks")
	})
	got := slices.DeleteFunc(walk(t, c.Cache), func(l string) bool { return strings.HasPrefix(l, ".locks") })
	if !slices.Equal(got, want) {
		t.Errorf("cache:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, name := range []string{"config.json", "model.safetensors"} {
		if _, err := os.Stat(filepath.Join(c.Cache, ".locks", "models--tiny--model", h.Digest(name)+".lock")); err != nil {
			t.Error(err)
		}
	}
}

// walk lists the files below a directory, with the targets of links and the
// contents of the rest but the list of files.
func walk(t *testing.T, root string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		line, _ := filepath.Rel(root, path)
		line = filepath.ToSlash(line)
		if target, err := os.Readlink(path); err == nil {
			line += " -> " + filepath.ToSlash(target)
		} else if !strings.Contains(line, "/trees/") {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// python runs check_cache.py with the server as its hub.
func python(t *testing.T, h *hubtest.Hub, args ...string) string {
	t.Helper()
	program := os.Getenv("LAMINA_PYTHON")
	if program == "" {
		t.Skip("LAMINA_PYTHON names no Python with huggingface_hub")
	}
	cmd := exec.Command(program, append([]string{filepath.Join("testdata", "check_cache.py")}, args...)...)
	cmd.Env = append(os.Environ(), "HF_ENDPOINT="+h.URL, "HF_HOME="+t.TempDir(), "NO_PROXY=127.0.0.1", "HF_TOKEN=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// huggingface_hub itself finds what we fetched, and we find what it fetches.
func TestPythonInterop(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	c, repo := testClient(t, h), model(t, h)
	s, err := c.Fetch(t.Context(), repo, "main", all)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"find", c.Cache, "tiny/model", "main"}
	for name := range files {
		args = append(args, name)
	}
	n := len(h.Log())
	if got := python(t, h, args...); got != s.Dir {
		t.Errorf("Python's snapshot is %s, ours %s", got, s.Dir)
	}
	if len(h.Log()) != n {
		t.Errorf("offline, yet Python asked %q", h.Log()[n:])
	}
	// Online it fetches nothing of what lies there.
	if got := python(t, h, "fetch", c.Cache, "tiny/model", "main"); got != s.Dir {
		t.Errorf("Python's snapshot is %s, ours %s", got, s.Dir)
	}
	if more := fetches(h.Log()[n:]); len(more) > 0 {
		t.Errorf("Python fetched again %q", more)
	}

	other := testClient(t, h)
	dir := python(t, h, "fetch", other.Cache, "tiny/model", "main")
	other.Offline = true
	if s, err = other.Local(t.Context(), repo, "main", all); err != nil || s.Dir != dir || len(s.Files) != len(files) {
		t.Fatalf("%+v, %v: Python wrote %s", s, err, dir)
	}
	checkContent(t, s, files)
	checkBlobs(t, other, repo)
	other.Offline = false
	if s, err = other.Fetch(t.Context(), repo, "main", all); err != nil || s.Fetched != 0 {
		t.Errorf("%v, %d bytes fetched of what Python had", err, s.Fetched)
	}
}

// fetches returns the requests for contents.
func fetches(log []string) []string {
	return slices.DeleteFunc(log, func(line string) bool {
		return !strings.HasPrefix(line, "get ") && !strings.HasPrefix(line, "content ")
	})
}

// TestLinksAreNeverAway: while one process fetches what another one has, who reads the
// snapshot finds each file at every moment.
func TestLinksAreNeverAway(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	snapshot, err := c.Fetch(context.Background(), repo, "main", all)
	if err != nil {
		t.Fatal(err)
	}
	s, file := c.store(repo), snapshot.Files[0]
	at := s.pointer(snapshot.Commit, file.Name)
	done, missed := make(chan bool), make(chan error, 1)
	go func() {
		defer close(missed)
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := os.Stat(at); err != nil {
				missed <- err
				return
			}
		}
	}()
	for i := range 300 {
		if i%2 == 0 { // as a link that led elsewhere before
			if err := s.replaceLink("../../blobs/../blobs/"+file.Digest, at); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.link(snapshot.Commit, file); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	if err := <-missed; err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, ".link-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
