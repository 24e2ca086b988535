package lens

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestHashIsTheLibrarys holds text and hash against numpy and the tuned-lens library; see
// testdata/gen_hash.py.
func TestHashIsTheLibrarys(t *testing.T) {
	data, err := os.ReadFile("testdata/hash.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Rows, Cols int
		Bits       []uint32
		Text, Hash string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 19 {
		t.Fatalf("%d cases", len(cases))
	}
	for i, c := range cases {
		at := func(row, col int) float32 { return math.Float32frombits(c.Bits[row*c.Cols+col]) }
		if got := printed(c.Rows, c.Cols, at); got != c.Text {
			t.Errorf("case %d, %d x %d: printed as\n%q, want\n%q", i, c.Rows, c.Cols, got, c.Text)
		}
		if got := Hash(c.Rows, c.Cols, at); got != c.Hash {
			t.Errorf("case %d: hash %s, want %s", i, got, c.Hash)
		}
	}
}
