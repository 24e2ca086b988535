package kerneltest

import (
	"math"
	"sync"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

var productRows = []row{
	{"MatMul", (*suite).matMul},
	{"MatMulLarge", (*suite).matMulLarge},
	{"MatMulEpilogue", (*suite).matMulEpilogue},
	{"MatMuls", (*suite).matMuls},
	{"MatVec", (*suite).matVec},
	{"MatVecs", (*suite).matVecs},
}

// storageTypes are the types a weight may have; Invalid is that of the call.
func storageTypes() []tensor.DType {
	return []tensor.DType{
		tensor.Invalid, tensor.F32, tensor.F16, tensor.BF16, tensor.F64,
		tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
	}
}

// productShape is one matrix product [M P]·[P N].
type productShape struct {
	m, p, n        int
	transA, transB bool
	b              tensor.DType
	accumulate     bool
	bias           bool
	f              kernels.Func
	residual       bool
	whole          bool    // small integers, compared exactly where f is
	size           float64 // of A's numbers, 0 for 1
	precision      kernels.Precision
	q8             bool // A is rounded to 8 bits first where inQ8
}

// fit rounds B's stored row up to whole blocks.
func (p productShape) fit() productShape {
	unit := p.b.BlockLen()
	if p.transB {
		p.p = (p.p + unit - 1) / unit * unit
	} else {
		p.n = (p.n + unit - 1) / unit * unit
	}
	return p
}

func (p productShape) String() string {
	return named("[%d %d]·[%d %d] %s transA=%v transB=%v accumulate=%v bias=%v f=%v residual=%v whole=%v",
		p.m, p.p, p.p, p.n, p.b, p.transA, p.transB, p.accumulate, p.bias, p.f, p.residual, p.whole)
}

// stored returns the shape of a matrix [rows cols] as stored.
func stored(rows, cols int, transposed bool) []int {
	if transposed {
		return []int{cols, rows}
	}
	return []int{rows, cols}
}

// matMulCase is the product with operands C, A, B and, if asked for, Bias and
// Residual. Its want comes from gonum.
func (s *suite) matMulCase(src source, p productShape) testCase {
	numbers := func(n int) []float64 {
		if p.whole {
			return src.integers(n, 3)
		}
		return src.normal(n, 1)
	}
	a := in("A", numbers(p.m*p.p), stored(p.m, p.p, p.transA)...)
	for i := range a.values {
		a.values[i] *= max(p.size, 1)
	}
	b := src.weight("B", p.b, p.whole, stored(p.p, p.n, p.transB)...)
	c := out("C", p.m, p.n).rows()
	if p.accumulate {
		c = inOut("C", numbers(p.m*p.n), p.m, p.n).rows()
	}
	tc := testCase{name: p.String(), operands: []operand{c, a, b}, poison: []int{1}}
	if !p.transA {
		tc.operands[1] = a.rows()
	} else {
		tc.operands[0].rowwise = false
	}
	if p.bias {
		tc.operands = append(tc.operands, in("Bias", numbers(p.n), p.n))
	}
	if p.residual {
		r := in("Residual", numbers(p.m*p.n), p.m, p.n)
		if tc.operands[0].rowwise {
			r = r.rows()
		}
		tc.alias = [][2]int{{0, len(tc.operands)}}
		tc.operands = append(tc.operands, r)
	}
	tc.run = func(be kernels.Backend, o []tensor.Tensor) { kernels.MatMul(be, p.args(o)) }
	p.precision, p.q8 = s.precision, s.q8
	setProductBounds(&tc, p)
	return tc
}

// args returns the call on the operands of matMulCase.
func (p productShape) args(o []tensor.Tensor) kernels.MatMulArgs {
	a := kernels.MatMulArgs{C: o[0], A: o[1], B: o[2], TransA: p.transA, TransB: p.transB, Accumulate: p.accumulate, Func: p.f}
	o = o[3:]
	if p.bias {
		a.Bias, o = o[0], o[1:]
	}
	if p.residual {
		a.Residual = o[0]
	}
	return a
}

// setProductBounds sets want, from gonum, and the bound
// min(γ_{P+2}, walk(P)·u)·(Σ|a||b| + |bias| + |c|). The first holds for any order of
// sums; the second, a hundred times what float32 sums of normal deviates are off
// by, tells them from products in BF16 or TF32 where P is large.
func setProductBounds(tc *testCase, p productShape) {
	a, b := tc.operands[1].values, tc.operands[2].floats(tensor.F64)
	add := make([]float64, p.m*p.n)
	if p.accumulate {
		copy(add, tc.operands[0].values)
	}
	if p.bias {
		for i := range add {
			add[i] = tc.operands[3].values[i%p.n]
		}
	}
	want := sync.OnceValue(func() []float64 { return gemm(p, a, b, add) })
	size := sync.OnceValue(func() []float64 { return gemm(p, magnitudes(a), magnitudes(b), magnitudes(add)) })
	tc.want = func(tensor.DType) []float64 { return want() }
	tc.bound = func(_, i int, _, u float64) float64 { return boundOfSum(p.precision, p.p, u) * size()[i] }
	if p.inQ8() {
		tc.bound = boundInQ8(p, a, b, tc.bound)
	} else if p.whole && !(p.precision != kernels.PrecisionF32 && p.b.IsBlock()) { // whose values may have more bits
		tc.bound = exactly
	}
	if p.f != kernels.Identity || p.residual {
		setEpilogueBounds(tc, p, want)
	}
}

// setEpilogueBounds takes want and bound from the sums on to the results. Errors of
// a sum grow by at most 1.2, the largest slope of the activations, through f; then
// come those of f itself and the rounding of the addition.
func setEpilogueBounds(tc *testCase, p productShape, sums func() []float64) {
	sumBound := tc.bound
	finish := sync.OnceValues(func() (activated, want []float64) {
		activated = activate(p.f, sums())
		want = append(want, activated...)
		if p.residual {
			for i, v := range tc.operands[len(tc.operands)-1].values {
				want[i] += v
			}
		}
		return activated, want
	})
	tc.want = func(tensor.DType) []float64 {
		_, want := finish()
		return want
	}
	if p.whole && !p.inQ8() && (p.f == kernels.Identity || p.f == kernels.ReLU) {
		return
	}
	tc.bound = func(o, i int, want, u float64) float64 {
		activated, _ := finish()
		x := sums()[i]
		const flushed = 0x1p-120 // e^88 times this is where x·σ(x) may become 0
		return 1.2*sumBound(o, i, x, u) + funcBound(p.f, x, activated[i], u) + u*math.Abs(want) + flushed
	}
}

// activate returns f(x), from the oracle in float64.
func activate(f kernels.Func, x []float64) []float64 {
	be := ref.New()
	y := tensor.MustNew(be, tensor.F64, len(x))
	kernels.Unary(be, f, y, tensor.MustFromFloats(be, tensor.F64, x, len(x)))
	return y.Floats()
}

// activations are the functions whose slope is at most 1.2 everywhere.
func activations() []kernels.Func {
	return []kernels.Func{kernels.Identity, kernels.ReLU, kernels.GELU, kernels.GELUTanh, kernels.SiLU, kernels.Tanh, kernels.Sigmoid, kernels.Neg}
}

// matMulEpilogue has every activation with and without bias and residual.
func (s *suite) matMulEpilogue(t *testing.T) {
	shapes := append(productShapes(), [3]int{280, 520, 70})
	for i, shape := range shapes {
		for j, f := range activations() {
			p := productShape{
				m: shape[0], p: shape[1], n: shape[2], transA: (i+j)%7 == 3, transB: (i+j)%3 > 0,
				f: f, bias: (i+j)%2 == 0, residual: j%3 < 2, whole: (i+j)%5 == 0,
			}
			if s.due(p) {
				s.check(t, s.matMulCase(newSource(uint64(700*i+j)), p).sickIf((i+j)%4 == 0))
			}
		}
	}
}

// matMuls holds groups to the bits of their products one by one.
func (s *suite) matMuls(t *testing.T) {
	kernels.MatMuls(s.be, nil)
	groups := [][]productShape{
		{{n: 9}},
		{{n: 33, bias: true}, {n: 16, transB: true, f: kernels.GELU}, {n: 1, residual: true}},
		{{n: 70, transB: true, f: kernels.SiLU, bias: true}, {n: 70, transB: true}},
		{{n: 5, accumulate: true}, {n: 64, transB: true, bias: true, residual: true, b: tensor.BF16}, {}},
		{{n: 96, transB: true, b: tensor.Q4_1}, {n: 32, b: tensor.Q8_0}},
	}
	for i, group := range groups {
		for j, size := range [][2]int{{1, 64}, {7, 32}, {130, 544}, {0, 32}, {5, 0}} {
			for _, transA := range []bool{false, true} {
				if s.dueGroup(group, transA) {
					s.check(t, s.matMulsCase(newSource(uint64(10*i+j)), kernels.MatMuls, group, size[0], size[1], transA))
				}
			}
		}
	}
}

// matMulsCase is a group with an op(A) of [m k]. Its want is that of the oracle,
// which takes the products one by one: in float64, whole numbers but for
// functions, so the bound is funcBound's, or that of rounding to 8 bits.
func (s *suite) matMulsCase(src source, run func(kernels.Backend, []kernels.MatMulArgs), group []productShape, m, k int, transA bool) testCase {
	tc := testCase{name: named("MatMuls of %d, [%d %d] transA=%v", len(group), m, k, transA), poison: []int{0}}
	tc.operands = []operand{in("A", src.integers(m*k, 3), stored(m, k, transA)...)}
	tc.operands[0].rowwise = !transA
	first := make([]int, len(group)+1)
	bounds := make([]func(o, i int, want, u float64) float64, len(group))
	for i := range group {
		p := &group[i]
		first[i] = len(tc.operands)
		one := productShape{m: m, p: k, n: p.n, transA: transA, transB: p.transB, b: p.b, accumulate: p.accumulate, bias: p.bias, f: p.f, residual: p.residual, whole: true}
		*p = one
		c := s.matMulCase(src, one)
		if one.q8 = s.q8; one.inQ8() {
			c.operands[1] = tc.operands[0]
			setProductBounds(&c, one)
			bounds[i] = c.bound
		}
		c.operands[0].name = named("C%d", i)
		tc.operands = append(tc.operands, c.operands[0])
		tc.operands = append(tc.operands, c.operands[2:]...)
	}
	first[len(group)] = len(tc.operands)
	tc.run = func(be kernels.Backend, o []tensor.Tensor) {
		products := make([]kernels.MatMulArgs, len(group))
		for i, p := range group {
			mine := append([]tensor.Tensor{o[first[i]], o[0]}, o[first[i]+1:first[i+1]]...)
			products[i] = p.args(mine)
		}
		run(be, products)
	}
	tc.bound = func(o, at int, want, u float64) float64 {
		for i, p := range group {
			if o == first[i] && bounds[i] != nil {
				return bounds[i](0, at, want, u)
			}
			if o == first[i] && p.f != kernels.Identity {
				return 8 * u * (1 + math.Abs(want)) * 16
			}
		}
		return 0
	}
	return tc
}

// gemm is gonum's product op(A)·op(B) + add.
func gemm(p productShape, a, b, add []float64) []float64 {
	c := append([]float64(nil), add...)
	if p.m == 0 || p.n == 0 || p.p == 0 {
		return c
	}
	flag := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
	blas64.Gemm(flag[p.transA], flag[p.transB], 1, general(stored(p.m, p.p, p.transA), a),
		general(stored(p.p, p.n, p.transB), b), 1, general([]int{p.m, p.n}, c))
	return c
}

func general(shape []int, data []float64) blas64.General {
	return blas64.General{Rows: shape[0], Cols: shape[1], Stride: shape[1], Data: data}
}

func magnitudes(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

func productShapes() [][3]int {
	return [][3]int{
		{1, 1, 1}, {1, 7, 3}, {2, 8, 9}, {3, 16, 17}, {4, 31, 33}, {5, 32, 15}, {6, 33, 8}, {7, 63, 16},
		{8, 64, 31}, {9, 65, 63}, {15, 15, 65}, {16, 9, 64}, {17, 17, 7}, {31, 127, 32}, {33, 3, 130},
		{0, 5, 3}, {3, 0, 5}, {5, 3, 0}, {13, 513, 5}, {1, 257, 100}, {65, 2, 2},
	}
}

func (s *suite) matMul(t *testing.T) {
	for i, shape := range productShapes() {
		for flags := range 4 {
			for j, b := range storageTypes() {
				p := productShape{
					m: shape[0], p: shape[1], n: shape[2], b: b,
					transA: flags&1 != 0, transB: flags&2 != 0,
					accumulate: (i+j)%3 == 1, bias: (i+j)%3 == 2, whole: true,
				}.fit()
				src := newSource(uint64(100*i + 10*flags + j))
				if s.due(p) {
					s.check(t, s.matMulCase(src, p).sickIf((i+j)%5 == 0))
				}
				if p.whole = false; s.due(p) {
					s.check(t, s.matMulCase(src, p).sickIf(false))
				}
				if p.size = 0x1p100; j < 4 && s.due(p) {
					s.check(t, s.matMulCase(src, p).sickIf(false))
				}
			}
		}
	}
	s.matMulSickWeight(t)
}

// matMulSickWeight puts NaN and infinities into B: they reach their own column only.
func (s *suite) matMulSickWeight(t *testing.T) {
	for flags := range 4 {
		for _, b := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
			p := productShape{m: 18, p: 35, n: 37, b: b, transA: flags&1 != 0, transB: flags&2 != 0}
			c := s.matMulCase(newSource(uint64(flags)), p)
			c.poison = []int{2}
			s.check(t, c)
		}
	}
}

// matMulLarge has products beyond the blocks of any cache level in each
// direction.
func (s *suite) matMulLarge(t *testing.T) {
	shapes := [][3]int{{150, 16*40 + 5, 3*256 + 7}, {9, 70, 4100}, {5, 9001, 17}, {700, 33, 21}}
	if s.every > 1 {
		shapes[0][0] = 16 // all of its columns and sums, of fewer rows: it takes a minute otherwise
	}
	for i, shape := range shapes {
		for flags := range 4 {
			for j, b := range []tensor.DType{tensor.Invalid, tensor.BF16, tensor.Q4_1} {
				if j > 0 && flags != 2 {
					continue // a Linear's weight is stored [out in]
				}
				p := productShape{m: shape[0], p: shape[1], n: shape[2], b: b, transA: flags&1 != 0, transB: flags&2 != 0}.fit()
				p.accumulate, p.whole = flags == 1, i%2 == 0
				if p.q8 = s.q8; s.q8 && !p.inQ8() {
					continue // the kernels of F32, which Run holds
				}
				c := s.matMulCase(newSource(uint64(1000+10*i+flags)), p).sickIf(false)
				c.f32Only = true
				s.check(t, c)
			}
		}
	}
}
