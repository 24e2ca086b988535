package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestWriteInsideReplacesLinks and leaves alone what they lead to; Write does not.
func TestWriteInsideReplacesLinks(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "path"), filepath.Join(dir, "victim")
	if err := WriteBytes(victim, []byte("somebody's")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path); err != nil {
		t.Skip("no links here: ", err)
	}
	if err := WriteInside(path, []byte("ours")); err != nil || read(t, path) != "ours" || read(t, victim) != "somebody's" {
		t.Errorf("%v, %q, %q", err, read(t, path), read(t, victim))
	}
	if err := os.Symlink(victim, path+"2"); err != nil {
		t.Fatal(err)
	}
	if err := WriteBytes(path+"2", []byte("new")); err != nil || read(t, victim) != "new" {
		t.Errorf("%v, %q", err, read(t, victim))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// names lists dir, so that a test sees temporary files left behind.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestWriteCreatesAndReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.txt")
	for _, want := range []string{"first, longer than the second", "second", ""} {
		if err := WriteBytes(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != want {
			t.Errorf("content %q, want %q", got, want)
		}
	}
	if got := names(t, dir); got != "f.txt" {
		t.Errorf("directory holds %q, want only f.txt", got)
	}
}

func TestFailedCallbackLeavesOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.txt")
	if err := WriteBytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("encoder broke")
	err := Write(path, func(w io.Writer) error {
		// More than the buffer, so that part of it is on disk by now.
		if _, err := w.Write(make([]byte, 3*bufferSize)); err != nil {
			return err
		}
		return cause
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
		t.Errorf("error %v: want the cause wrapped and the path named", err)
	}
	func() {
		defer func() { recover() }()
		_ = Write(path, func(io.Writer) error { panic("callback") })
	}()
	if got := read(t, path); got != "old" {
		t.Errorf("content %q after failures, want the old one", got)
	}
	if got := names(t, dir); got != "f.txt" {
		t.Errorf("directory holds %q, want only f.txt", got)
	}
}

func TestOldContentVisibleUntilDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.txt")
	if err := WriteBytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 2*bufferSize)); err != nil {
			return err
		}
		if got := read(t, path); got != "old" {
			t.Errorf("reader sees %d bytes during the write, want the old file", len(got))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRemainsOfKilledWriters(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.txt")
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(".f.txt.tmp-%d", i)), []byte("part"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteBytes(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("content %q, want new", got)
	}
}

func TestErrorsNamePath(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{
		"directory":      dir,
		"missing parent": filepath.Join(dir, "no", "f.txt"),
	} {
		err := WriteBytes(path, []byte("x"))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
			t.Errorf("%s: error %v does not name %q", name, err, path)
		}
		if err != nil && strings.Contains(err.Error(), ".tmp-") {
			t.Errorf("%s: error %v shows a temporary name", name, err)
		}
	}
	if err := WriteBytes(filepath.Join(dir, "no", "f.txt"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
}

func TestPermissionsAndLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permission bits and symbolic links are those of Unix")
	}
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(real, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteBytes(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(real)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, real); got != "new" || info.Mode() != 0o640 {
		t.Errorf("target holds %q with mode %v, want new with the 0640 it had", got, info.Mode())
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("link became %v (%v)", info, err)
	}
}

func TestDevicesAreWrittenNotReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the null device has no file mode on Windows")
	}
	if err := WriteBytes(os.DevNull, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("null device became %v (%v)", info, err)
	}
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	tmp, path := filepath.Join(dir, "f.part"), filepath.Join(dir, "f")
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(tmp, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Publish(tmp, path); err != nil {
			t.Fatal(err)
		}
		if got, left := read(t, path), names(t, dir); got != want || left != "f" {
			t.Errorf("content %q among %q, want %q alone", got, left, want)
		}
	}
	if err := Publish(tmp, path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
		t.Errorf("nothing to publish: %v", err)
	}
	if got := read(t, path); got != "second" {
		t.Errorf("content %q after a failure", got)
	}
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "files")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "table.csv")
	err = Write(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "row,plug_in")
		return err
	})
	data, _ := os.ReadFile(path)
	fmt.Print(string(data), err)
	// Output:
	// row,plug_in
	// <nil>
}
