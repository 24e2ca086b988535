package cpu

import (
	"math"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

// TestConformanceOfTilesInGo goes through what packs and cuts products for AMX on any
// machine, with the twin of its instruction, for some cases: it is slow.
func TestConformanceOfTilesInGo(t *testing.T) {
	for _, p := range roundedPrecisions() {
		t.Run(p.String(), func(t *testing.T) {
			be, other := New(Options{Threads: 2, Precision: p, TilesInGo: true}), New(Options{Threads: 5, Precision: p, TilesInGo: true, SplitAll: true})
			defer be.Close()
			defer other.Close()
			kerneltest.RunProducts(t, be, p, kerneltest.Options{Same: []kernels.Backend{other}, Only: []string{"MatMul", "MatMulEpilogue", "MatMuls"}, Every: 397, Thin: 3})
		})
	}
}

// rmsError returns the root mean square of a product's errors, with operands above 0, so that
// sums only grow, relative to the sums.
func rmsError(be *Backend, m, n, k int, accumulate bool) float64 {
	r := noise(k)
	a, b := r.slice(m*k), r.slice(n*k)
	for _, x := range [][]float32{a, b} {
		for i, v := range x {
			x[i] = 0.5 + v/4
		}
	}
	c := tensor.MustNew(be, tensor.F32, m, n)
	be.MatMul(kernels.MatMulArgs{C: c, A: tensorOf(be, a, m, k), B: tensorOf(be, b, n, k), TransB: true, Accumulate: accumulate})
	sum := 0.0
	for i := range m {
		for j := range n {
			exact := 0.0
			for p := range k {
				exact += float64(a[i*k+p]) * float64(b[j*k+p])
			}
			e := float64(c.Float32s()[i*n+j])/exact - 1
			sum += e * e
		}
	}
	return math.Sqrt(sum / float64(m*n))
}

// TestLongSumsInSixProducts: bf16x6 is as good as F32 in sums of many terms too, where each
// of six times as many additions would round to the last place of a number that has grown.
func TestLongSumsInSixProducts(t *testing.T) {
	be, exact := New(Options{Threads: 2, Precision: kernels.PrecisionBF16x6, TilesInGo: true}), New(Options{Threads: 2})
	defer be.Close()
	defer exact.Close()
	for _, accumulate := range []bool{false, true} {
		for _, k := range []int{1536, 4096} {
			got, f32 := rmsError(be, 11, 13, k, accumulate), rmsError(exact, 11, 13, k, accumulate)
			t.Logf("k=%d: %.2g, F32 %.2g, in units of 2^-24", k, got*(1<<24), f32*(1<<24))
			if got > f32 {
				t.Errorf("k=%d, accumulate %v: error %.3g, F32's is %.3g", k, accumulate, got, f32)
			}
		}
	}
}

// TestStretchesHaveTheSameBits: whatever is C's place and company, in long sums too, which are made of stretches.
func TestStretchesHaveTheSameBits(t *testing.T) {
	const n, k = 40, 700
	for _, p := range roundedPrecisions() {
		one, many := New(Options{Threads: 1, Precision: p, TilesInGo: true}), New(Options{Threads: 4, Precision: p, TilesInGo: true, SplitAll: true})
		defer one.Close()
		defer many.Close()
		r := noise(k)
		a, b, bias, residual := r.slice(30*k), r.slice(n*k), r.slice(n), r.slice(30*n)
		product := func(be *Backend, m int) []float32 {
			c := tensor.MustNew(be, tensor.F32, m, n)
			be.MatMul(kernels.MatMulArgs{
				C: c, A: tensorOf(be, a[:m*k], m, k), B: tensorOf(be, b, n, k), TransB: true,
				Bias: tensorOf(be, bias, n), Func: kernels.SiLU, Residual: tensorOf(be, residual[:m*n], m, n),
			})
			return c.Float32s()
		}
		want := product(one, 30)
		if got := product(many, 30); !slices.Equal(got, want) {
			t.Errorf("%v: other bits by four workers", p)
		}
		if got := product(many, 7); !slices.Equal(got, want[:7*n]) {
			t.Errorf("%v: other bits of seven rows alone", p)
		}
	}
}
