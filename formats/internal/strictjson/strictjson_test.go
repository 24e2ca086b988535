package strictjson_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"lamina/formats/internal/strictjson"
)

// skip reads one whole JSON text.
func skip(data string) error {
	s := strictjson.New([]byte(data))
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
		if got, err := strictjson.New([]byte(text)).Uint(); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "01", "1.0", "1e3", "9223372036854775808", "99999999999999999999", `"1"`, "null"} {
		if got, err := strictjson.New([]byte(text)).Uint(); err == nil {
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
		s := strictjson.New([]byte(text))
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

func ExampleScanner_Object() {
	s := strictjson.New([]byte(`{"rows": 2, "rows": 3}`))
	seen := map[string]bool{}
	err := s.Object(func(key string) error {
		if seen[key] {
			return fmt.Errorf("%s stands twice", key)
		}
		seen[key] = true
		_, err := s.Uint()
		return err
	})
	fmt.Println(err)
	// Output: rows stands twice
}
