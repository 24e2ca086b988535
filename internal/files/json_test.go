package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJSONComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	type state struct {
		Step int      `json:"step"`
		Plan []string `json:"plan"`
	}
	want := state{Step: 3, Plan: []string{"0*", "1"}}
	if err := WriteJSON(path, want); err != nil {
		t.Fatal(err)
	}
	var got state
	if err := ReadJSON(path, &got); err != nil || got.Step != 3 || len(got.Plan) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if text := read(t, path); !strings.HasPrefix(text, "{\n  \"step\": 3,") || !strings.HasSuffix(text, "}\n") {
		t.Errorf("%q", text)
	}
}

// A file that is not as WriteJSON left it is refused by name.
func TestReadJSONRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for name, c := range map[string]struct{ text, want string }{
		"an unknown field": {`{"step":1,"steps":2}`, "steps"},
		"a doubled name":   {`{"step":1,"step":2}`, `duplicate member "step"`},
		"another case":     {`{"Step":1}`, `want it spelled "step"`},
		"both cases":       {`{"step":1,"STEP":2}`, `want it spelled "step"`},
		"null":             {`{"step":null}`, `"step": null`},
		"no field":         {`{}`, `"step" is missing`},
		"more behind it":   {`{"step":1} {}`, "byte 12"},
		"nothing":          {"", "the text ends"},
		"cut":              {`{"step":`, "the text ends"},
		"another type":     {`{"step":"x"}`, "step"},
		"deep":             {strings.Repeat("[", 100), "nested deeper"},
		"large":            {`{"step":1}` + strings.Repeat(" ", Small), "more than the 16777216"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var v struct {
			Step int `json:"step"`
		}
		if err := ReadJSON(path, &v); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := ReadJSON(path+"x", nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}
