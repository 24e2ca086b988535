package kerneltest

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var lossRows = []row{
	{"Softmax", (*suite).softmax},
	{"LogSoftmax", (*suite).logSoftmax},
	{"CrossEntropy", (*suite).crossEntropy},
	{"ArgMax", (*suite).argMax},
}

// rowShapes are matrices [rows cols] of row operations.
func rowShapes() [][2]int {
	shapes := [][2]int{{0, 5}, {1, 1}, {2, 5003}, {130, 3}}
	for _, n := range sizes() {
		if n > 0 {
			shapes = append(shapes, [2]int{3, n})
		}
	}
	return shapes
}

// rowMaxima returns the largest element of each row.
func rowMaxima(x []float64, cols int) []float64 {
	top := make([]float64, len(x)/max(cols, 1))
	for r := range top {
		top[r] = math.Inf(-1)
		for _, v := range x[r*cols : (r+1)*cols] {
			top[r] = max(top[r], v)
		}
	}
	return top
}

func (s *suite) softmax(t *testing.T) {
	for _, shape := range append(rowShapes(), [2]int{3, 0}) {
		for _, scale := range []float64{1, 30, 1e4, 1e30} {
			s.softmaxRow(t, shape[0], shape[1], scale)
		}
	}
	s.check(t, testCase{
		name: "Softmax of infinities",
		operands: []operand{out("y", 3, 3), in("x", []float64{
			math.Inf(-1), 1, 2, math.Inf(-1), math.Inf(-1), 5, 1e30, -1e30, 1e30,
		}, 3, 3)},
		run:   func(be kernels.Backend, o []tensor.Tensor) { kernels.Softmax(be, o[0], o[1]) },
		bound: ulps(16),
	})
}

func (s *suite) softmaxRow(t testing.TB, n, cols int, scale float64) {
	src := newSource(uint64(100*n + cols))
	x := src.normal(n*cols, scale)
	top := rowMaxima(x, cols)
	s.check(t, testCase{
		name:     named("Softmax [%d %d] of size %v", n, cols, scale),
		operands: []operand{out("y", n, cols).rows(), in("x", x, n, cols).rows()},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Softmax(be, o[0], o[1]) },
		bound: func(_, i int, want, u float64) float64 {
			return u * want * (walk(cols) + math.Abs(x[i]-top[i/cols]))
		},
		alias:  [][2]int{{0, 1}},
		poison: []int{1},
	})
	y := make([]float64, n*cols)
	for i := range y {
		y[i] = float64(float32(math.Exp(x[i]-top[i/cols]) / float64(cols)))
	}
	dY := src.normal(n*cols, 1)
	size := make([]float64, n)
	for i, v := range y {
		size[i/cols] += math.Abs(v * dY[i])
	}
	s.check(t, testCase{
		name:     named("SoftmaxBackward [%d %d]", n, cols),
		operands: []operand{out("dX", n, cols).rows(), in("dY", dY, n, cols).rows(), in("y", y, n, cols).rows()},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.SoftmaxBackward(be, o[0], o[1], o[2]) },
		bound: func(_, i int, _, u float64) float64 {
			return u * y[i] * (4*math.Abs(dY[i]) + walk(cols)*size[i/cols])
		},
		alias:  [][2]int{{0, 1}},
		poison: []int{1, 2},
	})
}

func (s *suite) logSoftmax(t *testing.T) {
	for _, shape := range append(rowShapes(), [2]int{3, 0}) {
		for _, scale := range []float64{1, 30} {
			s.logSoftmaxRow(t, shape[0], shape[1], 0, scale)
		}
	}
	s.logSoftmaxRow(t, 3, 41, 1e4, 5) // an offset common to all, which the result has not
	minusInf := math.Inf(-1)
	s.check(t, testCase{
		name: "LogSoftmax of infinities",
		operands: []operand{out("y", 3, 3), in("x", []float64{
			minusInf, 1, 2, minusInf, minusInf, 5, 1e30, -1e30, 1e30,
		}, 3, 3)},
		run:   func(be kernels.Backend, o []tensor.Tensor) { kernels.LogSoftmax(be, o[0], o[1]) },
		bound: ulps(16),
	})
	s.check(t, testCase{
		name:     "LogSoftmax of nothing but -Inf, and of +Inf",
		operands: []operand{out("y", 2, 2), in("x", []float64{minusInf, minusInf, 1, math.Inf(1)}, 2, 2)},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.LogSoftmax(be, o[0], o[1]) },
		exact:    true,
	})
}

func (s *suite) logSoftmaxRow(t testing.TB, n, cols int, offset, scale float64) {
	src := newSource(uint64(100*n+cols) + 16)
	x := src.normal(n*cols, scale)
	for i := range x {
		x[i] = float64(float32(x[i] + offset))
	}
	top := rowMaxima(x, cols)
	lse := make([]float64, len(top))
	for i, v := range x {
		lse[i/cols] += math.Exp(v - top[i/cols])
	}
	for r := range lse {
		lse[r] = math.Log(lse[r]) + top[r]
	}
	s.check(t, testCase{
		name:     named("LogSoftmax [%d %d] of size %v from %v", n, cols, scale, offset),
		operands: []operand{out("y", n, cols).rows(), in("x", x, n, cols).rows()},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.LogSoftmax(be, o[0], o[1]) },
		bound: func(_, _ int, want, u float64) float64 {
			return u * (2*math.Abs(want) + walk(cols) + math.Log(float64(cols)))
		},
		alias:  [][2]int{{0, 1}},
		poison: []int{1},
	})
	y := make([]float64, n*cols)
	for i := range y {
		y[i] = float64(float32(x[i] - lse[i/cols]))
	}
	dY := src.normal(n*cols, 1)
	size := make([]float64, n)
	for i, v := range dY {
		size[i/cols] += math.Abs(v)
	}
	sick := []int{1}
	if scale > 5 { // float32 has 0·Inf where a probability is tiny
		sick = nil
	}
	s.check(t, testCase{
		name:     named("LogSoftmaxBackward [%d %d]", n, cols),
		operands: []operand{out("dX", n, cols).rows(), in("dY", dY, n, cols).rows(), in("y", y, n, cols).rows()},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.LogSoftmaxBackward(be, o[0], o[1], o[2]) },
		bound: func(_, i int, want, u float64) float64 {
			p := math.Exp(y[i])
			return u * (2*math.Abs(want) + p*size[i/cols]*(8+walk(cols)+math.Abs(y[i])))
		},
		alias:  [][2]int{{0, 1}},
		poison: sick,
	})
}

func (s *suite) crossEntropy(t *testing.T) {
	for _, shape := range rowShapes() {
		for _, scale := range []float64{1, 20, 1e4} {
			s.crossEntropyRow(t, shape[0], shape[1], scale)
		}
	}
}

func (s *suite) crossEntropyRow(t testing.TB, n, cols int, scale float64) {
	src := newSource(uint64(100*n+cols) + 8)
	x, targets := src.normal(n*cols, scale), src.ids(n, cols)
	top := rowMaxima(x, cols)
	lse := make([]float64, n)
	for i, v := range x {
		lse[i/cols] += math.Exp(v - top[i/cols])
	}
	for r := range lse {
		lse[r] = float64(float32(math.Log(lse[r]) + top[r]))
	}
	s.check(t, testCase{
		name: named("CrossEntropy [%d %d] of size %v", n, cols, scale),
		operands: []operand{
			out("loss", n).rows(), out("lse", n).rows(),
			in("logits", x, n, cols).rows(), ints("targets", targets, n).rows(),
		},
		run: func(be kernels.Backend, o []tensor.Tensor) { kernels.CrossEntropy(be, o[0], o[1], o[2], o[3]) },
		bound: func(o, i int, _, u float64) float64 {
			limit := u * (walk(cols) + math.Log(float64(cols)) + 4*math.Abs(lse[i]) + 2*math.Abs(top[i]))
			if o == 0 {
				limit += 2 * u * math.Abs(x[i*cols+int(targets[i])])
			}
			return limit
		},
		poison: []int{2},
	})
	dLoss := src.normal(n, 1)
	sick := []int{2, 4}
	if scale > 1 { // float32 has 0·Inf where a probability is tiny
		sick = sick[:1]
	}
	s.check(t, testCase{
		name: named("CrossEntropyGrad [%d %d] of size %v", n, cols, scale),
		operands: []operand{
			out("loss", n).rows(), out("dLogits", n, cols).rows(), in("logits", x, n, cols).rows(),
			ints("targets", targets, n).rows(), in("dLoss", dLoss, n).rows(),
		},
		run: func(be kernels.Backend, o []tensor.Tensor) {
			kernels.CrossEntropyGrad(be, o[0], o[1], o[2], o[3], o[4])
		},
		bound: func(o, i int, want, u float64) float64 {
			if o == 0 {
				target := math.Abs(x[i*cols+int(targets[i])])
				return u * (walk(cols) + math.Log(float64(cols)) + 4*math.Abs(lse[i]) + 2*math.Abs(top[i]) + 2*target)
			}
			r := i / cols
			p := math.Exp(x[i] - lse[r])
			return u * (2*math.Abs(want) + math.Abs(dLoss[r])*p*(walk(cols)+8+math.Abs(x[i]-top[r])))
		},
		alias:  [][2]int{{1, 2}},
		poison: sick,
	})
}

func (s *suite) argMax(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	rows := [][]float64{
		{1, 2, 3, 3}, {3, 3, 2, 1}, {nan, 1, 2, nan}, {nan, nan, nan, nan}, {-inf, -inf, -inf, -inf},
		{nan, -inf, nan, -inf}, {1, inf, nan, inf}, {0, math.Copysign(0, -1), 0, 0}, {math.Copysign(0, -1), 0, 0, 0},
		{-5, -4, -4, nan},
	}
	var x []float64
	for _, row := range rows {
		x = append(x, row...)
	}
	s.check(t, argMaxCase(x, len(rows), 4))
	for _, shape := range rowShapes() {
		src, n := newSource(uint64(shape[1])), shape[0]*shape[1]
		s.check(t, argMaxCase(src.normal(n, 1), shape[0], shape[1]))
		s.check(t, argMaxCase(src.integers(n, 3), shape[0], shape[1])) // many ties
		s.check(t, argMaxCase(withEnds(src, n), shape[0], shape[1]))
	}
}

func argMaxCase(x []float64, n, cols int) testCase {
	return testCase{
		name:     named("ArgMax [%d %d]", n, cols),
		operands: []operand{intsOut("ids", n).rows(), in("x", x, n, cols).rows()},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.ArgMax(be, o[0], o[1]) },
		exact:    true,
	}
}
