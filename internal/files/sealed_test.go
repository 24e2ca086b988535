package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSealedFilesTellOfEveryBit: each one that is flipped is an error that names the file.
func TestSealedFilesTellOfEveryBit(t *testing.T) {
	type result struct {
		Loss  float64 `json:"loss"`
		Steps []int   `json:"steps"`
		Name  string  `json:"name,omitempty"`
	}
	want := result{0.125, []int{1, 20}, "a"}
	path := filepath.Join(t.TempDir(), "r.json")
	if err := WriteSealed(path, want); err != nil {
		t.Fatal(err)
	}
	var got result
	if err := ReadSealed(path, Small, &got); err != nil || got.Loss != want.Loss || len(got.Steps) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(sealed) {
		flipped := append([]byte(nil), sealed...)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, flipped, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := ReadSealed(path, Small, new(result)); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("bit %d of %q: %v", bit, flipped, err)
		}
	}
	if err := WriteJSON(path, want); err != nil { // as it was written before there were seals
		t.Fatal(err)
	}
	got = result{}
	if err := ReadSealed(path, Small, &got); err != nil || got.Name != "a" {
		t.Errorf("without a seal: %+v, %v", got, err)
	}
}
