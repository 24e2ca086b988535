package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutputReplacesItsOwnKindOnly whatever a path that was slipped leads to.
func TestOutputReplacesItsOwnKindOnly(t *testing.T) {
	root := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{root}, names...)...) }
	out := func(path, kind string) error {
		return Output{Path: path, Kind: kind, Overwrite: true}.Write(filler("config.json"))
	}
	mine := Output{Path: at("mine"), Kind: "converted model"}
	if err := mine.Write(filler("weights")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, mine.Path); got != Mark+" weights" {
		t.Errorf("files %q", got)
	}
	if err := mine.Write(filler("weights")); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("again: %v", err)
	}
	if err := out(at("emulator"), "emulator"); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"photos/a.jpg": "a", "old/config.json": "{}", "new/x": "", "told/lamina.json": `{"kind": "emulator", "format": 2}`, "broken/" + Mark: "{",
		"notes/" + Mark: `{"kind": "converted model", "files": ["weights"]}`, "notes/notes.txt": "n", "notes/weights": "w",
		"deep/" + Mark: `{"kind": "converted model", "files": ["weights"]}`, "deep/a/b": "",
	} {
		if err := os.MkdirAll(filepath.Dir(at(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine.Path, at("link")); err != nil {
		t.Fatal(err)
	}
	before := names(t, root)
	for path, want := range map[string]string{
		"photos": "does not say that it is a converted model of lamina", "photos/": "choose another directory, or remove it first", ".": "does not say",
		"old": "does not say", "told": "is an emulator, not a converted model", "emulator": "is an emulator, not a converted model", "broken": Mark,
		"notes": "notes.txt: lamina did not write it", "deep/.": "a/b: lamina did not write it", "link": "is no directory", "link/": "is no directory", "photos/a.jpg": "is no directory",
	} {
		if err := out(root+"/"+path, "converted model"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	for _, path := range []string{"mine", "mine/", "mine/.", "photos/../mine", "empty"} {
		if err := out(root+"/"+path, "converted model"); err != nil {
			t.Error(err)
		}
	}
	if err := out(at("told"), "emulator"); err != nil {
		t.Error(err)
	}
	if after := names(t, root); after != before {
		t.Errorf("there is %q, was %q", after, before)
	}
}

// TestSecondWriterIsTold also with overwrite, and of a directory that is filled in place.
func TestSecondWriterIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	err := Dir(path, false, func(tmp string) error {
		for _, overwrite := range []bool{false, true} {
			if err := Dir(path, overwrite, filler("b")); err == nil || !strings.Contains(err.Error(), path+": is being written") {
				t.Errorf("the second: %v", err)
			}
		}
		if err := Recover(path); err != nil {
			t.Error(err)
		}
		return filler("a")(tmp)
	})
	if got := names(t, filepath.Dir(path)); err != nil || got != "out" {
		t.Fatalf("%v, %q", err, got)
	}
	release, err := LockDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDir(path); err == nil || !strings.Contains(err.Error(), path+": is being written") {
		t.Errorf("the second: %v", err)
	}
	release()
	if release, err = LockDir(path); err != nil {
		t.Fatal(err)
	}
	release()
	if got := names(t, path); got != "a" {
		t.Errorf("%q is left", got)
	}
}

// TestErrorsNameThePathOfTheUser not that of the temporary directory.
func TestErrorsNameThePathOfTheUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	err := Dir(path, false, func(tmp string) error {
		_, err := os.ReadFile(filepath.Join(tmp, "gone"))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(path, "gone")) || !os.IsNotExist(err.(*renamed).error) {
		t.Error(err)
	}
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("no /proc")
	}
	if err := Dir("/proc/x", false, filler("a")); err == nil || strings.Contains(err.Error(), "tmp-") || !strings.HasPrefix(err.Error(), "/proc/x: ") {
		t.Error(err)
	}
}
