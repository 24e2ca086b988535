package files

import (
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
