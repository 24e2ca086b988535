package record

import (
	"fmt"
	"strings"
	"testing"
)

// What Python writes and reads stands in fields that nobody uses, and refuses nothing.
// The forms are those of json.dumps(json.loads(x), ensure_ascii=False).
func TestUnusedFieldsRefuseNothing(t *testing.T) {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for value, want := range map[string]string{
		`NaN`:                        `NaN`,
		`[Infinity, -Infinity, NaN]`: `[Infinity, -Infinity, NaN]`,
		`{"a":{"b":[1,NaN]}}`:        `{"a": {"b": [1, NaN]}}`,
		`1e400`:                      `Infinity`,
		`-1E+99999`:                  `-Infinity`,
		strings.Repeat("9", 10_000):  strings.Repeat("9", 10_000),
		`"\ud800 \" x"`:              `"\ud800 \" x"`,
		deep:                         deep,
		strings.Repeat(`{"a":`, 500) + `[{"b":"]"},"x\\",[]]` + strings.Repeat("}", 500): "",
		members(5000): "",
	} {
		for _, text := range []string{
			`{"text":"a","unused":` + value + `}`, `[{"unused":` + value + `,"text":"a"}]`, `{"unused":[{"x":` + value + `}],"text":"a"}`,
		} {
			r := one(t, text)
			if a, err := r.Text("text"); a != "a" || err != nil {
				t.Errorf("%.60s: %q, %v", text, a, err)
			}
			v, _ := r.Fields.Get("unused")
			if list, is := v.(List); is && len(list) == 1 {
				continue
			}
			if got := string(AppendPython(nil, v, 0)); want != "" && got != want && len(value) < 200_000 {
				t.Errorf("%.60s: %.60s, want %.60s", text, got, want)
			}
		}
	}
}

// Who uses such a field is told.
func TestUsedOnesAreNamed(t *testing.T) {
	r := one(t, `{"deep":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`,"half":"\ud800","list":["a","\udc00"],"in":{"half":"\ud800"},"nan":NaN}`)
	for path, want := range map[string]string{
		"deep":    `field "deep": item 0 is a list, want a text`,
		"half":    `field "half": column 158: half a surrogate pair: \ud800`,
		"list":    `field "list": item 1: column 179: half a surrogate pair: \udc00`,
		"in.half": `field "in.half": column 202: half a surrogate pair: \ud800`,
		"half.x":  `field "half.x": column 158: half a surrogate pair: \ud800`,
		"nan":     `field "nan": a number, want a list of texts`,
	} {
		if _, err := r.Texts(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if path != "half.x" && !r.Has(path) {
			t.Errorf("%s is said to be missing", path)
		}
	}
}

// Nothing that is no JSON passes for it.
func TestUnusedFieldsAreStillJSON(t *testing.T) {
	deep := strings.Repeat("[", 70)
	for _, value := range []string{
		`Nan`, `nan`, `-NaN`, `+Infinity`, `Infinit`, `-Inf`, `Infinity1`, `"\ud800`, `"\ud800\x"`, "\"\\ud800\t\"", `01`,
		deep, deep + strings.Repeat("]", 69), deep + `,` + strings.Repeat("]", 70), deep + `1 2` + strings.Repeat("]", 70), deep + `{"a"}` + strings.Repeat("]", 70),
		deep + `{1:2}` + strings.Repeat("]", 70), deep + `{"a":1,}` + strings.Repeat("]", 70), deep + "}" + strings.Repeat("]", 70),
	} {
		for _, err := range Scan(strings.NewReader(`{"text":"a","unused":`+value+`}`), "f.jsonl") {
			if err == nil || !strings.HasPrefix(err.Error(), "f.jsonl:1: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v", value, err)
			}
		}
	}
}

// members returns an object of n members.
func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `%c"m%d":%d`, "{,"[min(i, 1)], i, i)
	}
	return b.String() + "}"
}
