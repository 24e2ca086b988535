package figures

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/internal/report"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

const golden = "testdata/golden.txt"

// sample reads the small result of a kind.
func sample(t *testing.T, kind string) (path string, data []byte) {
	t.Helper()
	path = filepath.Join("testdata", kind+".json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, data
}

// TestEveryKindIsReadable: a text for those who have not read the paper, a caption and an
// alternative text for each picture, a name for each file, the command behind it.
func TestEveryKindIsReadable(t *testing.T) {
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			path, data := sample(t, k.Name)
			kind, s, err := Read(path, data)
			if err != nil || kind != k.Name {
				t.Fatalf("kind %q: %v", kind, err)
			}
			if s.section.Title == "" || len(s.section.Text) == 0 || len(s.section.Command) == 0 {
				t.Errorf("title %q, %d paragraphs, command %q", s.section.Title, len(s.section.Text), s.section.Command)
			}
			if len(s.pictures) == 0 || len(s.pictures) != len(s.section.Figures) {
				t.Fatalf("%d pictures for %d figures", len(s.pictures), len(s.section.Figures))
			}
			names := map[string]bool{}
			for i, f := range s.section.Figures {
				if f.Caption == "" || f.Alt == "" || string(f.SVG) != s.pictures[i].picture.SVG() {
					t.Errorf("figure %d: caption %q, alternative text %q, or another picture", i, f.Caption, f.Alt)
				}
				name := s.pictures[i].name
				if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name == "" || names[name] {
					t.Errorf("picture %d has the name %q", i, name)
				}
				names[name] = true
			}
		})
	}
}

// TestGoldenPictures: the pictures of the small results, byte for byte.
func TestGoldenPictures(t *testing.T) {
	var b strings.Builder
	for _, k := range Kinds {
		path, data := sample(t, k.Name)
		_, s, err := Read(path, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range s.pictures {
			for _, ending := range []string{".png", ".svg"} {
				var picture bytes.Buffer
				if err := n.picture.Write(&picture, ending); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "%x  %s/%s%s\n", sha256.Sum256(picture.Bytes()), k.Name, n.name, ending)
			}
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("pictures changed; look at them, then go test -run Golden -update\n%s", b.String())
	}
}

// TestSpoiltFiles: a file that is cut short, lacks a member or has a value of another type is
// an error that names it, or is shown; it never panics.
func TestSpoiltFiles(t *testing.T) {
	for _, k := range Kinds {
		path, data := sample(t, k.Name)
		for _, cut := range []int{0, 1, len(data) / 3, len(data) / 2, len(data) - 3} {
			if _, _, err := Read(path, data[:cut]); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %d bytes of %d: %v", k.Name, cut, len(data), err)
			}
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		for name, was := range members {
			for _, other := range []any{nil, []any{}, map[string]any{}, "", -1, 1e300, []any{[]any{}}, []any{[]any{1}, 2}} {
				members[name] = other
				spoilt, err := json.Marshal(members)
				if err != nil {
					t.Fatal(err)
				}
				if _, s, err := Read(path, spoilt); err != nil && !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %s %v: %v", k.Name, name, other, err)
				} else if err == nil {
					render(t, report.Report{Sections: []report.Section{s.section}})
				}
			}
			delete(members, name)
			spoilt, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := Read(path, spoilt); err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("%s: without %s: %v", k.Name, name, err)
			}
			members[name] = was
		}
	}
}

func render(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		v          any
		want, fail string
	}{
		{struct {
			N int `json:"n"`
		}{3}, `{"result":"k","command":["a","<b>"],"n":3}` + "\n", ""},
		{struct{}{}, `{"result":"k","command":["a","<b>"]}` + "\n", ""},
		{[]int{1}, "", "want a JSON object"},
		{map[string]float64{"x": nan}, "", "NaN"},
	} {
		got, err := Encode("k", []string{"a", "<b>"}, c.v)
		if string(got) != c.want || (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%v: %q, %v", c.v, got, err)
		}
	}
}
