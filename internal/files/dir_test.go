package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func filler(files ...string) func(string) error {
	return func(tmp string) error {
		for _, f := range files {
			if err := WriteBytes(filepath.Join(tmp, f), []byte(f)); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestDirCreatesAndReplaces(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "new", "out")
	if err := Dir(path, false, filler("a", "b")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); got != "a b" {
		t.Errorf("files %q", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	err := Dir(path, false, filler("c"))
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("an existing directory: %v", err)
	}
	if err := Dir(path+"/", true, filler("c")); err != nil {
		t.Fatal(err)
	}
	if got, beside := names(t, path), names(t, filepath.Dir(path)); got != "c" || beside != "out" {
		t.Errorf("files %q, beside it %q", got, beside)
	}
}

// TestFailedDirLeavesTheOldOne also when fill panics, and when there was none.
func TestFailedDirLeavesTheOldOne(t *testing.T) {
	boom := errors.New("boom")
	for name, end := range map[string]func() error{
		"error": func() error { return boom },
		"panic": func() error { panic(boom) },
	} {
		for _, exists := range []bool{false, true} {
			root := t.TempDir()
			path := filepath.Join(root, "out")
			want := ""
			if exists {
				want = "out"
				if err := Dir(path, false, filler("old")); err != nil {
					t.Fatal(err)
				}
			}
			func() {
				defer func() { recover() }()
				err := Dir(path, true, func(tmp string) error {
					if err := filler("new")(tmp); err != nil {
						return err
					}
					return end()
				})
				if !errors.Is(err, boom) {
					t.Errorf("%s: %v", name, err)
				}
			}()
			if got := names(t, root); got != want {
				t.Errorf("%s, existed %t: %q is left, want %q", name, exists, got, want)
			}
			if exists && read(t, filepath.Join(path, "old")) != "old" {
				t.Errorf("%s: the old directory changed", name)
			}
		}
	}
}

func TestDirErrorsNamePath(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := WriteBytes(file, nil); err != nil {
		t.Fatal(err)
	}
	if err := Dir(filepath.Join(file, "out"), false, filler()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("below a file: %v", err)
	}
	if err := Dir(file, false, filler()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("over a file: %v", err)
	}
}

func ExampleDir() {
	root, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(root)
	out := filepath.Join(root, "model")
	err := Dir(out, false, func(tmp string) error {
		return WriteBytes(filepath.Join(tmp, "config.json"), []byte("{}\n"))
	})
	fmt.Println(err)
	entries, _ := os.ReadDir(out)
	fmt.Println(len(entries), entries[0].Name())
	// Output:
	// <nil>
	// 1 config.json
}
