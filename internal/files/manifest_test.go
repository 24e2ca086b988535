package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifyWantsFilesOfTheDirectory: a link is refused even where it leads to the right
// bytes, which another reader may not find there; the hub's cache has nothing else.
func TestVerifyWantsFilesOfTheDirectory(t *testing.T) {
	root := t.TempDir()
	dir, digest := filepath.Join(root, "snapshots", "c"), strings.Repeat("ab", 20)
	for _, d := range []string{dir, filepath.Join(root, "blobs")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{filepath.Join(dir, "weights"), filepath.Join(root, "blobs", digest), filepath.Join(root, "other")} {
		if err := WriteBytes(path, []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	if err := Seal(dir); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, "weights")
	for name, c := range map[string]struct {
		make func() error
		want string
	}{
		"a file":             {func() error { return os.WriteFile(weights, []byte("content"), 0o644) }, ""},
		"the cache's link":   {func() error { return os.Symlink("../../blobs/"+digest, weights) }, ""},
		"a link elsewhere":   {func() error { return os.Symlink("../../other", weights) }, "weights: is a link, want the file itself"},
		"a link to anything": {func() error { return os.Symlink("/dev/zero", weights) }, "weights: is a link, want the file itself"},
		"a directory":        {func() error { return os.Mkdir(weights, 0o755) }, "weights: is a directory, want a regular file"},
	} {
		if err := os.RemoveAll(weights); err != nil {
			t.Fatal(err)
		}
		if err := c.make(); err != nil {
			t.Fatal(err)
		}
		err := Verify(dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
