//go:build unix

package exchange_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lamina/internal/files"
)

// TestAdapterDirectoryIsWhatItSeems: links, pipes, directories and files that an adapter
// has not, whatever its manifest says of them.
func TestAdapterDirectoryIsWhatItSeems(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	good := trainedIn(t, o.emulator, 1)
	seal := func(dir string) {
		if err := files.Seal(dir); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	moved := func(dir, name string) string { // a link to what was moved out
		out := filepath.Join(t.TempDir(), name)
		must(os.Rename(filepath.Join(dir, name), out))
		return out
	}
	for what, c := range map[string]struct {
		do   func(dir string)
		want string
	}{
		"linked weights": {func(dir string) {
			must(os.Symlink(moved(dir, "adapter.safetensors"), filepath.Join(dir, "adapter.safetensors")))
		}, "adapter.safetensors: is a link"},
		"a linked plan":   {func(dir string) { must(os.Symlink(moved(dir, "adapter.json"), filepath.Join(dir, "adapter.json"))) }, "adapter.json: is a link"},
		"linked manifest": {func(dir string) { must(os.Symlink(moved(dir, "MANIFEST.json"), filepath.Join(dir, "MANIFEST.json"))) }, "MANIFEST.json: is a link"},
		"a pipe": {func(dir string) {
			moved(dir, "adapter.safetensors")
			must(syscall.Mkfifo(filepath.Join(dir, "adapter.safetensors"), 0o644))
		}, "adapter.safetensors: is a pipe"},
		"a pipe for a plan": {func(dir string) {
			moved(dir, "adapter.json")
			must(syscall.Mkfifo(filepath.Join(dir, "adapter.json"), 0o644))
		}, "adapter.json: is a pipe"},
		"a listed file more": {func(dir string) {
			must(os.WriteFile(filepath.Join(dir, "run.sh"), []byte("x"), 0o644))
			seal(dir)
		}, "run.sh: an adapter has no such file"},
		"an adapter inside": {func(dir string) { must(os.CopyFS(filepath.Join(dir, "adapter"), os.DirFS(good))) }, "holds an adapter and another in"},
		"an adapter beside MANIFEST.json alone": {func(dir string) {
			must(os.CopyFS(filepath.Join(dir, "adapter"), os.DirFS(good)))
			must(os.Remove(filepath.Join(dir, "adapter.json")))
			must(os.Remove(filepath.Join(dir, "adapter.safetensors")))
		}, "holds an adapter and another in"},
		"a linked adapter inside": {func(dir string) {
			moved(dir, "adapter.json")
			must(os.Symlink(good, filepath.Join(dir, "adapter")))
		}, "adapter: is a link"},
		"no safetensors": {func(dir string) {
			must(os.WriteFile(filepath.Join(dir, "adapter.safetensors"), []byte("PK\x03\x04 a pickle of torch"), 0o644))
			seal(dir)
		}, "adapter.safetensors"},
		"Plan beside plan": {func(dir string) { edit(t, dir, `"plan": "0* 1"`, `"plan": "0* 1", "Plan": "0 1*"`) }, `member "Plan", want it spelled "plan"`},
		"Plan for plan":    {func(dir string) { edit(t, dir, `"plan"`, `"Plan"`) }, `member "Plan"`},
		"plan twice":       {func(dir string) { edit(t, dir, `"plan": "0* 1"`, `"plan": "0* 1", "plan": "0 1*"`) }, `duplicate member "plan"`},
		"no plan at all":   {func(dir string) { edit(t, dir, `"plan": "0* 1"`, `"plan": null`) }, `member "plan": null`},
		"no base":          {func(dir string) { edit(t, dir, `"base"`, `"whole": false, "tensor"`) }, `"tensor"`},
		"no tensors":       {func(dir string) { edit(t, dir, `"kind": "adapter",`, ``) }, `"kind" is missing`},
	} {
		dir := filepath.Join(t.TempDir(), "returned")
		must(os.CopyFS(dir, os.DirFS(good)))
		c.do(dir)
		if _, err := o.held(t, dir, o.receipt); err == nil {
			t.Errorf("%s: accepted", what)
		} else if text := err.Error(); !strings.Contains(text, dir) || !strings.Contains(text, c.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q does not name %q", what, text, c.want)
		}
	}
}

// edit changes an adapter's plan and makes its manifest fit.
func edit(t *testing.T, dir, old, new string) {
	t.Helper()
	path := filepath.Join(dir, "adapter.json")
	data, err := os.ReadFile(path)
	if err == nil && !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %s", data, old)
	}
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644)
	}
	if err == nil {
		err = files.Seal(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
}
