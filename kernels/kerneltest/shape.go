package kerneltest

import (
	"math"
	"testing"

	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/tensor"
)

var movementRows = []row{
	{"Transpose", (*suite).transpose},
	{"CopyAxis", (*suite).copyAxis},
	{"GatherScatter", (*suite).gatherScatter},
	{"IDsOutOfRange", (*suite).idsOutOfRange},
	{"Dropout", (*suite).dropout},
}

func (s *suite) transpose(t *testing.T) {
	cases := []struct{ x, perm []int }{
		{[]int{}, nil}, {[]int{9}, []int{0}}, {[]int{5, 0}, []int{1, 0}},
		{[]int{3, 4, 5}, []int{0, 2, 1}}, {[]int{3, 4, 5}, []int{2, 0, 1}}, {[]int{3, 4, 5}, []int{1, 0, 2}},
		{[]int{2, 3, 4, 5}, []int{0, 2, 1, 3}}, {[]int{2, 3, 4, 5}, []int{3, 2, 1, 0}}, {[]int{2, 17, 3, 33}, []int{0, 2, 3, 1}},
	}
	for _, n := range []int{1, 2, 7, 8, 9, 16, 17, 33, 65} {
		cases = append(cases, struct{ x, perm []int }{[]int{n, 2*n + 1}, []int{1, 0}}, struct{ x, perm []int }{[]int{n, 5}, []int{0, 1}})
	}
	for i, c := range cases {
		shape := make([]int, len(c.x))
		for j, p := range c.perm {
			shape[j] = c.x[p]
		}
		s.check(t, testCase{
			name:     named("Transpose %v by %v", c.x, c.perm),
			operands: []operand{out("y", shape...), in("x", withEnds(newSource(uint64(i)), product(c.x)), c.x...)},
			run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Transpose(be, o[0], o[1], c.perm...) },
			exact:    true,
		})
	}
}

func (s *suite) copyAxis(t *testing.T) {
	for i, c := range []struct {
		y, x               []int
		axis, yFrom, xFrom int
		n                  int
	}{
		{[]int{9}, []int{5}, 0, 3, 1, 4},
		{[]int{9, 7}, []int{5, 7}, 0, 2, 1, 3},
		{[]int{5, 9}, []int{5, 7}, 1, 3, 2, 5},
		{[]int{5, 65}, []int{5, 33}, 1, 31, 0, 33},
		{[]int{3, 4, 5}, []int{3, 6, 5}, 1, 1, 3, 2},
		{[]int{2, 3, 8, 5}, []int{2, 3, 4, 5}, 2, 4, 0, 4},
		{[]int{2, 3, 4, 17}, []int{2, 3, 4, 9}, 3, 1, 0, 9},
		{[]int{5, 7}, []int{5, 7}, 1, 3, 3, 0},
		{[]int{0, 7}, []int{0, 5}, 1, 1, 1, 2},
	} {
		for _, add := range []bool{false, true} {
			src := newSource(uint64(i))
			s.check(t, testCase{
				name:     named("CopyAxis %v from %v axis %d add=%v", c.y, c.x, c.axis, add),
				operands: []operand{inOut("y", withEnds(src, product(c.y)), c.y...), in("x", withEnds(src, product(c.x)), c.x...)},
				run: func(be kernels.Backend, o []tensor.Tensor) {
					kernels.CopyAxis(be, o[0], o[1], c.axis, c.yFrom, c.xFrom, c.n, add)
				},
				exact: true,
			})
		}
	}
}

func (s *suite) gatherScatter(t *testing.T) {
	for _, cols := range []int{1, 7, 32, 65, 130} {
		for _, n := range []int{0, 1, 2, 9, 70} {
			src := newSource(uint64(100*cols + n))
			const vocabulary = 23
			ids := src.ids(n, vocabulary)
			for _, d := range storageTypes() {
				width := (cols + d.BlockLen() - 1) / d.BlockLen() * d.BlockLen()
				s.check(t, testCase{
					name:     named("Gather %d rows of %d %s", n, width, d),
					operands: []operand{out("y", n, width).rows(), src.weight("table", d, false, vocabulary, width), ints("ids", ids, n).rows()},
					run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.Gather(be, o[0], o[1], o[2]) },
					exact:    true,
				})
			}
			s.check(t, testCase{
				name: named("ScatterAdd %d rows of %d", n, cols),
				operands: []operand{
					inOut("dTable", src.normal(vocabulary*cols, 1), vocabulary, cols),
					ints("ids", ids, n), in("dY", src.normal(n*cols, 1), n, cols),
				},
				run:    func(be kernels.Backend, o []tensor.Tensor) { kernels.ScatterAdd(be, o[0], o[1], o[2]) },
				exact:  true,
				poison: []int{2},
			})
		}
	}
}

// idsOutOfRange expects a panic, or an error at Sync, of a queue that goes on with
// nothing: so each call has one of its own.
func (s *suite) idsOutOfRange(t *testing.T) {
	table := tensor.MustNew(s.be, tensor.F32, 5, 4)
	rows := tensor.MustNew(s.be, tensor.F32, 2, 4)
	pair := tensor.MustNew(s.be, tensor.F32, 2)
	other := tensor.MustNew(s.be, tensor.F32, 2)
	for _, id := range []int32{-1, 5, math.MinInt32, math.MaxInt32} {
		ids := tensor.MustFromInts(s.be, []int32{0, id}, 2)
		for name, call := range map[string]func(be kernels.Backend){
			"Gather":           func(be kernels.Backend) { kernels.Gather(be, rows, table, ids) },
			"ScatterAdd":       func(be kernels.Backend) { kernels.ScatterAdd(be, table, ids, rows) },
			"CrossEntropy":     func(be kernels.Backend) { kernels.CrossEntropy(be, pair, other, rows, ids) },
			"CrossEntropyGrad": func(be kernels.Backend) { kernels.CrossEntropyGrad(be, pair, rows, rows, ids, other) },
		} {
			queue, err := s.inner.Queue()
			if err != nil {
				t.Fatal(err)
			}
			if !refuses(queue, call) {
				t.Errorf("%s takes id %d of a table of %d or fewer rows", name, id, table.Rows())
			}
		}
	}
	if err := s.be.Sync(); err != nil {
		t.Errorf("bad ids on other queues: %v", err)
	}
}

func refuses(be kernels.Backend, call func(be kernels.Backend)) (refused bool) {
	defer func() { refused = refused || recover() != nil }()
	call(be)
	return be.Sync() != nil
}

func (s *suite) dropout(t *testing.T) {
	for _, cols := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 33, 65, 130} {
		for _, n := range []int{0, 1, 3, 17} {
			for _, p := range []float64{0, 0.1, 0.5, 0.999} {
				src := newSource(uint64(100*cols + n))
				places := src.ids(2*n, 1000)
				s.check(t, testCase{
					name:     named("Dropout(%v) [%d %d]", p, n, cols),
					operands: []operand{out("y", n, cols).rows(), in("x", withEnds(src, n*cols), n, cols).rows(), ints("rows", places, n, 2).rows()},
					run: func(be kernels.Backend, o []tensor.Tensor) {
						kernels.Dropout(be, kernels.DropoutArgs{Y: o[0], X: o[1], Rows: o[2], P: p, Seed: 42, Stream: philox.Stream(7, 3, 1)})
					},
					exact: true,
					alias: [][2]int{{0, 1}},
				})
			}
		}
	}
	s.dropoutShare(t)
}

// dropoutShare counts dropped elements: their share is P within six standard
// deviations, the others are x/(1-P), and another stream drops others.
func (s *suite) dropoutShare(t *testing.T) {
	const n, cols, p = 200, 500, 0.1
	x, y, z := tensor.MustNew(s.be, tensor.F32, n, cols), tensor.MustNew(s.be, tensor.F32, n, cols), tensor.MustNew(s.be, tensor.F32, n, cols)
	kernels.Fill(s.be, x, 3)
	places := make([]int32, 2*n)
	for i := range n {
		places[2*i+1] = int32(i)
	}
	rows := tensor.MustFromInts(s.be, places, n, 2)
	kernels.Dropout(s.be, kernels.DropoutArgs{Y: y, X: x, Rows: rows, P: p, Seed: 1, Stream: 1})
	kernels.Dropout(s.be, kernels.DropoutArgs{Y: z, X: x, Rows: rows, P: p, Seed: 1, Stream: 2})
	dropped, both := 0, 0
	other := z.Floats()
	for i, v := range y.Floats() {
		if v == 0 {
			dropped++
			if other[i] == 0 {
				both++
			}
		} else if math.Abs(v-3/(1-p)) > 4*0x1p-24*3 {
			t.Fatalf("kept element is %v, want %v", v, 3/(1-p))
		}
	}
	for _, c := range []struct{ got, share float64 }{{float64(dropped), p}, {float64(both), p * p}} {
		mean, sigma := n*cols*c.share, math.Sqrt(n*cols*c.share*(1-c.share))
		if math.Abs(c.got-mean) > 6*sigma {
			t.Errorf("%v of %d elements dropped, want %v ± %v", c.got, n*cols, mean, 6*sigma)
		}
	}
}
