package emulate_test

import (
	"math"
	"slices"
	"testing"

	"lamina/crash/compress"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
)

// TestRoundedWeightsAreNear: half a step of their group away at most; of fewer bits further
// on the whole.
func TestRoundedWeightsAreNear(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		before := math.Inf(1)
		for bits := 2; bits <= 8; bits++ {
			e, _ := fitted(t, be, full, "0* 2:int"+string(rune('0'+bits))+" 5*", nil, emulate.FitOptions{})
			square := 0.0
			for _, l := range layersAt(e, full, texts(1), 1) {
				w, _, in := weight(l.full)
				made, _, _ := weight(l.made)
				for row := 0; row < len(w); row += in {
					for from := row; from < row+in; from += compress.Group {
						group := w[from:min(row+in, from+compress.Group)]
						most := 0.0
						for _, v := range group {
							most = max(most, math.Abs(v))
						}
						step := most / float64(int(1)<<(bits-1)-1)
						for i, v := range group {
							d := math.Abs(v - made[from+i])
							if square += d * d; !(d <= step/2*(1+1e-6)) {
								t.Fatalf("%s, %d bits: %s: %v became %v, steps are %v", family, bits, l.name, v, made[from+i], step)
							}
						}
					}
				}
			}
			if !(square < before) {
				t.Errorf("%s: %d bits are no nearer than fewer", family, bits)
			}
			before = square
		}
	}
}

// TestBlocksAreThoseOfTheType: the weights that stand there are what GGUF's blocks say of
// the model's, along the rows that a layer has in memory, and of that type.
func TestBlocksAreThoseOfTheType(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		for word, c := range map[string]struct {
			d     tensor.DType
			width int
		}{"q8_0": {tensor.Q8_0, 32}, "q4_0": {tensor.Q4_0, 32}, "q4_k": {tensor.Q4_K, 256}} {
			_, full := crashtest.Made(t, be, family, c.width)
			e, _ := fitted(t, be, full, "0* 2:"+word+" 5*", nil, emulate.FitOptions{})
			for _, l := range layersAt(e, full, texts(1), 1) {
				w, made := l.full.Weight.Value, l.made.(*nn.Linear).Weight.Value
				blocks, err := tensor.EncodeRows(w.Float32s(), w.Cols(), c.d)
				if err != nil {
					t.Fatal(err)
				}
				if made.DType() != c.d || !made.SameShape(w) || !slices.Equal(made.Raw(), blocks) {
					t.Errorf("%s, %s: %s has other blocks", family, word, l.name)
				}
			}
		}
	}
}

// TestWhatStaysKeepsItsType: weights that a transform leaves as they were, some of them or
// all but zeros, are stored as the model's 16-bit ones were; of blocks, and where something
// was computed, they are F32.
func TestWhatStaysKeepsItsType(t *testing.T) {
	be := ref.New()
	_, full := crashtest.Made(t, be, "llama", 32)
	store := func(d tensor.DType) {
		for _, field := range nn.ProjectionsOf(full.Blocks[2]) {
			w := (*field).(*nn.Linear).Weight
			values := w.Value.Float32s()
			blocks, err := tensor.EncodeRows(values, w.Value.Cols(), d)
			if err != nil {
				t.Fatal(err)
			}
			w.Value = tensor.Must(tensor.Wrap(be, d, blocks, w.Value.Shape()...))
		}
	}
	for _, d := range []tensor.DType{tensor.BF16, tensor.F16, tensor.Q8_0} {
		store(d)
		for word, want := range map[string]struct{ of16Bits, ofBlocks int }{
			"prune0.5": {0, 7}, "wanda0.5": {0, 7}, "width0.5": {1, 3}, "heads0.5": {1, 4}, "int4": {7, 7}, "asvd0.5": {14, 14},
		} {
			e, _ := fitted(t, be, full, "0* 2:"+word+" 5*", texts(5), emulate.FitOptions{})
			f32 := 0
			for w := range nn.ParamsOf(e.Decoder.Blocks[1]) {
				if w.Value.Rank() != 2 {
					continue
				}
				if w.Value.DType() == tensor.F32 {
					f32++
				} else if w.Value.DType() != d {
					t.Errorf("%v, %s: %s is %v", d, word, w.Name, w.Value.DType())
				}
			}
			if expected := map[bool]int{false: want.of16Bits, true: want.ofBlocks}[d.IsBlock()]; f32 != expected {
				t.Errorf("%v, %s: %d matrices are F32, want %d", d, word, f32, expected)
			}
		}
	}
}
