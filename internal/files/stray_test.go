package files

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// plant makes files and directories that a killed process might have left.
func plant(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeadWritersAreClearedAndLiveOnesAreNot by the next writer of the same file or
// directory, and by Sweep.
func TestDeadWritersAreClearedAndLiveOnesAreNot(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "f"), filepath.Join(dir, "d")
	plant(t, dir, ".f.tmp-0", ".f.tmp-2", ".d.tmp-7/x", ".d.tmp-8.old/x", ".d.lock", "mine", ".g.tmp-0", ".d.tmp-x/mine", ".d.tmp-1.tmp-2/other's")
	err := Write(file, func(w io.Writer) error {
		if got := names(t, dir); got != ".d.lock .d.tmp-1.tmp-2 .d.tmp-7 .d.tmp-8.old .d.tmp-x .f.tmp-0 .g.tmp-0 mine" {
			t.Errorf("while a file is written: %q", got)
		}
		if err := Sweep(dir, false); err != nil { // a live writer's stay; .d.tmp-8.old comes back
			t.Error(err)
		}
		if err := WriteBytes(file, []byte("another's")); err != nil {
			t.Error(err)
		}
		_, err := w.Write([]byte("first"))
		return err
	})
	if err != nil || read(t, file) != "first" {
		t.Fatalf("%v, %q", err, read(t, file))
	}
	if got := names(t, dir); got != ".d.tmp-x d f mine" {
		t.Errorf("after a sweep: %q", got)
	}
	plant(t, dir, ".d.tmp-7/x", ".d.tmp-8.old/x", ".d.lock")
	err = Dir(folder, true, func(tmp string) error {
		if err := Sweep(dir, false); err != nil {
			t.Error(err)
		}
		return filler("new")(tmp)
	})
	if got := names(t, dir); err != nil || got != ".d.tmp-x d f mine" || names(t, folder) != "new" {
		t.Errorf("%v, %q, %q", err, got, names(t, folder))
	}
}

// TestReplacedDirectoryIsNeverMissing to a reader that looks while it is replaced.
func TestReplacedDirectoryIsNeverMissing(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "out")
	if err := Dir(path, false, filler("a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "try"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := exchange(path, filepath.Join(root, "try")); err != nil {
		t.Skip("not in one step here: ", err)
	}
	exchange(path, filepath.Join(root, "try"))
	done, missing := make(chan bool), 0
	go func() {
		defer close(done)
		for range 30 {
			if err := Dir(path, true, filler("a")); err != nil {
				t.Error(err)
			}
		}
	}()
	for looks := 0; ; looks++ {
		select {
		case <-done:
			if missing > 0 || looks == 0 {
				t.Errorf("missing %d times of %d", missing, looks)
			}
			return
		default:
			if _, err := os.Stat(path); err != nil {
				missing++
			}
		}
	}
}

// TestRemoveIsOneStep for a directory: its remains have a name that Sweep knows.
func TestRemoveIsOneStep(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "d/a/b", "d/c", "f", "other")
	for _, name := range []string{"d", "f", "none"} {
		if err := Remove(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, dir); got != "other" {
		t.Errorf("%q", got)
	}
	if os.Getuid() == 0 {
		return // nothing keeps root from removing
	}
	plant(t, dir, "d/shut/b")
	if err := os.Chmod(filepath.Join(dir, "d/shut"), 0o500); err != nil {
		t.Fatal(err)
	}
	if err := Remove(filepath.Join(dir, "d")); err == nil {
		t.Error("removed what may not be")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".d.tmp-*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("%q, %v", left, err)
	}
	os.Chmod(filepath.Join(left[0], "d/shut"), 0o700)
	if err := Sweep(dir, false); err != nil || names(t, dir) != "other" {
		t.Errorf("%v, %q", err, names(t, dir))
	}
}
