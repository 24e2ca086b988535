package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadHoldsTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o666); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("5 bytes within 5: %q, %v", data, err)
	}
	if _, err := Read(path, 4); err == nil || !strings.Contains(err.Error(), path+": 5 bytes, more than the 4") {
		t.Errorf("5 bytes within 4: %v", err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, 1<<20); err == nil {
		t.Error("a sparse file of 1 TiB was read")
	}
	if _, err := Read(path+"2", 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// What claims to hold nothing, or never ends, is not read to its end.
func TestReadOfSpecialFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev and /proc are Linux's")
	}
	if data, err := Read("/proc/self/status", 1<<20); err != nil || len(data) == 0 {
		t.Errorf("/proc/self/status, whose size is said to be 0: %d bytes, %v", len(data), err)
	}
	if _, err := Read("/proc/self/status", 3); err == nil {
		t.Error("/proc/self/status was read beyond its limit")
	}
	link := filepath.Join(t.TempDir(), "config.json")
	if err := os.Symlink("/dev/zero", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{link: "is a device", t.TempDir(): "is a directory"} {
		if _, err := Read(path, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestDense: a hole ends the reading where it is seen, also over several reads, and as
// many zeros as a file may have do not.
func TestDense(t *testing.T) {
	const most = 1000
	for _, c := range []struct {
		zeros int
		good  bool
	}{{0, true}, {1, true}, {most - 1, true}, {most, false}, {3 * most, false}} {
		text := "a\x00b" + strings.Repeat("\x00", c.zeros) + "c"
		got, err := io.ReadAll(Dense(iotest.OneByteReader(strings.NewReader(text)), most))
		if (err == nil) != c.good || c.good && string(got) != text {
			t.Errorf("%d zeros: %d bytes, %v", c.zeros, len(got), err)
		}
	}
}
