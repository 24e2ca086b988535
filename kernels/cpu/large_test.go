package cpu

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// largeCase is a call whose operands are cut into several chunks, with odd rests:
// the conformance suite stays below one chunk. terms is how many products one
// element sums.
type largeCase struct {
	name  string
	terms int
	run   func(be kernels.Backend, m maker) tensor.Tensor
}

// maker makes the same operands on any backend.
type maker struct {
	be   kernels.Backend
	seed *uint64
}

func (m maker) values(shape ...int) tensor.Tensor {
	t := tensor.MustNew(m.be, tensor.F32, shape...)
	*m.seed++
	n := noise(*m.seed)
	t.SetFloat32s(n.slice(t.Len()))
	return t
}

func (m maker) empty(shape ...int) tensor.Tensor { return tensor.MustNew(m.be, tensor.F32, shape...) }

func (m maker) ids(n, limit int) tensor.Tensor {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i * 7919 % limit)
	}
	return tensor.MustFromInts(m.be, ids, n)
}

const (
	largeRows = 331 // six partial sums of rows, and a rest
	largeCols = 333 // rows of a chunk: 49, and a rest
	largeWide = 5003
)

func largeCases() []largeCase {
	const r, c, w = largeRows, largeCols, largeWide
	one := func(name string, terms int, f func(be kernels.Backend, m maker, y tensor.Tensor), shape ...int) largeCase {
		return largeCase{name, terms, func(be kernels.Backend, m maker) tensor.Tensor {
			y := m.empty(shape...)
			f(be, m, y)
			return y
		}}
	}
	type (
		be = kernels.Backend
		T  = tensor.Tensor
	)
	return []largeCase{
		one("Unary", 1, func(b be, m maker, y T) { kernels.Unary(b, kernels.SiLU, y, m.values(r, c)) }, r, c),
		one("UnaryBackward", 1, func(b be, m maker, y T) { kernels.UnaryBackward(b, kernels.Exp, y, m.values(r, c), m.values(r, c)) }, r, c),
		one("Gated", 1, func(b be, m maker, y T) { kernels.Gated(b, kernels.GELU, y, m.values(r, c), m.values(r, c)) }, r, c),
		one("BinaryRow", 1, func(b be, m maker, y T) { kernels.Binary(b, kernels.Sub, y, m.values(r, c), m.values(c)) }, r, c),
		one("BinaryColumn", 1, func(b be, m maker, y T) { kernels.Binary(b, kernels.Div, y, m.values(r, 1), m.values(r, c)) }, r, c),
		one("BinaryMiddle", 1, func(b be, m maker, y T) { kernels.Binary(b, kernels.Mul, y, m.values(9, 1, c), m.values(9, 37, 1)) }, 9, 37, c),
		one("AddScaled", 1, func(b be, m maker, y T) { kernels.AddScaled(b, y, m.values(r, c), 0.3) }, r, c),
		one("Fill", 1, func(b be, m maker, y T) { kernels.Fill(b, y, 1.5) }, r, c),
		one("ReduceAll", r*c, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Sum, y, m.values(r, c)) }, 1),
		one("ReduceRows", c, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Sum, y, m.values(r, c)) }, r, 1),
		one("ReduceColumns", r, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Sum, y, m.values(r, c)) }, 1, c),
		one("ReduceManyRows", 9001, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Sum, y, m.values(9001, 3)) }, 1, 3),
		one("ReduceMiddle", r, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Sum, y, m.values(3, r, 40)) }, 3, 1, 40),
		one("ReduceNested", 3*40, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Sum, y, m.values(3, r, 40)) }, 1, r, 1),
		one("MaxAll", 1, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Max, y, m.values(r, c)) }, 1),
		one("MaxColumns", 1, func(b be, m maker, y T) { kernels.Reduce(b, kernels.Max, y, m.values(r, c)) }, 1, c),
		one("Transpose", 1, func(b be, m maker, y T) { kernels.Transpose(b, y, m.values(r, c), 1, 0) }, c, r),
		one("TransposeEven", 1, func(b be, m maker, y T) { kernels.Transpose(b, y, m.values(512, 192), 1, 0) }, 192, 512),
		one("TransposeHeads", 1, func(b be, m maker, y T) { kernels.Transpose(b, y, m.values(3, 70, 5, 24), 0, 2, 1, 3) }, 3, 5, 70, 24),
		one("TransposeOuter", 1, func(b be, m maker, y T) { kernels.Transpose(b, y, m.values(3, 70, 5, 24), 3, 1, 0, 2) }, 24, 70, 3, 5),
		one("CopyAxis", 1, func(b be, m maker, y T) { kernels.CopyAxis(b, y, m.values(3, w, 7), 1, 1, 2, w-3, false) }, 3, w, 7),
		one("CopyAxisAdd", 1, func(b be, m maker, y T) { kernels.CopyAxis(b, y, m.values(r, c), 1, 5, 0, c-7, true) }, r, c),
		one("Gather", 1, func(b be, m maker, y T) { kernels.Gather(b, y, m.values(97, c), m.ids(r, 97)) }, r, c),
		one("ScatterAdd", r, func(b be, m maker, y T) { kernels.ScatterAdd(b, y, m.ids(r, 97), m.values(r, c)) }, 97, c),
		one("Softmax", w, func(b be, m maker, y T) { kernels.Softmax(b, y, m.values(21, w)) }, 21, w),
		one("SoftmaxBackward", w, func(b be, m maker, y T) { kernels.SoftmaxBackward(b, y, m.values(21, w), m.values(21, w)) }, 21, w),
		one("CrossEntropy", w, func(b be, m maker, y T) {
			kernels.CrossEntropy(b, y, m.empty(21), m.values(21, w), m.ids(21, w))
		}, 21),
		one("LayerNorm", c, func(b be, m maker, y T) {
			kernels.LayerNorm(b, kernels.NormArgs{Y: y, X: m.values(r, c), Gain: m.values(c), Bias: m.values(c), Eps: 1e-5})
		}, r, c),
		one("LayerNormBackward", r, normGradient(func(g *kernels.NormGrads, y T) { g.DGain = y }), c),
		one("LayerNormBackwardX", c, normGradient(func(g *kernels.NormGrads, y T) { g.DX = y }), r, c),
		one("RoPE", 2, func(b be, m maker, y T) {
			kernels.RoPE(b, kernels.RoPEArgs{Y: y, X: m.values(r, 9*38), Cos: m.values(r, 17), Sin: m.values(r, 17), HeadDim: 38})
		}, r, 9*38),
		one("AdamW", 4, func(b be, m maker, y T) {
			grad, mean, square := m.values(r, c), m.values(r, c), m.empty(r, c)
			kernels.AdamW(b, kernels.AdamWArgs{W: y, Grad: grad, M: mean, V: square, LR: 0.1, Beta1: 0.9, Beta2: 0.99, Eps: 1e-3, Step: 3})
		}, r, c),
		one("Dropout", 1, func(b be, m maker, y T) {
			kernels.Dropout(b, kernels.DropoutArgs{Y: y, X: m.values(r, c), Rows: m.ids(2*r, 1000).Reshape(r, 2), P: 0.3, Seed: 5})
		}, r, c),
	}
}

func normGradient(set func(g *kernels.NormGrads, y tensor.Tensor)) func(kernels.Backend, maker, tensor.Tensor) {
	return func(be kernels.Backend, m maker, y tensor.Tensor) {
		g := kernels.NormGrads{
			DY: m.values(largeRows, largeCols), X: m.values(largeRows, largeCols), Gain: m.values(largeCols),
			Mean: m.values(largeRows), Rstd: m.values(largeRows),
		}
		set(&g, y)
		kernels.LayerNormBackward(be, g)
	}
}

func TestCallsOfManyChunks(t *testing.T) {
	defer simd.Set(simd.Active())
	for _, l := range simd.Levels() {
		simd.Set(l)
		t.Run("level="+l.String(), func(t *testing.T) {
			backends := crowd(t)
			for _, c := range largeCases() {
				seed := uint64(1)
				want := c.run(ref.New(), maker{ref.New(), &seed}).Floats()
				var first []float64
				for _, be := range backends {
					seed := uint64(1)
					got := c.run(be, maker{be, &seed}).Floats()
					if first == nil {
						first = got
						compareLarge(t, c, got, want)
						continue
					}
					for i := range got {
						if got[i] != first[i] {
							t.Fatalf("%s: [%d] = %v with %d threads, want the bits of %v", c.name, i, got[i], be.(*Backend).Threads(), first[i])
						}
					}
				}
			}
		})
	}
}

// compareLarge allows a random walk of one rounding a term, of the size of the
// largest result.
func compareLarge(t *testing.T, c largeCase, got, want []float64) {
	t.Helper()
	size := 1.0
	for _, v := range want {
		size = max(size, math.Abs(v))
	}
	limit := (16 + 2*math.Sqrt(float64(c.terms))) * 0x1p-24 * size
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= limit) {
			t.Fatalf("%s: [%d] = %v, want %v: off by %.3g, allowed %.3g", c.name, i, got[i], v, got[i]-v, limit)
		}
	}
}
