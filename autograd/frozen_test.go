package autograd_test

import (
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

const (
	rowsN  = 5
	width  = 8
	hidden = 12
)

// weights returns a feed-forward block of two linears.
func weights(be kernels.Backend, trainable bool) [2]*autograd.Parameter {
	var out [2]*autograd.Parameter
	for i, shape := range [][2]int{{hidden, width}, {width, hidden}} {
		w := &autograd.Parameter{Value: tensor.MustNew(be, tensor.F32, shape[0], shape[1])}
		if trainable {
			w.Trainable = true
			w.Grad = tensor.MustNew(be, tensor.F32, shape[0], shape[1])
		}
		out[i] = w
	}
	return out
}

func block(p *autograd.Pass, x autograd.Var, w [2]*autograd.Parameter) autograd.Var {
	mark := p.Begin()
	h := p.Unary(kernels.ReLU, p.Linear(x, p.Param(w[0]), autograd.Var{}))
	return p.End(mark, p.Add(x, p.Linear(h, p.Param(w[1]), autograd.Var{})))
}

// TestFrozenMeansFree counts the products of backward: the lowest trainable block
// needs three (two weights, one step inside), a frozen block above it two (steps
// only), a trainable one there four, and below nothing is recorded.
func TestFrozenMeansFree(t *testing.T) {
	for _, c := range []struct {
		name      string
		trainable []bool // from the bottom up
		products  int
		records   int
	}{
		{"only the lowest", []bool{true}, 3, 4},
		{"frozen below", []bool{false, false, true}, 3, 4},
		{"frozen above", []bool{true, false}, 3 + 2, 8},
		{"trainable above", []bool{true, true}, 3 + 4, 8},
		{"sandwich", []bool{false, true, false, false, true, false}, 3 + 2 + 2 + 4 + 2, 20},
		{"none", []bool{false, false}, 0, 0},
	} {
		be := kerneltest.NewCounting(ref.New())
		p := autograd.NewTrainingPass(be)
		x := p.Input(tensor.MustNew(be, tensor.F32, rowsN, width))
		for _, trainable := range c.trainable {
			x = block(p, x, weights(be, trainable))
		}
		loss := p.Sum(x)
		if got := len(p.Ops()); got != c.records+bit(c.records > 0) {
			t.Errorf("%s: %d records, want %d and the sum", c.name, got, c.records)
		}
		be.Reset()
		if c.products > 0 {
			p.Backward(loss, 1)
		}
		if got := len(be.Products()); got != c.products {
			t.Errorf("%s: %d products in backward, want %d", c.name, got, c.products)
		}
		weightGradients := 0
		for _, m := range be.Products() {
			if m.TransA { // dW = dYᵀ·x is the only one with a transposed left side
				weightGradients++
			}
		}
		trained := slices.DeleteFunc(slices.Clone(c.trainable), func(b bool) bool { return !b })
		if weightGradients != 2*len(trained) {
			t.Errorf("%s: %d weight gradients, want %d", c.name, weightGradients, 2*len(trained))
		}
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestFrozenLinearsSaveNoInput asserts the bytes alive after forward: a chain of
// L linears keeps its L inputs if they are trained, and only the newest output
// if they are frozen above one that is trained.
func TestFrozenLinearsSaveNoInput(t *testing.T) {
	const layers = 7
	const activation = rowsN * width * 4
	for _, frozen := range []bool{true, false} {
		be := ref.New()
		p := autograd.NewTrainingPass(be)
		x := p.Input(tensor.MustNew(be, tensor.F32, rowsN, width))
		mark := p.Begin()
		for i := range layers {
			w := &autograd.Parameter{Value: tensor.MustNew(be, tensor.F32, width, width)}
			if i == 0 || !frozen {
				w.Trainable, w.Grad = true, tensor.MustNew(be, tensor.F32, width, width)
			}
			x = p.End(mark, p.Linear(x, p.Param(w), autograd.Var{}))
		}
		want := activation // the newest output
		if !frozen {
			want += (layers - 1) * activation // inputs of all but the first, whose input is the caller's
		}
		if got := p.Arena.InUse(); got != want {
			t.Errorf("frozen above: %t: %d bytes alive after forward, want %d", frozen, got, want)
		}
		p.Arena.ResetPeak()
		p.Backward(p.Sum(x), 1)
		// Backward of a link holds the gradient that comes and the one that goes,
		// and the loss; what it saved is freed behind it.
		if got, limit := p.Arena.Peak(), want+2*activation+2*4; got > limit {
			t.Errorf("frozen above: %t: backward peaks at %d bytes, want at most %d", frozen, got, limit)
		}
		if got, limit := p.Arena.InUse(), activation+4; got > limit {
			t.Errorf("frozen above: %t: %d bytes alive after backward, want at most the output and the loss (%d)", frozen, got, limit)
		}
	}
}

// TestWarmPassTakesNoMemory runs passes of different lengths: once the longest
// has run, the arena asks its device for nothing.
func TestWarmPassTakesNoMemory(t *testing.T) {
	be := ref.New()
	p := autograd.NewTrainingPass(be)
	w := []*autograd.Parameter{}
	for range 4 {
		for _, v := range weights(be, true) {
			w = append(w, v)
		}
	}
	step := func(n int) {
		x := p.Input(tensor.MustNew(be, tensor.F32, n, width))
		for i := 0; i < len(w); i += 2 {
			x = block(p, x, [2]*autograd.Parameter{w[i], w[i+1]})
		}
		p.Backward(p.Sum(x), 1)
		p.Reset()
	}
	step(300)
	step(300) // pieces of the first became one
	capacity := p.Arena.Capacity()
	for _, n := range []int{10, 299, 1, 150, 300} {
		step(n)
	}
	if got := p.Arena.Capacity(); got != capacity {
		t.Errorf("capacity grew from %d to %d bytes", capacity, got)
	}
}
