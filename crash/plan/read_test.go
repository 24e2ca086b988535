package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	for flag, want := range map[string]string{
		"0* 2":                     "0* 2",
		file("text", "\n 0*  2\n"): "0* 2",
		file("json", `{"kind": "uniform", "plan": "0* 2", "kept": [0, 2]}`+"\n"): "0* 2",
	} {
		if got, err := Read(flag); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", flag, got, err)
		}
	}
	for flag, want := range map[string]string{
		"0* x":                           "place 1",
		"@" + filepath.Join(dir, "none"): "none: no such file",
		"@" + dir:                        "is a directory",
		file("bad", "0* x"):              "bad: plan: place 1",
		file("number", `{"plan": 3}`):    "number: ",
		file("two", `{"plan": "0"} {}`):  "more than one JSON value",
	} {
		if got, err := Read(flag); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", flag, got, err, want)
		}
	}
	if got, err := ReadShared("0* 2", "all", 3); err != nil || got.String() != "0* 2 2" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ReadShared("0* 2", "some", 3); err == nil {
		t.Error("an unknown sharing is taken")
	}
}
