package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// TestVerifyPassesOverWhatAHubAdds, but a file that the manifest lists is held against it
// whatever its name.
func TestVerifyPassesOverWhatAHubAdds(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) {
		if err := WriteBytes(filepath.Join(dir, name), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	put("weights")
	if err := Seal(dir); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{".git", ".cache"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put("README.md")
	put(".gitattributes")
	if err := Verify(dir); err != nil {
		t.Errorf("a hub's files: %v", err)
	}
	put("readme.md")
	if err := Verify(dir); err == nil || !strings.Contains(err.Error(), "readme.md: MANIFEST.json does not list it") {
		t.Errorf("another file: %v", err)
	}
	for _, name := range []string{".git", ".cache", "readme.md", Manifest} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Seal(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("README.mx"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Verify(dir); err == nil || !strings.Contains(err.Error(), "README.md: SHA-256") {
		t.Errorf("a changed README.md that is listed: %v", err)
	}
}

// TestVerifyLooksAtSizesFirst and names a huge file with holes at once, which would take
// an hour to hash.
func TestVerifyLooksAtSizesFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "weights")
	if err := WriteBytes(path, []byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := Seal(dir); err != nil {
		t.Fatal(err)
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip("no file with holes here: ", err)
	}
	started := time.Now()
	err := Verify(dir)
	if err == nil || !strings.Contains(err.Error(), "weights: 1099511627776 bytes, MANIFEST.json says 7: it was changed or cut") {
		t.Error(err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestVerifyPart passes over what is not there and not wanted, and over nothing else.
func TestVerifyPart(t *testing.T) {
	choose := func([]string) ([]string, error) { return []string{"a"}, nil }
	for name, c := range map[string]struct {
		change func(dir string) error
		part   string // what VerifyPart says
		whole  string // what Verify says
	}{
		"nothing":         {func(string) error { return nil }, "", ""},
		"b lost":          {func(dir string) error { return os.Remove(filepath.Join(dir, "b")) }, "", "b: missing; "},
		"a lost":          {func(dir string) error { return os.Remove(filepath.Join(dir, "a")) }, "a: missing; ", "a: missing; "},
		"b changed":       {func(dir string) error { return WriteBytes(filepath.Join(dir, "b"), []byte("c")) }, "b: SHA-256", "b: SHA-256"},
		"one more":        {func(dir string) error { return WriteBytes(filepath.Join(dir, "c"), []byte("c")) }, "c: MANIFEST.json does not list it", "c: MANIFEST.json does not list it"},
		"one name, twice": {func(dir string) error { return sealTwice(dir) }, `"b" comes twice`, `"b" comes twice`},
	} {
		dir := t.TempDir()
		for _, f := range []string{"a", "b"} {
			if err := WriteBytes(filepath.Join(dir, f), []byte(f)); err != nil {
				t.Fatal(err)
			}
		}
		if err := Seal(dir); err != nil {
			t.Fatal(err)
		}
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		for want, err := range map[*string]error{&c.part: VerifyPart(dir, choose), &c.whole: Verify(dir)} {
			if *want == "" && err != nil || *want != "" && (err == nil || !strings.Contains(err.Error(), *want)) {
				t.Errorf("%s: %v, want %q", name, err, *want)
			}
		}
	}
}

// sealTwice lists the last file of a manifest again.
func sealTwice(dir string) error {
	path := filepath.Join(dir, Manifest)
	sums, err := readManifest(path)
	if err != nil {
		return err
	}
	return WriteJSON(path, append(sums, sums[len(sums)-1]))
}
