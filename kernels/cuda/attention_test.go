package cuda_test

import (
	"fmt"
	"math"
	"os"
	"testing"

	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

// With LAMINA_SWEEP=1 all rows of attention; they take minutes.
func TestAttentionConforms(t *testing.T) {
	rows := []string{"RoPE", "AttentionSegments", "AttentionDecode"}
	if os.Getenv("LAMINA_SWEEP") != "" {
		rows = append(rows, "Attention", "AttentionPrefix", "AttentionBackward")
	}
	kerneltest.Run(t, cudatest.Open(t, cudatest.Options{}), kerneltest.Options{Only: rows, Thin: cases.Each(5)})
}

// within fails unless got is within bound of want.
func within(t *testing.T, what string, got, want, bound []float64) {
	t.Helper()
	worst := 0.0
	for i, v := range got {
		off := math.Abs(v - want[i])
		if !(off <= bound[i]+0x1p-126) {
			t.Fatalf("%s[%d] = %v, want %v, off by %.3g, allowed %.3g", what, i, v, want[i], off, bound[i])
		}
		if bound[i] > 0 {
			worst = max(worst, off/bound[i])
		}
	}
	t.Logf("%s: at most %.2g of what is allowed", what, worst)
}

// check holds all of a call to its bounds.
func (c attentionCall) check(t *testing.T, be kernels.Backend, r rounding) {
	t.Helper()
	name := fmt.Sprintf("%d/%d heads of %d", c.heads, c.kvHeads, c.headDim)
	within(t, name+": Out", c.forward(be, tensor.F32, kernels.Attention), c.exact(), c.forwardBound(r))
	for i := range c.segments {
		if c.segments[i].PrefixLen > 0 {
			return
		}
	}
	got, want, bound := c.backward(be, tensor.F32), c.exactBackward(), c.backwardBound(r)
	for i, what := range []string{"dQ", "dK", "dV"} {
		within(t, name+": "+what, got[i], want[i], bound[i])
	}
}

// Beyond kerneltest's geometries: heads wider than any tile, many heads to a key head, more
// slopes than one launch takes, scales of 0 and less.
func TestAttentionGeometries(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	f32 := rounding{}
	newAttentionCall(1, 2, 1, 150, 1, toF32, [2]int{3, 0}, [2]int{20, 0}).check(t, be, f32)
	newAttentionCall(2, 1, 1, 257, 1, toF32, [2]int{2, 70}).sloped().check(t, be, f32)
	newAttentionCall(3, 20, 1, 9, 1, toF32, [2]int{9, 0}, [2]int{1, 0}).sloped().check(t, be, f32)
	newAttentionCall(4, 2, 2, 96, 1, toF32, [2]int{35, 0}).check(t, be, f32)
	newAttentionCall(5, 2, 1, 128, 1, toF32, [2]int{35, 0}).check(t, be, f32)
	for _, scale := range []float64{0, -0.3} {
		c := newAttentionCall(6, 2, 1, 5, 1, toF32, [2]int{17, 0})
		c.scale = scale
		c.check(t, be, f32)
	}
	for _, c := range []attentionCall{
		newAttentionCall(7, 300, 100, 1, 1, toF32, [2]int{1, 130}).sloped(),
		newAttentionCall(8, 20, 1, 40, 1, toF32, [2]int{1, 260}, [2]int{1, 0}),
		newAttentionCall(9, 2, 1, 140, 1, toF32, [2]int{1, 129}),
	} {
		within(t, fmt.Sprintf("decoding, %d/%d heads of %d", c.heads, c.kvHeads, c.headDim),
			c.forward(be, tensor.F32, kernels.AttentionDecode), c.exact(), c.forwardBound(f32))
	}
}

// More segments than one launch takes: each has the bits that it has alone.
func TestAttentionOfManySegments(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	const n, heads, headDim = 150, 2, 4
	segments := make([][2]int, n)
	for i := range segments {
		segments[i] = [2]int{1, i % 3}
	}
	c := newAttentionCall(10, heads, 1, headDim, 1, toF32, segments...)
	for _, op := range []func(kernels.Backend, kernels.AttentionArgs){kernels.Attention, kernels.AttentionDecode} {
		all := c.forward(be, tensor.F32, op)
		for _, i := range []int{0, 63, 64, 127, 128, n - 1} {
			const width = heads * headDim
			one := c
			one.segments = []kernels.Segment{{Len: 1, PrefixLen: c.segments[i].PrefixLen}}
			one.prefixK, one.prefixV = c.prefixK[i:i+1], c.prefixV[i:i+1]
			one.q, one.k, one.v = c.q[i*width:][:width], c.k[i*headDim:][:headDim], c.v[i*headDim:][:headDim]
			for j, v := range one.forward(be, tensor.F32, op) {
				if v != all[i*width+j] {
					t.Fatalf("segment %d[%d]: %v alone, %v in company", i, j, v, all[i*width+j])
				}
			}
		}
	}
}

// With BF16 products attention rounds its operands, probabilities and their slopes to BF16:
// within a bound of 2⁻⁸ on both sides of each product, and closer where the operands are
// BF16 already.
func TestAttentionInBF16(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Precision: kernels.PrecisionBF16})
	any, whole := rounding{unitBF16, unitBF16}, rounding{0, unitBF16}
	for i, dim := range []int{5, 16, 64, 80, 96, 128} {
		seed := uint64(20 + i)
		newAttentionCall(seed, 4, 2, dim, 1, toF32, [2]int{3, 0}, [2]int{37, 0}).check(t, be, any)
		newAttentionCall(seed, 2, 1, dim, 1, toBF16, [2]int{40, 0}, [2]int{70, 0}).sloped().check(t, be, whole)
		newAttentionCall(seed, 3, 1, dim, 1, toBF16, [2]int{25, 70}, [2]int{1, 3}).check(t, be, whole)
	}
	newAttentionCall(30, 1, 1, 130, 1, toF32, [2]int{9, 0}).check(t, be, rounding{}) // F32: no form so wide
}

// The border between prefix and own rows changes no bit, in BF16 either.
func TestAttentionInBF16AfterAPrefix(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Precision: kernels.PrecisionBF16})
	c := newAttentionCall(40, 2, 1, 64, 1, toF32, [2]int{90, 0})
	all := c.forward(be, tensor.F32, kernels.Attention)
	for _, p := range []int{1, 20, 64, 89} {
		part := c
		part.segments = []kernels.Segment{{Len: 90 - p, PrefixLen: p}}
		own, row := p*c.headDim, p*c.heads*c.headDim
		part.q, part.k, part.v = c.q[row:], c.k[own:], c.v[own:]
		part.prefixK, part.prefixV = [][]float64{c.k[:own]}, [][]float64{c.v[:own]}
		for i, v := range part.forward(be, tensor.F32, kernels.Attention) {
			if v != all[row+i] {
				t.Fatalf("split at %d: Out[%d] = %v, want the bits of %v", p, i, v, all[row+i])
			}
		}
	}
}

// A NaN or an infinity reaches what the oracle says it reaches, and no other bit, in BF16
// either: not through the zero weights of a tile.
func TestAttentionInBF16KeepsSickNumbersApart(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Precision: kernels.PrecisionBF16})
	c := newAttentionCall(50, 2, 1, 16, 1, toF32, [2]int{45, 0}, [2]int{9, 0})
	healthy, exact := c.results(be, tensor.F32), [4][]float64{}
	exact[0] = c.exact()
	grads := c.exactBackward()
	copy(exact[1:], grads[:])
	for which, x := range [][]float64{c.q, c.k, c.v, c.dOut} {
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			at := len(x) / 54 * 30
			kept := x[at]
			x[at] = v
			got, want := c.results(be, tensor.F32), [4][]float64{}
			want[0] = c.exact()
			grads := c.exactBackward()
			copy(want[1:], grads[:])
			for o := range got {
				for i := range got[o] {
					switch {
					case want[o][i] == exact[o][i] && got[o][i] != healthy[o][i]:
						t.Fatalf("%v in operand %d: result %d[%d], which it does not reach, changed from %v to %v", v, which, o, i, healthy[o][i], got[o][i])
					case want[o][i] != exact[o][i] && (math.IsNaN(got[o][i]) != math.IsNaN(want[o][i]) || math.IsInf(got[o][i], 0) != math.IsInf(want[o][i], 0)):
						t.Fatalf("%v in operand %d: result %d[%d] = %v, want %v", v, which, o, i, got[o][i], want[o][i])
					}
				}
			}
			x[at] = kept
		}
	}
}

// results returns Out, dQ, dK and dV.
func (c attentionCall) results(be kernels.Backend, d tensor.DType) [4][]float64 {
	g := c.backward(be, d)
	return [4][]float64{c.forward(be, d, kernels.Attention), g[0], g[1], g[2]}
}

// Steps of decoding are one graph across the border of a chunk: parameters and grids change,
// nothing is uploaded, and the bits are those without graphs.
func TestAttentionDecodesInAGraph(t *testing.T) {
	const most = 133
	decode := func(be kernels.Backend) (all []float64) {
		a := newAttentionCall(60, 4, 2, 16, 1, toF32, [2]int{1, most}).sloped().args(be, tensor.F32)
		for n := 124; n < most; n++ {
			a.Segments = []kernels.Segment{{Len: 1, PrefixLen: n}}
			kernels.Step(be, "decode", func() { kernels.AttentionDecode(be, a) })
			all = append(all, a.Out.Floats()...)
		}
		return all
	}
	want := decode(cudatest.Open(t, cudatest.Options{Eager: true}))
	be := cudatest.Open(t, cudatest.Options{})
	for i, v := range decode(be) {
		if v != want[i] {
			t.Fatalf("number %d is %v, without graphs %v", i, v, want[i])
		}
	}
	if made, launched := be.Count("cuGraphInstantiateWithFlags"), be.Count("cuGraphLaunch"); made != 1 || launched < 7 {
		t.Errorf("%d graphs made and %d launched in 9 steps", made, launched)
	}
}
