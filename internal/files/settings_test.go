package files

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckSettings(t *testing.T) {
	dir := t.TempDir()
	want := []byte(`{"lr": 1, "data": {"name": "a"}, "steps": 3}`)
	if err := CheckSettings(filepath.Join(dir, "none"), want, false); err != nil {
		t.Errorf("a directory yet to be made: %v", err)
	}
	for _, name := range []string{"inputs", "other"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		err := CheckSettings(dir, want, true, "inputs")
		if refused := err != nil && strings.Contains(err.Error(), "not empty"); refused != (name == "other") {
			t.Errorf("with %s there: %v", name, err)
		}
	}
	if err := WriteBytes(filepath.Join(dir, Settings), want); err != nil {
		t.Fatal(err)
	}
	for now, difference := range map[string]string{
		string(want): "",
		`{"lr": 2, "data": {"name": "b"}, "steps": 3}`: `data.name is "a" there, "b" now, lr is 1 there, 2 now;`,
		`{"lr": 1, "data": {"name": "a"}}`:             `steps is 3 there, absent now;`,
		"[]":                                           "cannot be read",
	} {
		err := CheckSettings(dir, []byte(now), false)
		if (err == nil) != (difference == "") || err != nil && !strings.Contains(err.Error(), difference) {
			t.Errorf("%s: %v, want %q", now, err, difference)
		}
		if err := CheckSettings(dir, []byte(now), true); err != nil {
			t.Errorf("overwriting: %v", err)
		}
	}
}

// TestEmptyBeginningIsABeginning of a run that was killed before it wrote its settings,
// and anything that it did not leave there is somebody's.
func TestEmptyBeginningIsABeginning(t *testing.T) {
	want := []byte(`{"command": "finetune", "lr": 1}`)
	for name, c := range map[string]struct {
		left []string // files; a directory ends with a slash
		ours bool
	}{
		"nothing":              {nil, true},
		"directories":          {[]string{"checkpoints/", "tasks/"}, true},
		"temporary files":      {[]string{"checkpoints/.step-1.tmp-7/weights", ".config.json.tmp-0", ".lock", ".best.lock", "tasks/.a.json.tmp-0"}, true},
		"a checkpoint":         {[]string{"checkpoints/step-1/weights"}, false},
		"somebody's directory": {[]string{"photos/"}, false},
		"somebody's file":      {[]string{"notes.txt"}, false},
		"a hidden one":         {[]string{".bashrc"}, false},
	} {
		for _, overwrite := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "run")
			for _, path := range append(c.left, "metrics.jsonl") {
				at := filepath.Join(dir, path)
				if strings.HasSuffix(path, "/") {
					at = filepath.Join(at, "x")
				}
				if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(path, "/") {
					continue
				}
				if err := os.WriteFile(at, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			before := names(t, dir)
			release, err := Begin(dir, want, overwrite)
			if (err == nil) != c.ours {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil {
				if _, err := Begin(dir, want, true); err == nil || !strings.Contains(err.Error(), "is being written") {
					t.Errorf("%s: the second: %v", name, err)
				}
				release()
				for left := range strings.FieldsSeq(names(t, dir)) {
					if strings.HasPrefix(left, ".") {
						t.Errorf("%s: %s is left", name, left)
					}
				}
			} else if after := names(t, dir); after != before {
				t.Errorf("%s: %q, was %q", name, after, before)
			}
		}
	}
}

// TestOverwriteWantsSettingsOfTheSameCommand and not those of another, or of another
// program, whose file has the same name.
func TestOverwriteWantsSettingsOfTheSameCommand(t *testing.T) {
	want := []byte(`{"command": "finetune", "lr": 1, "steps": 2}`)
	for have, ours := range map[string]bool{
		`{"command": "finetune", "lr": 2, "steps": 2, "new": 1}`: true,
		`{"command": "finetune", "lr": 2}`:                       true,
		`{"command": "eval", "lr": 1, "steps": 2}`:               false,
		`{"lr": 1, "steps": 2}`:                                  false,
		`{"theme": "dark"}`:                                      false,
		`[]`:                                                     false,
		``:                                                       false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, Settings), []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := CheckSettings(dir, want, true); (err == nil) != ours || !ours && !strings.Contains(err.Error(), "choose another --out") {
			t.Errorf("%s: %v", have, err)
		}
	}
}

// TestOverwritingIsGoneOnWith after a kill anywhere in it: before the new settings the old
// run stands, and after that who calls with these settings clears what is left of it.
func TestOverwritingIsGoneOnWith(t *testing.T) {
	old, other, now := []byte(`{"lr": 1}`), []byte(`{"lr": 2}`), []byte(`{"lr": 3}`)
	dir, killed := t.TempDir(), errors.New("killed")
	begin := func(settings []byte, overwrite bool, end error) (cleared bool) {
		t.Helper()
		err := WriteSettings(dir, settings, overwrite, func() error {
			cleared = true
			if end == nil {
				end = Remove(filepath.Join(dir, "part"))
			}
			return end
		})
		if err != end && !(cleared && end == nil) {
			t.Fatal(err)
		}
		return cleared
	}
	plant(t, dir, "part/x")
	if begin(old, false, nil) || names(t, dir) != "config.json part" {
		t.Errorf("nothing is overwritten: %q", names(t, dir))
	}
	if !begin(now, true, killed) || read(t, filepath.Join(dir, Settings)) != string(now) {
		t.Error("the new settings come first")
	}
	if !begin(other, true, killed) { // as if killed before its settings came
		t.Error("overwritten again")
	}
	if err := WriteBytes(filepath.Join(dir, Settings), now); err != nil {
		t.Fatal(err)
	}
	if !begin(now, false, nil) || names(t, dir) != "config.json" {
		t.Errorf("gone on with: %q", names(t, dir))
	}
	plant(t, dir, "part/x")
	if begin(now, false, nil) || names(t, dir) != "config.json part" {
		t.Errorf("and then it is a run: %q", names(t, dir))
	}
	// Killed with the list written and nothing else: the old run goes on.
	if err := WriteBytes(filepath.Join(dir, replaced), fmt.Appendf(nil, "%x\n", sha256.Sum256(other))); err != nil {
		t.Fatal(err)
	}
	if begin(now, false, nil) || names(t, dir) != "config.json part" {
		t.Errorf("the old run: %q", names(t, dir))
	}
}
