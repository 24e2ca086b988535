package autograd

import (
	"lamina/kernels"
	"lamina/tensor"
)

// Softmax normalises the last axis: y = exp(x)/Σexp(x).
//
//	dX = y·(dY - Σ dY·y)
func (p *Pass) Softmax(x Var) Var {
	y := Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Softmax(p.Backend, y.T, x.T)
	if r := p.Record(softmaxOp{}, &y, x); r != nil {
		p.Save(r, 0, y.T)
	}
	return y
}

type softmaxOp struct{}

func (softmaxOp) Name() string { return "softmax" }

func (softmaxOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.New(dY.DType(), dY.Shape()...)
	kernels.SoftmaxBackward(p.Backend, dX, dY, r.Saved[0])
	p.Give(r.In[0], dX)
}

// LogSoftmax returns the logarithms of [Pass.Softmax], y = x - log Σexp(x) over the last
// axis: what distillation, and any loss over probabilities, is made of. Softmax and Log
// one after the other lose what is far below the largest.
//
//	dX = dY - exp(y)·Σ dY
func (p *Pass) LogSoftmax(x Var) Var {
	y := Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.LogSoftmax(p.Backend, y.T, x.T)
	if r := p.Record(logSoftmaxOp{}, &y, x); r != nil {
		p.Save(r, 0, y.T)
	}
	return y
}

type logSoftmaxOp struct{}

func (logSoftmaxOp) Name() string { return "log_softmax" }

func (logSoftmaxOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.overwrite(dY)
	kernels.LogSoftmaxBackward(p.Backend, dX, dY, r.Saved[0])
	p.Give(r.In[0], dX)
}

// CrossEntropy returns each row's loss [R] = log Σ exp(logits) - logits[target],
// in nats: logits [R V], targets I32 [R]. Only rows with a target are given to it
// (gather them before the head).
//
//	dLogits = (softmax(logits) - onehot(target))·dLoss[r]
//
// Backward overwrites the saved logits, V numbers a row, unless another
// operation saved them too.
func (p *Pass) CrossEntropy(logits Var, targets tensor.Tensor) Var {
	d, rows := logits.T.DType(), logits.T.Rows()
	loss, lse := Var{T: p.New(d, rows)}, p.New(d, rows)
	kernels.CrossEntropy(p.Backend, loss.T, lse, logits.T, targets)
	if r := p.Record(crossEntropyOp{}, &loss, logits); r != nil {
		p.Save(r, 0, logits.T)
		p.Save(r, 1, targets)
	}
	return loss
}

type crossEntropyOp struct{}

func (crossEntropyOp) Name() string { return "cross_entropy" }

func (crossEntropyOp) Backward(p *Pass, r *Record, dLoss tensor.Tensor) {
	logits := r.Saved[0]
	dLogits := logits
	if p.Arena.Held(logits) { // somebody else still reads them
		dLogits = p.New(logits.DType(), logits.Shape()...)
	}
	loss := p.New(dLoss.DType(), dLoss.Shape()...)
	kernels.CrossEntropyGrad(p.Backend, loss, dLogits, logits, r.Saved[1], dLoss)
	p.Give(r.In[0], dLogits)
}

// Dropout says how elements are dropped in training. The zero value drops nothing.
type Dropout struct {
	P    float64       // probability of a zero
	Seed uint64        // the run's seed
	Step uint64        // optimiser step
	Rows tensor.Tensor // I32 [N 2]: sample id and position of each row of the stream
	// Own lets layers drop that have a probability of their own ([Pass.ApplyOwnDropout]).
	Own bool

	place, op uint64
}

// At tells dropout which place of the model runs now, so that each call there
// has a stream of random numbers of its own.
func (d *Dropout) At(place int) { d.place, d.op = uint64(place), 0 }

// ApplyDropout zeroes elements of x [N D] with probability Dropout.P and scales
// the rest by 1/(1-P), in frozen layers too (as torch's train mode does). The mask
// depends on seed, step, place, sample, position and feature only, and is
// computed again in backward.
func (p *Pass) ApplyDropout(x Var) Var { return p.drop(x, p.Dropout.P) }

// ApplyOwnDropout is ApplyDropout with a layer's own probability, where Dropout.Own asks for
// that: in training. Each call at a place of the model has a mask of its own.
func (p *Pass) ApplyOwnDropout(x Var, probability float64) Var {
	if !p.Dropout.Own {
		return x
	}
	return p.drop(x, probability)
}

func (p *Pass) drop(x Var, probability float64) Var {
	if probability == 0 {
		return x
	}
	d := &p.Dropout
	stream := d.Step<<24 | d.place<<8 | d.op
	d.op++
	y := Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Dropout(p.Backend, kernels.DropoutArgs{Y: y.T, X: x.T, Rows: d.Rows, P: probability, Seed: d.Seed, Stream: stream})
	if r := p.Record(dropoutOp{}, &y, x); r != nil {
		p.Save(r, 0, d.Rows)
		r.Scalar, r.Ints = probability, [4]int{int(d.Seed), int(stream)}
	}
	return y
}

type dropoutOp struct{}

func (dropoutOp) Name() string { return "dropout" }

func (dropoutOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.overwrite(dY)
	kernels.Dropout(p.Backend, kernels.DropoutArgs{Y: dX, X: dY, Rows: r.Saved[0], P: r.Scalar, Seed: uint64(r.Ints[0]), Stream: uint64(r.Ints[1])})
	p.Give(r.In[0], dX)
}
