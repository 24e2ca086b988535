package cpu

import (
	"fmt"
	"math"
	"math/bits"
	"testing"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// noise is a fixed sequence of numbers in (-1, 1).
type noise uint64

func (r *noise) next() float32 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return float32(int32(bits.RotateLeft64(uint64(*r), 23))) / (1 << 31)
}

func (r *noise) slice(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.next()
	}
	return x
}

func tensorOf(be tensor.Device, x []float32, shape ...int) tensor.Tensor {
	t := tensor.MustNew(be, tensor.F32, shape...)
	t.SetFloat32s(x)
	return t
}

// eachLevel runs f for every instruction set of this machine.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	was := simd.Active()
	defer simd.Set(was)
	for _, l := range simd.Levels() {
		simd.Set(l)
		t.Run(l.String(), f)
	}
}

// transposed returns x [rows cols] as [cols rows].
func transposed(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

// dotBound returns the exact-enough Σ a·b and the bound on the error of any
// order of summation in float32: γ_k·Σ|a||b|, with k+2 roundings.
func dotBound(a, b []float32, start float64) (sum, bound float64) {
	sum, abs := start, math.Abs(start)
	for p, v := range a {
		sum += float64(v) * float64(b[p])
		abs += math.Abs(float64(v) * float64(b[p]))
	}
	ku := float64(len(a)+2) * 0x1p-24
	return sum, ku/(1-ku)*abs + 1e-38
}

type matMulCase struct {
	m, n, k        int
	transA, transB bool
	add, bias      bool
}

func (c matMulCase) String() string {
	return fmt.Sprintf("%dx%dx%d transA=%v transB=%v add=%v bias=%v", c.m, c.n, c.k, c.transA, c.transB, c.add, c.bias)
}

// operands returns op(A) [M K], op(B)ᵀ [N K], the bias and C's contents.
func (c matMulCase) operands() (a, bt, bias, into []float32) {
	r := noise(c.m*1000003 + c.n*1009 + c.k)
	return r.slice(c.m * c.k), r.slice(c.n * c.k), r.slice(c.n), r.slice(c.m * c.n)
}

func (c matMulCase) run(be *Backend, a, bt, bias, into []float32) []float32 {
	args := kernels.MatMulArgs{TransA: c.transA, TransB: c.transB, Accumulate: c.add}
	args.C = tensorOf(be, into, c.m, c.n)
	if c.transA {
		args.A = tensorOf(be, transposed(a, c.m, c.k), c.k, c.m)
	} else {
		args.A = tensorOf(be, a, c.m, c.k)
	}
	if c.transB {
		args.B = tensorOf(be, bt, c.n, c.k)
	} else {
		args.B = tensorOf(be, transposed(bt, c.n, c.k), c.k, c.n)
	}
	if c.bias {
		args.Bias = tensorOf(be, bias, c.n)
	}
	be.MatMul(args)
	return args.C.Float32s()
}

func (c matMulCase) check(t *testing.T, be *Backend) {
	t.Helper()
	a, bt, bias, into := c.operands()
	got := c.run(be, a, bt, bias, into)
	for i := range c.m {
		for j := range c.n {
			start := 0.0
			if c.add {
				start = float64(into[i*c.n+j])
			} else if c.bias {
				start = float64(bias[j])
			}
			want, bound := dotBound(a[i*c.k:][:c.k], bt[j*c.k:][:c.k], start)
			if g := float64(got[i*c.n+j]); !(math.Abs(g-want) <= bound) {
				t.Fatalf("%v: C[%d %d] = %v, want %v ± %.2g", c, i, j, g, want, bound)
			}
		}
	}
}

func TestMatMulIsWithinTheBoundOfSummation(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		for _, m := range []int{1, 2, 5, 6, 7, 13, 64} {
			for _, n := range []int{1, 3, 15, 16, 17, 40, 65} {
				for _, k := range []int{1, 7, 8, 33, 64} {
					for bit := range 16 {
						c := matMulCase{m, n, k, bit&1 != 0, bit&2 != 0, bit&4 != 0, bit&8 != 0}
						if c.add && c.bias {
							continue
						}
						c.check(t, be)
					}
				}
			}
		}
	})
}

func TestMatMulBeyondEveryBlock(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		tile := simd.GemmTile()
		for bit := range 4 {
			matMulCase{m: maxTileRows + 7, n: tileWidths[0] + 19, k: tile.KC + 11, transA: bit&1 != 0, transB: bit&2 != 0, bias: true}.check(t, be)
		}
		// More rows, inner indices and columns than are packed at once.
		matMulCase{m: maxPackedA/passDepth + 5, n: 3, k: passDepth + 5, transB: true}.check(t, be)
	})
}

func TestMatMulOfNothing(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	for _, c := range []matMulCase{{m: 0, n: 4, k: 4}, {m: 4, n: 0, k: 4}, {m: 3, n: 5, k: 0}, {m: 3, n: 5, k: 0, bias: true}, {m: 3, n: 5, k: 0, add: true}} {
		c.check(t, be)
	}
}
