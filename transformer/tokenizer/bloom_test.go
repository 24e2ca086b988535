package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// TestBLOOMPatternCutsAsOniguruma compares with testdata/bloom.json (gen_bloom.py).
func TestBLOOMPatternCutsAsOniguruma(t *testing.T) {
	data, err := os.ReadFile("testdata/bloom.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Pattern string `json:"pattern"`
		Cuts    [][2]json.RawMessage
	}
	if err := json.Unmarshal(data, &golden); err != nil || golden.Pattern != patternBLOOM {
		t.Fatal(golden.Pattern, err)
	}
	root, err := parseJSON(fmt.Appendf(nil, `{"type":"Split","pattern":{"Regex":%s},"behavior":"Isolated","invert":false}`, jsonString(patternBLOOM)))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := parseSplit(field{root, "$"})
	if err != nil {
		t.Fatal(err)
	}
	if len(golden.Cuts) < 150 {
		t.Fatalf("%d texts", len(golden.Cuts))
	}
	for _, c := range golden.Cuts {
		var text string
		var want, got []string
		if err := json.Unmarshal(c[0], &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c[1], &want); err != nil {
			t.Fatal(err)
		}
		cut(piece{text, true}, func(p piece) { got = append(got, p.text) })
		if text != "" && !slices.Equal(got, want) {
			t.Errorf("%q is cut into %q, want %q", text, got, want)
		}
	}
}
