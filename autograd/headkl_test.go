package autograd_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestLinearKLEqualsItsParts holds divergence and gradient against log-softmax, products and
// sums on their own, whatever type the head is stored in.
func TestLinearKLEqualsItsParts(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, c := range []headCase{
		{be: be, rows: 40, width: 32, vocab: 3000, store: tensor.F32, frozen: true},
		{be: be, rows: 7, width: 32, vocab: 90, store: tensor.Q8_0, frozen: true},
		{be: ref.New(), rows: 5, width: 3, vocab: 11, store: tensor.BF16, frozen: true},
	} {
		h := newHead(c)
		logP := tensor.MustNew(c.be, tensor.F32, c.rows, c.vocab)
		values := make([]float64, c.rows*c.vocab)
		for i := range values {
			values[i] = float64(i*7919%1009) / 250
		}
		logP.SetFloats(values)
		kernels.LogSoftmax(c.be, logP, logP)
		run := func(fused bool) (float64, []float64) {
			h.x.Grad = tensor.MustNew(c.be, tensor.F32, c.rows, c.width)
			p := autograd.NewTrainingPass(c.be)
			defer p.Close()
			p.Arena.Poison = true
			var sum autograd.Var
			if fused {
				sum = p.LinearKL(p.Param(h.x), p.Param(h.w), logP)
			} else {
				logQ := p.LogSoftmax(p.Linear(p.Param(h.x), p.Param(h.w), autograd.Var{}))
				sum = p.Sum(p.Mul(p.Unary(kernels.Exp, p.Input(logP)), p.Sub(p.Input(logP), logQ)))
			}
			got := sum.T.Floats()[0]
			if err := p.Backward(sum, 0.5); err != nil {
				t.Fatal(err)
			}
			return got, h.x.Grad.Floats()
		}
		want, wantX := run(false)
		got, dX := run(true)
		if !(math.Abs(got-want) <= 1e-5*want) {
			t.Errorf("%d words stored as %s: %v, want %v", c.vocab, c.store, got, want)
		}
		near(t, "dX", dX, wantX)
	}
}

// TestLinearKLKeepsNoLogits: of many calls what is held until backward is [R D] each.
func TestLinearKLKeepsNoLogits(t *testing.T) {
	be := ref.New()
	const rows, width, vocab, calls = 8, 4, 500, 20
	x := &autograd.Parameter{Value: tensor.MustNew(be, tensor.F32, rows, width), Grad: tensor.MustNew(be, tensor.F32, rows, width), Trainable: true}
	p := autograd.NewTrainingPass(be)
	defer p.Close()
	logP := p.New(tensor.F32, rows, vocab)
	kernels.Fill(be, logP, -math.Log(vocab))
	w := p.Input(tensor.MustNew(be, tensor.F32, vocab, width))
	var sum autograd.Var
	for range calls {
		one := p.LinearKL(p.Param(x), w, logP)
		if sum.IsNone() {
			sum = one
			continue
		}
		sum = p.Add(sum, one)
	}
	if got := math.Abs(sum.T.Floats()[0]); got > calls*rows*1e-5 {
		t.Errorf("KL %v of equal distributions", got)
	}
	if err := p.Backward(sum, 1); err != nil {
		t.Fatal(err)
	}
	if bound := 4*rows*vocab*5 + calls*(4*rows*width+256)*2; p.Arena.Peak() > bound {
		t.Errorf("%d bytes at the peak, more than %d", p.Arena.Peak(), bound)
	}
	if slices.ContainsFunc(x.Grad.Floats(), func(v float64) bool { return math.Abs(v) > 1e-5 }) {
		t.Errorf("gradient %v at the minimum", x.Grad.Floats())
	}
}

func TestLinearKLWantsAFrozenHead(t *testing.T) {
	be := ref.New()
	h := newHead(headCase{be: be, rows: 2, width: 3, vocab: 5, store: tensor.F32})
	h.w.Grad = tensor.MustNew(be, tensor.F32, 5, 3)
	h.x.Grad = tensor.MustNew(be, tensor.F32, 2, 3)
	p := autograd.NewTrainingPass(be)
	defer p.Close()
	defer func() {
		if e, _ := recover().(string); !strings.HasPrefix(e, "autograd: LinearKL: ") {
			t.Errorf("%q", e)
		}
	}()
	p.LinearKL(p.Param(h.x), p.Param(h.w), tensor.MustNew(be, tensor.F32, 2, 5))
}
