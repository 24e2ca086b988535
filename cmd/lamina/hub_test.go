package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/hub/hubtest"
)

// TestMain keeps every test off the network: a name of the hub is looked up in an
// empty cache, and only tests with a server of their own may go further.
//
// A process of a test that is told so in its environment is lamina itself.
func TestMain(m *testing.M) {
	if os.Getenv(asLamina) != "" {
		main()
	}
	home, err := os.MkdirTemp("", "lamina-hub")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "TRANSFORMERS_OFFLINE"} {
		os.Unsetenv(name)
	}
	os.Setenv("HF_HOME", home)
	os.Setenv("HF_HUB_OFFLINE", "1")
	os.Setenv("HF_ENDPOINT", "http://127.0.0.1:1") // nobody listens there
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// serve starts a hub and points the environment and an empty cache at it.
func serve(t *testing.T, repo string, files map[string]string) (h *hubtest.Hub, cache string) {
	t.Helper()
	h = hubtest.New(t, repo, files)
	home := t.TempDir()
	t.Setenv("HF_HOME", home)
	t.Setenv("HF_HUB_OFFLINE", "0")
	t.Setenv("HF_ENDPOINT", h.URL)
	t.Chdir(t.TempDir()) // no directory is called like a repository's owner
	return h, filepath.Join(home, "hub")
}

// readDir returns the files of a directory.
func readDir(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// absolute keeps a path good after a change of directory.
func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A model by its name on the hub gives the numbers of its directory; the second
// time, and offline, the cache has it.
func TestModelFromTheHub(t *testing.T) {
	dir := absolute(t, golden("llama-mha"))
	tokens := write(t, t.TempDir(), "tokens.json", "[[1, 2, 3], [4, 5]]")
	want := logits(t, dir, tokens)
	h, cache := serve(t, "tiny/llama-mha", readDir(t, dir))
	out := filepath.Join(t.TempDir(), "logits.json")
	args := []string{"logits", "--model", "tiny/llama-mha", "--tokens", tokens, "--json", out}
	code, _, stderr := lamina(t, args...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, h.URL) || !strings.Contains(stderr, cache) || !strings.Contains(stderr, "over the network") {
		t.Errorf("the notice names neither server nor cache: %q", stderr)
	}
	if got := read[[][][]float32](t, out); !equalLogits(got, want) {
		t.Error("other numbers than those of the directory")
	}
	n := len(h.Log())
	for _, offline := range []string{"0", "1"} {
		t.Setenv("HF_HUB_OFFLINE", offline)
		if code, _, stderr := lamina(t, args...); code != 0 || stderr != "" {
			t.Errorf("offline %s: exit %d: %q", offline, code, stderr)
		}
		if got := logits(t, "tiny/llama-mha", tokens); !equalLogits(got, want) {
			t.Errorf("offline %s: other numbers", offline)
		}
	}
	if len(h.Log()) != n {
		t.Errorf("asked again: %q", h.Log()[n:])
	}
	if text := must(t, "info", "--model", "tiny/llama-mha"); !strings.Contains(text, "tiny/llama-mha") {
		t.Errorf("info shows %q", text)
	}
}

// An emulator by its name is opened as one, and tokenize fetches no weights.
func TestEmulatorFromTheHub(t *testing.T) {
	emulator := filepath.Join(t.TempDir(), "emulator")
	must(t, "emulate", "--model", tinyModel(t), "--plan", "0* 5*", "--out", emulator)
	texts := write(t, t.TempDir(), "texts.json", `["a small cat"]`)
	want := must(t, "tokenize", "--model", emulator, "--texts", texts)
	published := readDir(t, emulator)
	published["README.md"], published[".gitattributes"] = "# An emulator", "*.safetensors filter=lfs\n" // which hubs add
	h, _ := serve(t, "tiny/emulator", published)
	if got := must(t, "tokenize", "--model", "tiny/emulator", "--texts", texts); got != want {
		t.Errorf("tokens %q, want %q", got, want)
	}
	if log := strings.Join(h.Log(), "\n"); strings.Contains(log, ".safetensors") {
		t.Errorf("tokenize asked for weights: %s", log)
	}
	if text := must(t, "info", "--model", "tiny/emulator"); !strings.Contains(text, "emulator") || !strings.Contains(text, "0* 5*") {
		t.Errorf("info does not know the emulator: %s", text)
	}
}

func TestHubGet(t *testing.T) {
	files := map[string]string{"config.json": "{}", "model.safetensors": "weights", "flax_model.msgpack": "x", "a.Q8_0.gguf": "GGUF", "sub/b.gguf": "GGUF"}
	h, cache := serve(t, "tiny/model", files)
	folder := filepath.Join(cache, "models--tiny--model", "snapshots", h.Commit)
	code, stdout, stderr := lamina(t, "hub", "get", "tiny/model")
	if code != 0 || stdout != folder+"\n" || !strings.Contains(stderr, "2 files") || !strings.Contains(stderr, "3 other files") {
		t.Errorf("exit %d: %q, %q", code, stdout, stderr)
	}
	out, result := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "r.json")
	got := must(t, "hub", "get", "tiny/model", "--include", "*.gguf", "--include", "*.json", "--exclude", "sub/*", "--out", out, "--json", result)
	if got != out+"\n" {
		t.Errorf("printed %q, want %s", got, out)
	}
	for name, want := range map[string]string{"a.Q8_0.gguf": "GGUF", "config.json": "{}"} {
		if info, err := os.Lstat(filepath.Join(out, name)); err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(want)) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	r := read[hubGetResult](t, result)
	if len(r.Files) != 2 || r.Others != 3 || r.Fetched != 4 || r.Commit != h.Commit || r.Repo != "tiny/model" || r.Path != out {
		t.Errorf("%+v", r)
	}
	must(t, "hub", "get", "tiny/model", "--include", "sub/", "--out", out, "--overwrite")
	for _, other := range []string{filepath.Dir(result), filepath.Dir(result) + "/", cache, folder} {
		fails(t, exitError, "is not overwritten: choose another", "hub", "get", "tiny/model", "--out", other, "--overwrite")
	}
	if _, err := os.Stat(filepath.Join(out, "sub", "b.gguf")); err != nil {
		t.Error(err)
	}
	text := must(t, "help", "hub", "get")
	for _, flag := range strings.Fields("--revision --include --exclude --repo-type --out --overwrite --json") {
		if !strings.Contains(text, flag) {
			t.Errorf("lamina help hub get does not show %s", flag)
		}
	}
	if top := must(t, "help"); !strings.Contains(top, "\n  hub ") {
		t.Error("lamina help does not list hub")
	}
}

func TestDatasetFromTheHub(t *testing.T) {
	h, cache := serve(t, "tiny/data", map[string]string{"data/train.parquet": "PAR1", "README.md": "about", "load.py": "import os"})
	h.Type = "dataset"
	var stderr bytes.Buffer
	s := &session{ctx: t.Context(), stderr: &stderr}
	want := filepath.Join(cache, "datasets--tiny--data", "snapshots", h.Commit)
	for range 2 {
		if got, err := s.dataPath("tiny/data"); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(want, "data", "train.parquet")); err != nil {
		t.Error(err)
	}
	if got := must(t, "hub", "get", "tiny/data", "--repo-type", "dataset"); got != want+"\n" {
		t.Errorf("printed %q", got)
	}
	// Names of files, and of what lies below a directory that is there, stay here.
	if err := os.Mkdir("runs", 0o755); err != nil {
		t.Fatal(err)
	}
	n := len(h.Log())
	for _, path := range []string{"tiny/none.jsonl", "tiny", "tiny/data/x", "/tiny/data", "./data", "a b/c"} {
		if got, err := s.dataPath(path); err != nil || got != path {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := s.dataPath("runs/none"); err == nil || !strings.Contains(err.Error(), "lamina hub get runs/none --repo-type dataset") {
		t.Errorf("a mistyped path: %v", err)
	}
	if len(h.Log()) != n {
		t.Errorf("asked the hub for %q", h.Log()[n:])
	}
}

// Each failure is one line with the right status, and leaves no file that a later
// run would take for the real one.
func TestHubFailures(t *testing.T) {
	h, cache := serve(t, "tiny/model", map[string]string{"config.json": "{}", "model.safetensors": strings.Repeat("weights ", 100)})
	h.Token = "hf_secret"
	gguf := map[string]string{"HF_TOKEN": "hf_secret"}
	for _, c := range []struct {
		name  string
		env   map[string]string
		fault func(*hubtest.Answer)
		args  string
		code  int
		want  string
	}{
		{"no name", nil, nil, "hub get", exitUsage, "<org/name>"},
		{"no subcommand", nil, nil, "hub", exitUsage, "get"},
		{"no such subcommand", nil, nil, "hub put a/b", exitUsage, "put"},
		{"name that is none", nil, nil, "hub get a//b", exitUsage, "ORG/NAME"},
		{"type", nil, nil, "hub get a/b --repo-type space", exitUsage, "repo-type"},
		{"pattern", nil, nil, "hub get a/b --include [9-2]", exitUsage, "[9-2]"},
		{"directory is there", nil, nil, "hub get a/b --out .", exitError, "--overwrite"},
		{"endpoint", map[string]string{"HF_ENDPOINT": "ftp://x"}, nil, "hub get a/b", exitError, "HF_ENDPOINT"},
		{"offline", map[string]string{"HF_HUB_OFFLINE": "yes"}, nil, "hub get tiny/model", exitError, "HF_HUB_OFFLINE"},
		{"offline model", map[string]string{"HF_HUB_OFFLINE": "1"}, nil, "info --model tiny/model", exitError, "lamina hub get tiny/model"},
		{"no token", nil, nil, "hub get tiny/model", exitError, "HF_TOKEN"},
		{"nothing fits", gguf, nil, "hub get tiny/model --include *.onnx", exitError, "no file fits"},
		{"no such repository", gguf, nil, "hub get tiny/other", exitError, "tiny/other"},
		{"no such revision", gguf, nil, "hub get tiny/model --revision v9", exitError, "v9"},
		{"corrupt", gguf, func(a *hubtest.Answer) {
			if a.Kind == hubtest.Content && len(a.Body) > 0 {
				a.Body = append([]byte("W"), a.Body[1:]...)
			}
		}, "hub get tiny/model", exitError, "does not verify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			h.Fault = c.fault
			code, stdout, stderr := lamina(t, strings.Fields(c.args)...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			if last := lines[len(lines)-1]; code != c.code || stdout != "" || !strings.HasPrefix(last, "lamina: ") || !strings.Contains(last, c.want) {
				t.Errorf("exit %d, want %d; stdout %q; %q should name %q", code, c.code, stdout, stderr, c.want)
			}
			if strings.Contains(stderr, "hf_secret") {
				t.Errorf("shows the token: %q", stderr)
			}
		})
	}
	for _, left := range []string{"refs/main", "blobs/" + h.Digest("model.safetensors")} {
		if _, err := os.Stat(filepath.Join(cache, "models--tiny--model", filepath.FromSlash(left))); err == nil {
			t.Errorf("%s is there", left)
		}
	}
}

// Ctrl-C keeps what has arrived and says that the same command goes on.
func TestInterruptedDownloadGoesOn(t *testing.T) {
	weights := strings.Repeat("weights ", 10000)
	h, _ := serve(t, "tiny/model", map[string]string{"config.json": "{}", "model.safetensors": weights})
	ctx, cancel := context.WithCancel(t.Context())
	h.Fault = func(a *hubtest.Answer) {
		if a.Kind == hubtest.Content {
			a.Cut = 40000
			cancel()
		}
	}
	code, _, stderr := laminaContext(t, ctx, "hub", "get", "tiny/model")
	if code != exitInterrupt || !strings.Contains(stderr, "run again to go on") {
		t.Errorf("exit %d: %q", code, stderr)
	}
	h.Fault = nil
	dir := strings.TrimSpace(must(t, "hub", "get", "tiny/model"))
	if data, err := os.ReadFile(filepath.Join(dir, "model.safetensors")); err != nil || string(data) != weights {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
