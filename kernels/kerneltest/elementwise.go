package kerneltest

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var elementwiseRows = []row{
	{"Unary", (*suite).unary},
	{"Gated", (*suite).gated},
	{"Binary", (*suite).binary},
	{"AddScaled", (*suite).addScaled},
	{"Reduce", (*suite).reduce},
	{"FillConvert", (*suite).fillConvert},
}

// specials are numbers at the ends of the range, for functions of one number.
func specials() []float64 {
	return []float64{
		0, math.Copysign(0, -1), 1, -1, 1e-30, -1e-30, 0x1p-126, 0x1p-149, 1e-4, -1e-4, 10, -10, 20, -20,
		87, -87, 88.5, -88.5, 89, -104, 200, -200, 1e10, -1e10, 1e30, -1e30, math.NaN(), math.Inf(1),
	}
}

// arguments returns n numbers for f: specials first, then normal deviates.
func arguments(src source, f kernels.Func, n int) []float64 {
	x := append(specials(), src.normal(n, 3)...)[:n]
	for i, v := range x {
		if f == kernels.Log || f == kernels.Sqrt {
			v = math.Abs(v)
		}
		x[i] = float64(float32(v))
	}
	return x
}

// funcBound returns the allowed error of f and of its derivative at x, for a
// result want: a few roundings, relative where the function is computed without
// cancellation, otherwise relative to the argument.
func funcBound(f kernels.Func, x, want, u float64) float64 {
	relative := 8 * u * math.Abs(want)
	switch f {
	case kernels.Identity, kernels.ReLU, kernels.Neg, kernels.Square, kernels.Sqrt:
		return 1.01 * u * math.Abs(want) // one rounding
	case kernels.GELU, kernels.GELUTanh:
		return relative + 4*u*min(math.Abs(x), 16)
	case kernels.Tanh:
		return relative + u
	}
	return relative
}

func slopeBound(f kernels.Func, x, want, u float64) float64 {
	switch f {
	case kernels.GELU, kernels.GELUTanh, kernels.SiLU, kernels.Tanh, kernels.Sigmoid:
		return 8*u*math.Abs(want) + 16*u*(1+min(math.Abs(x), 16))
	}
	return 8 * u * math.Abs(want)
}

func (s *suite) unary(t *testing.T) {
	for f := range kernels.NumFuncs {
		for _, n := range sizes() {
			x := arguments(newSource(uint64(n)), f, n)
			s.check(t, testCase{
				name:     named("Unary(%v) %d", f, n),
				operands: []operand{out("y", n), in("x", x, n)},
				run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Unary(be, f, o[0], o[1]) },
				bound:    func(_, i int, want, u float64) float64 { return funcBound(f, x[i], want, u) },
				alias:    [][2]int{{0, 1}},
			})
			s.check(t, unaryBackwardCase(f, n))
		}
		s.check(t, unaryRows(f))
		back := unaryBackwardCase(f, 33)
		for i, o := range back.operands {
			o.shape = []int{33, 1}
			back.operands[i] = o.rows()
		}
		back.poison = []int{1, 2}
		s.check(t, back)
	}
}

// unaryRows is a case of rows that NaN and infinities are put into.
func unaryRows(f kernels.Func) testCase {
	x := newSource(1).normal(33*3, 3)
	if f == kernels.Log || f == kernels.Sqrt {
		x = magnitudes(x)
	}
	return testCase{
		name:     named("Unary(%v) of rows", f),
		operands: []operand{out("y", 33, 3).rows(), in("x", x, 33, 3).rows()},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Unary(be, f, o[0], o[1]) },
		bound:    func(_, i int, want, u float64) float64 { return funcBound(f, x[i], want, u) },
		poison:   []int{1},
	}
}

func unaryBackwardCase(f kernels.Func, n int) testCase {
	src := newSource(uint64(n) + 1)
	x := src.normal(n, 3)
	if f == kernels.Log || f == kernels.Sqrt {
		x = magnitudes(x)
	}
	if n > 0 && f == kernels.ReLU {
		x[0] = 0 // the slope of ReLU at 0 is 0
	}
	dY := src.normal(n, 1)
	return testCase{
		name:     named("UnaryBackward(%v) %d", f, n),
		operands: []operand{out("dX", n), in("dY", dY, n), in("x", x, n)},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.UnaryBackward(be, f, o[0], o[1], o[2]) },
		bound: func(_, i int, want, u float64) float64 {
			g := math.Abs(dY[i])
			return g * slopeBound(f, x[i], want/max(g, 1e-300), u)
		},
		alias: [][2]int{{0, 1}},
	}
}

func (s *suite) gated(t *testing.T) {
	for _, f := range []kernels.Func{kernels.SiLU, kernels.GELU, kernels.GELUTanh, kernels.ReLU, kernels.Sigmoid, kernels.Identity} {
		for _, n := range sizes() {
			src := newSource(uint64(n) + 2)
			gate, up, dY := src.normal(n, 3), src.normal(n, 1), src.normal(n, 1)
			s.check(t, testCase{
				name:     named("Gated(%v) %d", f, n),
				operands: []operand{out("y", n, 1).rows(), in("gate", gate, n, 1).rows(), in("up", up, n, 1).rows()},
				run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Gated(be, f, o[0], o[1], o[2]) },
				bound: func(_, i int, want, u float64) float64 {
					size := math.Abs(up[i])
					return u*math.Abs(want) + size*funcBound(f, gate[i], want/max(size, 1e-300), u)
				},
				poison: []int{1, 2},
			})
			s.check(t, testCase{
				name: named("GatedBackward(%v) %d", f, n),
				operands: []operand{
					out("dGate", n, 1).rows(), out("dUp", n, 1).rows(),
					in("dY", dY, n, 1).rows(), in("gate", gate, n, 1).rows(), in("up", up, n, 1).rows(),
				},
				run: func(be kernels.Backend, o []tensor.Tensor) {
					kernels.GatedBackward(be, f, o[0], o[1], o[2], o[3], o[4])
				},
				bound: func(o, i int, want, u float64) float64 {
					size := math.Abs(dY[i])
					if o == 0 {
						size *= math.Abs(up[i])
						return 2*u*math.Abs(want) + size*slopeBound(f, gate[i], want/max(size, 1e-300), u)
					}
					return u*math.Abs(want) + size*funcBound(f, gate[i], want/max(size, 1e-300), u)
				},
				poison: []int{2, 3, 4},
			})
		}
	}
}

// binary is compared bit by bit: each result is one correctly rounded operation.
func (s *suite) binary(t *testing.T) {
	shapes := []struct{ y, a, b []int }{
		{[]int{}, []int{}, []int{}},
		{[]int{1}, []int{}, []int{1}},
		{[]int{0}, []int{0}, []int{1}},
		{[]int{5, 7}, []int{5, 7}, []int{7}},
		{[]int{5, 7}, []int{7}, []int{5, 7}},
		{[]int{5, 7}, []int{5, 1}, []int{1, 7}},
		{[]int{33, 65}, []int{33, 65}, []int{33, 1}},
		{[]int{33, 65}, []int{33, 65}, []int{}},
		{[]int{3, 4, 5}, []int{4, 1}, []int{3, 1, 5}},
		{[]int{2, 3, 4, 5}, []int{2, 3, 4, 5}, []int{1, 3, 1, 5}},
		{[]int{2, 3, 4, 5}, []int{3, 1, 5}, []int{2, 1, 4, 1}},
		{[]int{2, 0, 5}, []int{2, 1, 5}, []int{2, 0, 1}},
	}
	for _, n := range sizes() {
		shapes = append(shapes, struct{ y, a, b []int }{[]int{n}, []int{n}, []int{n}})
	}
	for op := range kernels.NumBinaryOps {
		for i, shape := range shapes {
			src := newSource(uint64(i) + 3)
			c := testCase{
				name:     named("Binary(%v) %v %v", op, shape.a, shape.b),
				operands: []operand{out("y", shape.y...), in("a", withEnds(src, product(shape.a)), shape.a...), in("b", withEnds(src, product(shape.b)), shape.b...)},
				run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Binary(be, op, o[0], o[1], o[2]) },
				exact:    true,
			}
			for side := 1; side <= 2; side++ {
				if product(c.operands[side].shape) == product(shape.y) {
					c.alias = append(c.alias, [2]int{0, side})
				}
			}
			if len(shape.y) == 2 {
				c.poison = []int{1, 2}
			}
			s.check(t, c)
		}
	}
}

// withEnds returns normal deviates with zeros, NaN and infinities among them.
func withEnds(src source, n int) []float64 {
	x := src.normal(n, 1)
	for i, v := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e38, 1e-40} {
		if place := 3*i + src.Intn(3); place < n {
			x[place] = float64(float32(v))
		}
	}
	return x
}

func (s *suite) addScaled(t *testing.T) {
	for _, n := range sizes() {
		for _, factor := range []float64{1, -0.37, 0} {
			src := newSource(uint64(n) + 4)
			y, x := src.normal(n, 1), src.normal(n, []float64{1, 1e-30, 1e30}[n%3])
			s.check(t, testCase{
				name:     named("AddScaled %d by %v", n, factor),
				operands: []operand{inOut("y", y, n, 1).rows(), in("x", x, n, 1).rows()},
				run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.AddScaled(be, o[0], o[1], factor) },
				bound: func(_, i int, _, u float64) float64 {
					return 3 * u * (math.Abs(y[i]) + math.Abs(factor*x[i]))
				},
				poison: []int{0, 1},
			})
		}
	}
}

func (s *suite) reduce(t *testing.T) {
	shapes := []struct{ y, x []int }{
		{[]int{}, []int{5, 7}}, {[]int{1}, []int{33, 65}}, {[]int{1, 7}, []int{5, 7}}, {[]int{5, 1}, []int{5, 7}},
		{[]int{1, 1}, []int{130, 3}}, {[]int{5, 7}, []int{5, 7}}, {[]int{3, 1, 5}, []int{3, 4, 5}},
		{[]int{1, 4, 1}, []int{3, 4, 5}}, {[]int{2, 1, 1, 5}, []int{2, 3, 4, 5}}, {[]int{1, 3, 1, 5}, []int{2, 3, 4, 5}},
		{[]int{1}, []int{0}}, {[]int{3, 1}, []int{3, 0}}, {[]int{1, 129}, []int{700, 129}}, {[]int{1}, []int{}},
	}
	for _, n := range sizes() {
		shapes = append(shapes, struct{ y, x []int }{[]int{1}, []int{n}}, struct{ y, x []int }{[]int{3, 1}, []int{3, n}},
			struct{ y, x []int }{[]int{1, n}, []int{3, n}})
	}
	for i, shape := range shapes {
		src, n := newSource(uint64(i)+5), product(shape.x)
		for _, whole := range []bool{true, false} {
			x := src.normal(n, []float64{1, 1e30, 1e-30}[i%3])
			bound := sumBound(shape.y, shape.x, x)
			if whole {
				x, bound = src.integers(n, 9), exactly
			}
			s.check(t, reduceCase(kernels.Sum, shape.y, shape.x, x, bound))
		}
		s.check(t, reduceCase(kernels.Max, shape.y, shape.x, src.normal(n, 1), exactly))
		s.check(t, reduceCase(kernels.Max, shape.y, shape.x, withEnds(src, n), exactly))
	}
}

func reduceCase(op kernels.ReduceOp, y, x []int, values []float64, bound func(o, i int, want, u float64) float64) testCase {
	c := testCase{
		name:     named("Reduce(%v) %v to %v", op, x, y),
		operands: []operand{out("y", y...), in("x", values, x...)},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Reduce(be, op, o[0], o[1]) },
		bound:    bound,
	}
	if len(x) == 2 && len(y) == 2 && y[1] == 1 && y[0] == x[0] && x[0] > 1 && x[1] > 0 {
		c.operands[0].rowwise, c.operands[1].rowwise = true, true
		c.poison = []int{1}
	}
	return c
}

// sumBound is walk(n)·u·Σ|x| over all of x: folded axes are not told apart, but
// divided evenly.
func sumBound(y, x []int, values []float64) func(o, i int, want, u float64) float64 {
	total := 0.0
	for _, v := range values {
		total = max(total, math.Abs(v))
	}
	n := float64(product(x)) / max(1, float64(product(y)))
	return func(_, _ int, _, u float64) float64 { return walk(int(n)) * u * n * total }
}

func (s *suite) fillConvert(t *testing.T) {
	for _, n := range sizes() {
		for _, v := range []float64{0, math.Copysign(0, -1), 0.1, math.NaN(), math.Inf(-1)} {
			s.check(t, testCase{
				name:     named("Fill %d with %v", n, v),
				operands: []operand{inOut("y", newSource(1).normal(n, 1), n)},
				run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Fill(be, o[0], v) },
				exact:    true,
			})
		}
		for _, d := range storageTypes() {
			unit := d.BlockLen()
			cols := (n + unit - 1) / unit * unit
			x := newSource(uint64(n)+6).weight("x", d, false, 1, cols)
			if !d.IsBlock() && n > 30 {
				x.values = rounded(append(specials(), x.values...)[:cols], tensor.F32)
			}
			s.check(t, convertCase(out("y", 1, cols), x))
		}
		x := newSource(uint64(n)+7).normal(n, 3)
		if n > 40 {
			// ties to even, the largest finite F16 and the first that overflows
			copy(x, append(specials(), 1+0x1p-11, 1+0x3p-11, 1+0x1p-8, 1+0x3p-8, 65504, 65519, 65520, 0x1p-25, 0x3p-26))
		}
		x = rounded(x, tensor.F32)
		for _, d := range []tensor.DType{tensor.F16, tensor.BF16, tensor.F64, tensor.F32} {
			s.check(t, convertCase(out("y", n).as(d), in("x", x, n).as(tensor.F32)))
		}
	}
}

func convertCase(y, x operand) testCase {
	return testCase{
		name:     named("Convert %v %s to %s", x.shape, x.dtype, y.dtype),
		operands: []operand{y, x},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Convert(be, o[0], o[1]) },
		exact:    true,
	}
}
