package files_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lamina/internal/files"
)

func TestScratch(t *testing.T) {
	dir := t.TempDir()
	s, err := files.NewScratch(dir, "pieces", 10)
	if err != nil {
		t.Fatal(err)
	}
	other, err := files.NewScratch(dir, "pieces", 10)
	if err != nil {
		t.Fatal(err)
	}
	var at [3]int64
	for i, piece := range []string{"abc", "", "defg"} {
		if at[i], err = s.Append([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Append(make([]byte, 4)); !errors.Is(err, files.ErrNoRoom) || s.Size() != 7 {
		t.Errorf("11 bytes of 10: %v, %d are there", err, s.Size())
	}
	got := make([]byte, 4)
	if err := s.Read(at[2], got); err != nil || !bytes.Equal(got, []byte("defg")) {
		t.Errorf("read %q: %v", got, err)
	}
	if err := s.Read(at[2]+1, got); err == nil {
		t.Error("read beyond the end")
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v are left, want the other's", left)
	}
	other.Close()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
	if _, err := files.NewScratch(filepath.Join(dir, "none"), "pieces", 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
	var none *files.Scratch
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}
