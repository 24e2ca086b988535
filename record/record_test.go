package record

import (
	"strings"
	"testing"
)

func one(t *testing.T, text string) Record {
	t.Helper()
	for r, err := range Scan(strings.NewReader(text), "f.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Fatal("no record")
	return Record{}
}

func TestPaths(t *testing.T) {
	for _, text := range []string{
		`{"q":{"stem":"s","choices":{"text":["a","b"],"label":["A","B"]}},"n":3,"ids":[1,-2],"none":null}`,
		`{"q":{"stem":"s","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"}]},"n":3,"ids":[1,-2],"none":null}`,
	} {
		r := one(t, text)
		stem, err := r.Text("q.stem")
		if stem != "s" || err != nil {
			t.Errorf("%s: %q, %v", text, stem, err)
		}
		texts, err := r.Texts("q.choices.text")
		if strings.Join(texts, "|") != "a|b" || err != nil {
			t.Errorf("%s: %q, %v", text, texts, err)
		}
		n, err := r.Int("n")
		ids, errIDs := r.Ints("ids")
		if n != 3 || err != nil || errIDs != nil || len(ids) != 2 || ids[1] != -2 {
			t.Errorf("%s: %d, %v, %v, %v", text, n, err, ids, errIDs)
		}
		if !r.Has("n") || r.Has("none") || r.Has("q.x") || r.Has("n.x") {
			t.Errorf("%s: Has is wrong", text)
		}
	}
}

func TestWrongKindsAreNamed(t *testing.T) {
	r := one(t, `{"a":1,"b":"x","c":["x",2],"d":[{"e":1},{}],"f":1.5,"g":9999999999999999999999}`)
	for want, get := range map[string]func() error{
		`field "a": a number, want a text`:                  func() error { _, err := r.Text("a"); return err },
		`field "b": a text, want a whole number`:            func() error { _, err := r.Int("b"); return err },
		`field "b": a text, want a list of texts`:           func() error { _, err := r.Texts("b"); return err },
		`field "c": item 1 is a number, want a text`:        func() error { _, err := r.Texts("c"); return err },
		`field "d.e": item 1: is missing`:                   func() error { _, err := r.Get("d.e"); return err },
		`field "x": is missing`:                             func() error { _, err := r.Get("x"); return err },
		`field "b.x": a text has no fields`:                 func() error { _, err := r.Get("b.x"); return err },
		`field "f": 1.5: want a whole number`:               func() error { _, err := r.Int("f"); return err },
		`field "g": 9999999999999999999999 is out of range`: func() error { _, err := r.Int("g"); return err },
		`field "c": item 0: a text, want a whole number`:    func() error { _, err := r.Ints("c"); return err },
	} {
		if err := get(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestCells(t *testing.T) {
	r := Record{Fields: Object{{"n", Cell(" 12 ")}, {"l", Cell(`["a","b"]`)}, {"bad", Cell(`["a"`)}, {"t", Cell("7")}}}
	if n, err := r.Int("n"); n != 12 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if l, err := r.Texts("l"); len(l) != 2 || err != nil {
		t.Errorf("%q, %v", l, err)
	}
	if s, err := r.Text("t"); s != "7" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := r.Texts("bad"); err == nil || !strings.Contains(err.Error(), "want a JSON array") {
		t.Errorf("%v", err)
	}
}

func TestPlaces(t *testing.T) {
	text := "{\"a\":1}\n\n{\"a\":2}\n{\"a\":}\n"
	var last error
	var places []string
	for r, err := range Scan(strings.NewReader(text), "f.jsonl") {
		if last = err; err == nil {
			places = append(places, r.At.String())
		}
	}
	if got := strings.Join(places, ", "); got != "f.jsonl:1, f.jsonl:3 (byte 9)" {
		t.Error(got)
	}
	if want := `f.jsonl:4 (byte 17): field "a": column 6: found '}', want a value`; last == nil || last.Error() != want {
		t.Errorf("%v, want %s", last, want)
	}
}

// The right sides are what Python 3.11's json.dumps(json.loads(x), ensure_ascii=False)
// prints.
func TestPythonForm(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[1,2.50,"é\u0001\n\"\\/\u007f"],"b":{},"c":[],"d":null,"e":true}`:   "{\"a\": [1, 2.5, \"é\\u0001\\n\\\"\\\\/\x7f\"], \"b\": {}, \"c\": [], \"d\": null, \"e\": true}",
		`{"x":[1e16,1e15,1e-4,1e-5,123456789012345678901234567890,-0.0,1.0,1E5]}`: `{"x": [1e+16, 1000000000000000.0, 0.0001, 1e-05, 123456789012345678901234567890, -0.0, 1.0, 100000.0]}`,
	} {
		if got := string(AppendPython(nil, one(t, text).Fields, 0)); got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
	}
	want := "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"
	if got := string(AppendPython(nil, one(t, `{"a":[1,2],"b":{}}`).Fields, 2)); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

func TestParse(t *testing.T) {
	at := Location{File: "f.json", Line: 4, Byte: 90}
	r, err := Parse([]byte(" {\"a\":\n[1,2]} "), at)
	if ids, errIDs := r.Ints("a"); err != nil || errIDs != nil || len(ids) != 2 || r.At != at {
		t.Errorf("%v, %v, %v", r, err, errIDs)
	}
	if _, err := Parse([]byte(`{"a":1}{}`), at); err == nil || !strings.HasPrefix(err.Error(), "f.json:4 (byte 90): column 8: ") {
		t.Errorf("%v", err)
	}
}

func TestEqual(t *testing.T) {
	a := one(t, `{"a":[1,"x",{"b":2}],"c":[1,2]}`).Fields
	if !Equal(a, one(t, `{"a":[1,"x",{"b":2}],"c":[1,2]}`).Fields) {
		t.Error("equal records differ")
	}
	for _, other := range []string{`{"a":[1,"x",{"b":3}],"c":[1,2]}`, `{"a":[1,"x",{"b":2}],"c":[1,3]}`, `{"a":[1,"x"],"c":[1,2]}`, `{"c":[1,2]}`} {
		if Equal(a, one(t, other).Fields) {
			t.Errorf("%s is equal", other)
		}
	}
}

// The right sides are what ast.literal_eval of Python 3.11 returns.
func TestLongLiterals(t *testing.T) {
	for text, want := range map[string]string{
		`['''it's "x"''', """a"b"""]`: `["it's \"x\"", "a\"b"]`,
		"['''a\nb''', '', '''''']":    `["a\nb", "", ""]`,
		`'''\n'''`:                    `"\n"`,
	} {
		v, err := ParseLiteral(text)
		if got := string(AppendPython(nil, v, 0)); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`'''a`, `'''a''`, "'a\nb'", `"""`} {
		if v, err := ParseLiteral(text); err == nil {
			t.Errorf("%s: %v", text, v)
		}
	}
}
