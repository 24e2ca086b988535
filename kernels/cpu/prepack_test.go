package cpu

import (
	"math"
	"slices"
	"sync"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// prepackCase is a product by a weight [n k], or [k n] without trans.
type prepackCase struct {
	be      *Backend
	m, n, k int
	trans   bool
}

func (c prepackCase) run(w tensor.Tensor) []float32 {
	r := noise(c.k)
	y := tensor.MustNew(c.be, tensor.F32, c.m, c.n)
	kernels.MatMul(c.be, kernels.MatMulArgs{C: y, A: tensorOf(c.be, r.slice(c.m*c.k), c.m, c.k), B: w, TransB: c.trans})
	return y.Float32s()
}

// weight returns a weight of the product in a storage type.
func (c prepackCase) weight(d tensor.DType) tensor.Tensor {
	r, rows, cols := noise(c.n), c.k, c.n
	if c.trans {
		rows, cols = cols, rows
	}
	raw := make([]byte, d.Bytes(rows*cols))
	tensor.EncodeF32(raw, r.slice(rows*cols), d)
	return tensor.MustWrap(c.be, d, raw, rows, cols)
}

// TestPrepackedWeights: what is kept packed gives the bits of what is packed by each call, of
// every storage type and both ways around, whichever columns a tile has, and is what the second
// call reads: it does not see that the weight was overwritten.
func TestPrepackedWeights(t *testing.T) {
	for _, p := range roundedPrecisions() {
		each := New(Options{Threads: 1, Precision: p, TilesInGo: true})
		defer each.Close()
		kept := New(Options{Threads: 3, Precision: p, TilesInGo: true, SplitAll: true, Prepack: 1 << 24})
		defer kept.Close()
		types := []tensor.DType{tensor.F32, tensor.BF16, tensor.F16, tensor.Q8_0, tensor.Q4_K}
		if testing.Short() {
			types = types[:1]
		}
		for _, d := range types {
			for _, trans := range []bool{false, true} {
				c := prepackCase{each, 1, 512, 768, trans}
				w := c.weight(d)
				want := c.run(w)
				c.be = kept
				fixed := w.Fix()
				for range 2 {
					if got := c.run(fixed); !slices.Equal(got, want) {
						t.Errorf("%v, %v, transposed %v: other bits", p, d, trans)
					}
					clear(tensor.HostBytes(w))
				}
				words := each.format().parts() * tiledWords(c.n, c.k)
				if got := kept.Prepacked(); got != 4*words {
					t.Errorf("%v, %v: %d bytes are kept, want %d", p, d, got, 4*words)
				}
				fixed.Free()
				if got := kept.Prepacked(); got != 0 {
					t.Errorf("%v, %v: %d bytes are kept of a weight that is gone", p, d, got)
				}
			}
		}
	}
}

// TestPrepackedByTheFirst: several goroutines meet a weight at once, among several weights of
// one product, and each has the bits of a call alone. A closed backend keeps none.
func TestPrepackedByTheFirst(t *testing.T) {
	be := New(Options{Threads: 2, Precision: kernels.PrecisionBF16x3, TilesInGo: true, SplitAll: true, Prepack: 1 << 24})
	c := prepackCase{be, 5, 48, 160, true}
	a, b := c.weight(tensor.F32), c.weight(tensor.BF16)
	want := [][]float32{c.run(a), c.run(b)}
	a, b = a.Fix(), b.Fix()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r := noise(c.k)
			x := tensorOf(be, r.slice(c.m*c.k), c.m, c.k)
			ys := []tensor.Tensor{tensor.MustNew(be, tensor.F32, c.m, c.n), tensor.MustNew(be, tensor.F32, c.m, c.n)}
			kernels.MatMuls(be, []kernels.MatMulArgs{{C: ys[0], A: x, B: a, TransB: true}, {C: ys[1], A: x, B: b, TransB: true}})
			for i, y := range ys {
				if !slices.Equal(y.Float32s(), want[i]) {
					t.Errorf("weight %d: other bits", i)
				}
			}
		})
	}
	all.Wait()
	if got, want := be.Prepacked(), 2*2*4*tiledWords(c.n, c.k); got != want {
		t.Errorf("%d bytes are kept, want %d", got, want)
	}
	be.Close()
	if got := be.Prepacked(); got != 0 {
		t.Errorf("%d bytes are kept by a closed backend", got)
	}
	a.Free() // after its forms
}

// TestWeightsThatAreNotKept: one beyond the bound, one with an infinity, one that may change.
func TestWeightsThatAreNotKept(t *testing.T) {
	for _, p := range []kernels.Precision{kernels.PrecisionBF16x3, kernels.PrecisionBF16x6} {
		c := prepackCase{nil, 2, 40, 300, true}
		for _, one := range []struct {
			name    string
			prepack int
			change  func(w tensor.Tensor) tensor.Tensor
		}{
			{"beyond the bound", 4*tiledWords(c.n, c.k) - 1, tensor.Tensor.Fix},
			{"infinite", 1 << 24, func(w tensor.Tensor) tensor.Tensor {
				tensor.HostFloats[float32](w)[77] = float32(math.Inf(1))
				return w.Fix()
			}},
			{"not fixed", 1 << 24, func(w tensor.Tensor) tensor.Tensor { return w }},
		} {
			c.be = New(Options{Threads: 2, Precision: p, TilesInGo: true, Prepack: one.prepack})
			defer c.be.Close()
			w := one.change(c.weight(tensor.F32))
			each := c
			each.be = New(Options{Threads: 2, Precision: p, TilesInGo: true})
			defer each.be.Close()
			want := each.run(w)
			for range 2 {
				got := c.run(w)
				if !slices.EqualFunc(got, want, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }) {
					t.Errorf("%s: other bits", one.name)
				}
			}
			if got := c.be.Prepacked(); got != 0 {
				t.Errorf("%s: %d bytes are kept", one.name, got)
			}
		}
	}
}
