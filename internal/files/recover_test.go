package files

import (
	"os"
	"path/filepath"
	"testing"
)

// A process killed between the two renames of Dir leaves the old directory aside
// and the new one under its temporary name.
func TestRecoverBringsTheOldDirectoryBack(t *testing.T) {
	for _, there := range []bool{false, true} {
		parent := filepath.Join(t.TempDir(), "a[b]*")
		path := filepath.Join(parent, "best")
		for _, dir := range []string{".best.tmp-1", ".best.tmp-1.old", ".other.tmp-1"} {
			if err := os.MkdirAll(filepath.Join(parent, dir, "mark"+dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if there {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := Recover(path); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(filepath.Join(path, "mark.best.tmp-1.old"))
		if back := err == nil; back == there {
			t.Errorf("path there: %t, old directory back: %t", there, back)
		}
		entries, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 2 { // best and the other's
			t.Errorf("path there: %t: %v remain", there, entries)
		}
	}
}
