package strictjson_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"lamina/internal/strictjson"
)

// rules allow eight objects or arrays in each other.
var rules = strictjson.Rules{Depth: 7}

// skip reads one whole JSON text.
func skip(data string) error {
	s := strictjson.New([]byte(data), rules)
	if err := s.Skip(); err != nil {
		return err
	}
	return s.End()
}

func TestSkipAcceptsJSON(t *testing.T) {
	for _, text := range []string{
		`null`, ` true `, `false`, `0`, `-0`, `1.5e-3`, `12E+2`, `""`, `"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"`,
		`[]`, `[1, "a", [null]]`, `{}`, ` { "a" : { "b" : [ ] } , "a" : 1 } `, `[[[[[[[[]]]]]]]]`,
	} {
		if err := skip(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSkipRefusesTheRest(t *testing.T) {
	for _, text := range []string{
		``, ` `, `nul`, `nulll`, `+1`, `00`, `-01`, `.5`, `1.`, `1e`, `--1`, `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\ud800"`, `"\ud800\u0041"`, `"\udc00"`,
		"\"\xff\"", "\"\n\"", "\"a\\n\n\"", "\"a\\n\xff\"", `[`, `[1`, `[1,]`, `[1 2]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1]`, `[}`,
		`[] []`, "[]\x00", `[[[[[[[[[]]]]]]]]]`,
	} {
		if err := skip(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestUint(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, "9223372036854775807": math.MaxInt64} {
		if got, err := strictjson.New([]byte(text), rules).Uint(); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "01", "1.0", "1e3", "9223372036854775808", "99999999999999999999", `"1"`, "null"} {
		if got, err := strictjson.New([]byte(text), rules).Uint(); err == nil {
			t.Errorf("%s is accepted as %d", text, got)
		}
	}
}

// Whatever is accepted, the standard library accepts and reads the same.
func FuzzAgainstStandardLibrary(f *testing.F) {
	f.Add(`{"a":[1,2.5e3,"\u00e9",null,{"b":true}]}`)
	f.Add(`"\ud83d\ude00"`)
	f.Fuzz(func(t *testing.T, text string) {
		if skip(text) == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q is no JSON", text)
		}
		s := strictjson.New([]byte(text), rules)
		got, err := s.String()
		if err != nil || s.End() != nil {
			return
		}
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil || got != want {
			t.Errorf("%q: %q, want %q (%v)", text, got, want, err)
		}
	})
}

// Places are told as the rules say, and a message stays one line.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1;}`:         "7: found ';', want ',' or '}'",
		`{"a":`:            "6: the text ends where a value should be",
		` {"a":1} x`:       "10: found 'x', want the end of the ",
		"\"a\tb\"":         `3: control character '\t' in a text: write it as \u0009`,
		`{"a":03}`:         "7: a number with a leading zero",
		`["\ud800"]`:       `3: half a surrogate pair: \ud800`,
		"[\"\\\n\"]":       `3: unknown escape \\n`,
		`{"a":1,"b":2,"c"`: "14: more than 2 items",
		`[[[[`:             "4: nested deeper than 2",
	} {
		for unit, line := range map[string]bool{"byte ": false, "column ": true} {
			s := strictjson.New([]byte(text), strictjson.Rules{Depth: 2, Members: 2, Line: line})
			err := s.Skip()
			if err == nil {
				err = s.End()
			}
			if err == nil || !strings.HasPrefix(err.Error(), unit+want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %s", text, err, unit+want)
			}
		}
	}
}

func TestInt(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-7": -7, "123456789012345678": 123456789012345678} {
		if got, ok := strictjson.New([]byte(text), rules).Int(); !ok || got != want {
			t.Errorf("%s: %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "1.0", "1e3", "01", "-", "1234567890123456789", `"1"`, "null"} {
		s := strictjson.New([]byte(text), rules)
		if got, ok := s.Int(); ok || s.Offset() != 0 {
			t.Errorf("%s is read as %d, or in part", text, got)
		}
	}
}

func ExampleScanner_Object() {
	s := strictjson.New([]byte(`{"rows": 2, "rows": 3}`), strictjson.Rules{Depth: 8})
	seen := map[string]bool{}
	err := s.Object(func(name string) error {
		if seen[name] {
			return fmt.Errorf("%s stands twice", name)
		}
		seen[name] = true
		_, err := s.Uint()
		return err
	})
	fmt.Println(err)
	// Output: rows stands twice
}
