package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

// name reads itself from a text, as plans do.
type name string

func (n *name) UnmarshalText(text []byte) error { *n = name(text); return nil }

func (n name) MarshalText() ([]byte, error) { return []byte(n), nil }

type inner struct {
	Size int `json:"size"`
}

type outer struct {
	inner
	Plan   name           `json:"plan"`
	Loss   *float64       `json:"loss"`
	Names  []string       `json:"names"`
	Left   []inner        `json:"left,omitempty"`
	Counts map[string]int `json:"counts,omitempty"`
	hidden int
	Never  int `json:"-"`
}

func TestCheckFit(t *testing.T) {
	const good = `{"size":1,"plan":"0*","loss":null,"names":null}`
	for text, want := range map[string]string{ // "" where it fits whole
		good: "",
		`{"size":1,"plan":"0*","loss":2,"names":["a"],"left":[{"size":3}],"counts":{"a":1,"A":2}}`: "",
		strings.Replace(good, `"plan"`, `"Plan"`, 1):                                               `member "Plan", want it spelled "plan"`,
		strings.Replace(good, `"plan"`, `"ſize"`, 1):                                               `member "ſize", want it spelled "size"`, // U+017F folds to s
		strings.Replace(good, `"size":1`, `"size":1,"Size":2`, 1):                                  `member "Size"`,
		strings.Replace(good, `"size":1`, `"size":1,"size":2`, 1):                                  `duplicate member "size"`,
		strings.Replace(good, `"size":1`, `"size":1,"\u0073ize":2`, 1):                             `duplicate member "size"`,
		strings.Replace(good, `"size":1`, `"size":null`, 1):                                        `member "size": null is no value, want a number`,
		strings.Replace(good, `"plan":"0*"`, `"plan":null`, 1):                                     `member "plan": null is no value, want text`,
		strings.Replace(good, `"names":null`, `"names":["a",null]`, 1):                             `member "names": null is no value, want text`,
		strings.Replace(good, `}`, `,"left":null}`, 1):                                             `member "left": null`,
		strings.Replace(good, `}`, `,"left":[{"Size":3}]}`, 1):                                     `member "Size"`,
		strings.Replace(good, `}`, `,"left":[{}]}`, 1):                                             `member "size" is missing`,
		strings.Replace(good, `}`, `,"counts":{"a":1,"a":2}}`, 1):                                  `duplicate member "a"`,
		strings.Replace(good, `}`, `,"hidden":1}`, 1):                                              `unknown member "hidden"`,
		strings.Replace(good, `}`, `,"Never":1}`, 1):                                               `unknown member "Never"`,
		`{"size":1,"loss":null,"names":null}`:                                                      `member "plan" is missing`,
		`null`:                                                                                     "null is no value",
		good + "{}":                                                                                "end of the file",
	} {
		var v outer
		err := CheckFit([]byte(text), Rules{Depth: 8}, &v, Whole)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if want == "" {
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Errorf("%s: fits, and %v", text, err)
			}
		}
	}
	for text, want := range map[string]string{
		`{"more":{"a":null},"plan":"0"}`: "", `{}`: "", `{"Plan":"0"}`: "spelled", `{"plan":null}`: "null",
		`{"plan":"0","plan":"1"}`: "duplicate", `{"left":[{"sizE":1}]}`: "spelled",
	} {
		if err := CheckFit([]byte(text), Rules{Depth: 8}, new(outer), Named); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestDecode: what other programs write, to the letter and each name once.
func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		`{"more":{"a":null},"plan":"0","size":2}`: "", `{}`: "", `{"plan":null,"size":null,"names":["a",null]}`: "",
		`{"Plan":"0"}`: "spelled", `{"plan":"0","plan":"1"}`: `duplicate member "plan": take one of the two out`, `{"left":[{"sizE":1}]}`: "spelled",
		`{"size":"a"}`: "cannot unmarshal", `{"size":1`: "byte 10", `{} {}`: "end of the file", `null`: "null",
	} {
		var v outer
		if err := Decode([]byte(text), Rules{Depth: 8}, &v); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`null`: "", `[{"a":1},{"a":1,"A":[{"a":null}]}]`: "", `{"a":{"b":[{"c":1,"d":2,"c":3}]}}`: `duplicate member "c"`, `{"a":1} x`: "end of the file",
	} {
		if err := CheckUnique([]byte(text), Rules{Depth: 8}); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestWhatIsWrittenFits: whatever encoding/json writes of a value fits it whole.
func TestWhatIsWrittenFits(t *testing.T) {
	loss := 1.5
	for _, v := range []outer{{}, {Plan: "x", Loss: &loss, Names: []string{}, Left: []inner{{1}}, Counts: map[string]int{"": 0}, hidden: 1, Never: 1}} {
		text, err := json.Marshal(v)
		if err == nil {
			err = CheckFit(text, Rules{Depth: 8}, new(outer), Whole)
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
