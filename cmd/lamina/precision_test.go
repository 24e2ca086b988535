package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrecision computes logits in both arithmetics: those in BF16 differ, by what
// a rounding to 8 bits of every product's operands amounts to, and every result
// says how it was made.
func TestPrecision(t *testing.T) {
	dir, model := t.TempDir(), golden("opt-prenorm")
	tokens := write(t, dir, "tokens.json", "[[2, 5, 9, 40, 7, 11, 3, 66]]")
	logits := func(precision string) []float32 {
		out := filepath.Join(dir, precision+".json")
		must(t, "logits", "--model", model, "--tokens", tokens, "--precision", precision, "--json", out)
		var all []float32
		for _, row := range read[[][][]float32](t, out)[0] {
			all = append(all, row...)
		}
		return all
	}
	exact := logits("f32")
	for _, c := range []struct {
		precision   string
		least, most float64
	}{{"bf16", 0x1p-12, 0x1p-6}, {"medium", 0x1p-12, 0x1p-6}, {"bf16x3", 0x1p-26, 0x1p-13}, {"bf16x6", 0, 0x1p-19}, {"highest", 0, 0}} {
		var off, size float64
		rounded := logits(c.precision)
		for i, v := range exact {
			off += math.Pow(float64(v-rounded[i]), 2)
			size += math.Pow(float64(v), 2)
		}
		if r := math.Sqrt(off / size); !(r >= c.least && r <= c.most) {
			t.Errorf("logits in %s are off by %.2g of their size, want %.2g to %.2g", c.precision, r, c.least, c.most)
		}
	}
	if _, _, stderr := lamina(t, "logits", "--model", model, "--tokens", tokens, "--precision", "q8"); !strings.Contains(stderr, "--precision q8") || !strings.Contains(stderr, "all products are f32") {
		t.Errorf("q8 without weights in blocks says %q", stderr)
	}
	for _, quiet := range []string{"auto", "off"} {
		if _, _, stderr := lamina(t, "doctor", "--prepack", quiet); stderr != "" {
			t.Errorf("--prepack %s says %q", quiet, stderr)
		}
	}
	if _, _, stderr := lamina(t, "doctor", "--prepack", "1MiB"); !strings.Contains(stderr, "--prepack 1MiB keeps nothing: products in f32") {
		t.Errorf("memory for packed weights that nothing uses: %q", stderr)
	}
	text := must(t, "doctor", "--precision", "bf16")
	if !strings.Contains(text, "+bf16") || !strings.Contains(text, "--precision bf16") {
		t.Errorf("doctor says %s", text)
	}
}
