package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// headCase is a head over enough rows and words that they are cut.
type headCase struct {
	be                 kernels.Backend
	rows, width, vocab int
	store              tensor.DType // of the head's weights
	frozen             bool
	frozenX            bool
}

// head has the weights and rows of a case, and what one way to differentiate gives.
type head struct {
	headCase
	x, w    *autograd.Parameter
	targets []int32
}

func newHead(c headCase) *head {
	random := func(stream uint64, n int) []float64 {
		v, rng := make([]float64, n), philox.New(11, stream)
		for i := range v {
			v[i] = rng.Normal(uint64(i))
		}
		return v
	}
	h := &head{headCase: c}
	h.x = &autograd.Parameter{Name: "x", Trainable: !c.frozenX, Value: tensor.MustFromFloats(c.be, tensor.F32, random(1, c.rows*c.width), c.rows, c.width)}
	h.w = &autograd.Parameter{Name: "w", Trainable: !c.frozen, Value: tensor.MustFromFloats(c.be, c.store, random(2, c.vocab*c.width), c.vocab, c.width)}
	for r := range c.rows {
		h.targets = append(h.targets, int32(r*7919%c.vocab))
	}
	return h
}

// run differentiates the summed loss of rows cut at the given places and returns
// loss, dX and dW.
func (h *head) run(fused bool, cuts ...int) (loss float64, dX, dW []float64) {
	for _, w := range []*autograd.Parameter{h.x, h.w} {
		if w.Trainable {
			w.Grad = tensor.MustNew(h.be, tensor.F32, w.Value.Shape()...)
		}
	}
	from := 0
	for _, to := range append(cuts, h.rows) {
		p := autograd.NewTrainingPass(h.be)
		p.Arena.Poison = true
		x := p.Slice(p.Param(h.x), 0, from, to)
		targets := tensor.MustFromInts(h.be, h.targets[from:to], to-from)
		var sum autograd.Var
		if fused {
			sum = p.LinearCrossEntropy(x, p.Param(h.w), targets)
		} else {
			sum = p.Sum(p.CrossEntropy(p.Linear(x, p.Param(h.w), autograd.Var{}), targets))
		}
		if sum.Tracked() {
			p.Backward(sum, 1/float64(h.rows))
		}
		loss += sum.T.Floats()[0]
		from = to
	}
	if h.x.Trainable {
		dX = h.x.Grad.Floats()
	}
	if h.w.Trainable {
		dW = h.w.Grad.Floats()
	}
	return loss, dX, dW
}

// TestLinearCrossEntropyEqualsItsParts holds loss and gradients against head and
// cross-entropy on their own, whatever type the head is stored in and whatever is
// frozen.
func TestLinearCrossEntropyEqualsItsParts(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, c := range []headCase{
		{be: be, rows: 300, width: 24, vocab: 70000, store: tensor.F32}, // two parts: 256 rows of logits and 44
		{be: be, rows: 7, width: 32, vocab: 50, store: tensor.F32},
		{be: be, rows: 1, width: 32, vocab: 1, store: tensor.F32},
		{be: be, rows: 40, width: 32, vocab: 90, store: tensor.BF16, frozen: true},
		{be: be, rows: 40, width: 32, vocab: 90, store: tensor.Q8_0, frozen: true},
		{be: be, rows: 40, width: 32, vocab: 90, store: tensor.F32, frozenX: true},
		{be: be, rows: 40, width: 32, vocab: 90, store: tensor.F16, frozen: true, frozenX: true},
		{be: ref.New(), rows: 5, width: 3, vocab: 11, store: tensor.F32},
	} {
		h := newHead(c)
		name := fmt.Sprintf("%d rows of %d words stored as %s", c.rows, c.vocab, c.store)
		wantLoss, wantX, wantW := h.run(false)
		loss, dX, dW := h.run(true)
		if !(math.Abs(loss-wantLoss) <= 1e-6*wantLoss) {
			t.Errorf("%s: loss %v, want %v", name, loss, wantLoss)
		}
		near(t, name+": dX", dX, wantX)
		near(t, name+": dW", dW, wantW)
	}
}

// TestLinearCrossEntropyInPartsOnAGPU holds parts of 256 rows, each of three products, on a
// simulated device against all rows at once on the host.
func TestLinearCrossEntropyInPartsOnAGPU(t *testing.T) {
	host := cpu.New(cpu.Options{})
	defer host.Close()
	for products, c := range map[int]headCase{
		9: {rows: 600, width: 16, vocab: 37, store: tensor.F32},
		4: {rows: 300, width: 32, vocab: 50, store: tensor.Q8_0, frozen: true},
	} {
		be := cudatest.Open(t, cudatest.Options{})
		c.be = host
		wantLoss, wantX, wantW := newHead(c).run(true)
		c.be = few{be}
		loss, dX, dW := newHead(c).run(true)
		if n := be.Count("cublasLtMatmul"); n != products {
			t.Errorf("%d products, want %d", n, products)
		}
		if !(math.Abs(loss-wantLoss) <= 1e-6*wantLoss) {
			t.Errorf("%v: loss %v, want %v", c.store, loss, wantLoss)
		}
		near(t, "dX", dX, wantX)
		near(t, "dW", dW, wantW)
	}
}

// near compares to a few roundings of the largest element.
func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range got {
		if !(math.Abs(v-want[i]) <= 64*0x1p-24*largest) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want[i])
		}
	}
}

// TestLinearCrossEntropyBitsDoNotDependOnCuts: 600 rows at once are cut inside;
// passes of 256, 256 and 88 rows add the same sums in the same order.
func TestLinearCrossEntropyBitsDoNotDependOnCuts(t *testing.T) {
	one := cpu.New(cpu.Options{Threads: 1})
	defer one.Close()
	three := cpu.New(cpu.Options{Threads: 3, SplitAll: true})
	defer three.Close()
	c := headCase{be: one, rows: 600, width: 16, vocab: 70000, store: tensor.F32}
	_, wantX, wantW := newHead(c).run(true)
	for _, be := range []kernels.Backend{one, three} {
		c.be = be
		_, dX, dW := newHead(c).run(true, 256, 512)
		if !slices.Equal(dX, wantX) || !slices.Equal(dW, wantW) {
			t.Error("gradients of three passes differ from those of one")
		}
	}
}

// TestLinearCrossEntropyHoldsNoLogits: the arena never has room for the logits of
// all rows, forward alone or with backward, and a frozen head costs no product for
// its gradient.
func TestLinearCrossEntropyHoldsNoLogits(t *testing.T) {
	be := kerneltest.NewCounting(cpu.New(cpu.Options{}))
	const rows, width, vocab, at = 1024, 8, 66000, 256
	x := &autograd.Parameter{Value: tensor.MustNew(be, tensor.F32, rows, width), Grad: tensor.MustNew(be, tensor.F32, rows, width), Trainable: true}
	w := tensor.MustNew(be, tensor.BF16, vocab, width)
	for _, recorded := range []bool{false, true} {
		be.Reset()
		p, want := autograd.NewPass(be), rows/at
		if recorded {
			p, want = autograd.NewTrainingPass(be), 2*want
		}
		ids := p.New(tensor.I32, rows)
		ids.SetInts(make([]int32, rows))
		loss := p.LinearCrossEntropy(p.Param(x), p.Input(w), ids)
		if recorded {
			if !math.IsNaN(loss.T.Floats()[0]) {
				t.Error("the loss has a value before backward")
			}
			p.Backward(loss, 1)
		}
		if got := loss.T.Floats()[0]; math.Abs(got-rows*math.Log(vocab)) > 1e-6*got {
			t.Errorf("loss %v, want %v", got, rows*math.Log(vocab))
		}
		if bound := 4*at*vocab + 16*4*rows*width; p.Arena.Peak() > bound {
			t.Errorf("recorded %t: %d bytes at the peak, more than %d", recorded, p.Arena.Peak(), bound)
		}
		if got := len(be.Products()); got != want {
			t.Errorf("recorded %t: %d products, want %d", recorded, got, want)
		}
	}
}

// TestLinearCrossEntropyOfNoRows: a batch may have no target.
func TestLinearCrossEntropyOfNoRows(t *testing.T) {
	be := ref.New()
	w := &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, []float64{1, 2, 3, 4}, 2, 2), Grad: tensor.MustNew(be, tensor.F32, 2, 2), Trainable: true}
	p := autograd.NewTrainingPass(be)
	loss := p.LinearCrossEntropy(p.Input(tensor.MustNew(be, tensor.F32, 0, 2)), p.Scale(p.Param(w), 1), tensor.MustNew(be, tensor.I32, 0))
	p.Backward(loss, 1)
	if got := loss.T.Floats()[0]; got != 0 || slices.ContainsFunc(w.Grad.Floats(), func(v float64) bool { return v != 0 }) {
		t.Errorf("loss %v, gradient %v", got, w.Grad.Floats())
	}
}
