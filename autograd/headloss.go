package autograd

import (
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// HeadRows is how many rows of logits, each of the size of the vocabulary, are meant to
// exist at once; [Pass.LinearCrossEntropy] takes several times as many where all of them
// fit [kernels.LogitBytes]. It is a multiple of the length at which a product of the host
// cuts its inner index, so that there the sums over rows in dW have one order however rows
// are cut.
const HeadRows = 256

// LinearCrossEntropy returns Σ_r loss[r], one number, of a head and its targets:
//
//	logits = x·wᵀ      loss[r] = log Σ_v exp(logits[r,v]) - logits[r,targets[r]]
//
// in nats: x [R D], w [V D] in any storage type if frozen, targets I32 [R]. The
// logits [R V] never exist as a whole: they are made for some rows at a time,
// turned into their gradient where they lie, and multiplied on,
//
//	dX = dLogits·w      dW += dLogitsᵀ·x
//
// which backward can do alone, since it knows the gradient of the loss. So where
// something is recorded the result is NaN until [Pass.Backward] has run, and must
// not enter anything that reads its value before, such as a product; adding and
// scaling it is fine.
func (p *Pass) LinearCrossEntropy(x, w Var, targets tensor.Tensor) Var {
	y := Var{T: p.New(x.T.DType())}
	if r := p.Record(linearCrossEntropyOp{}, &y, x, w); r != nil {
		for i, t := range [...]tensor.Tensor{x.T, w.T, targets, y.T} {
			p.Save(r, i, t)
		}
		kernels.Fill(p.Backend, y.T, math.NaN())
		return y
	}
	h := headLoss{x: x.T, w: w.T, targets: targets, losses: p.New(x.T.DType(), x.T.Rows())}
	h.lse = p.New(x.T.DType(), x.T.Rows())
	h.run(p)
	kernels.Reduce(p.Backend, kernels.Sum, y.T, h.losses)
	return y
}

type linearCrossEntropyOp struct{}

func (linearCrossEntropyOp) Name() string { return "linear_cross_entropy" }

func (linearCrossEntropyOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	h := headLoss{x: r.Saved[0], w: r.Saved[1], targets: r.Saved[2]}
	d, rows := h.x.DType(), h.x.Rows()
	h.losses, h.dLoss = p.New(d, rows), p.New(d, rows)
	kernels.Fill(p.Backend, h.dLoss, 0)
	kernels.Binary(p.Backend, kernels.Add, h.dLoss, h.dLoss, dY)
	if v := r.In[0]; v.Tracked() {
		h.dX, h.addX = p.Grad(v, d, h.x.Shape()...)
	}
	if v := r.In[1]; v.Tracked() {
		h.dW, h.addW = p.Grad(v, d, h.w.Shape()...)
	}
	h.run(p)
	kernels.Reduce(p.Backend, kernels.Sum, r.Saved[3], h.losses)
}

// headLoss is one call of LinearCrossEntropy. Forward has lse, backward dLoss and
// the gradients that are wanted.
type headLoss struct {
	x, w, targets, losses tensor.Tensor
	lse                   tensor.Tensor // [R]
	dLoss, dX, dW         tensor.Tensor // dLoss [R]
	addX, addW            bool
}

// run goes through the rows. It runs once if there are none: then dW is set to 0.
func (h *headLoss) run(p *Pass) {
	rows, vocab := h.x.Rows(), h.w.Dim(0)
	step := max(kernels.LogitBytes(p.Backend)/max(h.x.DType().Bytes(vocab*HeadRows), 1), 1) * HeadRows
	for from := 0; from == 0 || from < rows; from += step {
		mark := p.Begin()
		h.rows(p, from, min(from+step, rows))
		p.End(mark, Var{})
		h.addW = true
	}
}

func (h *headLoss) rows(p *Pass, from, to int) {
	x, targets, losses := h.x.Slice(from, to), h.targets.Slice(from, to), h.losses.Slice(from, to)
	logits := p.New(h.x.DType(), to-from, h.w.Dim(0))
	kernels.MatMul(p.Backend, kernels.MatMulArgs{C: logits, A: x, B: h.w, TransB: true})
	if h.dLoss.IsNone() {
		kernels.CrossEntropy(p.Backend, losses, h.lse.Slice(from, to), logits, targets)
		return
	}
	kernels.CrossEntropyGrad(p.Backend, losses, logits, logits, targets, h.dLoss.Slice(from, to))
	if !h.dX.IsNone() {
		kernels.MatMul(p.Backend, kernels.MatMulArgs{C: h.dX.Slice(from, to), A: logits, B: h.w, Accumulate: h.addX})
	}
	if !h.dW.IsNone() {
		kernels.MatMul(p.Backend, kernels.MatMulArgs{C: h.dW, A: logits, B: x, TransA: true, Accumulate: h.addW})
	}
}
