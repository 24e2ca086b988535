package optim

import (
	"fmt"
	"math"

	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// Optimizer updates trained parameters: [AdamW] or [SGD]. It holds memory until Close.
type Optimizer interface {
	// Step clips the gradients, updates the values with the learning rate times factor and
	// zeroes the gradients. It returns the norm before clipping; if that is not finite
	// nothing is updated.
	Step(factor float64) (norm float64)
	// State returns what a resumed run needs beside the weights and Steps, each F32 [M] in the
	// order of the trained parameters, by the names that checkpoints have.
	State() map[string]tensor.Tensor
	// Steps returns how many steps were taken, which SetSteps says of a resumed run.
	Steps() int
	SetSteps(n int)
	Close()
}

var (
	_ Optimizer = (*AdamW)(nil)
	_ Optimizer = (*SGD)(nil)
)

// Steps returns Done.
func (o *AdamW) Steps() int { return o.Done }

// SetSteps sets Done.
func (o *AdamW) SetSteps(n int) { o.Done = n }

// SGDConfig are the hyper-parameters of [SGD]. LR has no default.
type SGDConfig struct {
	LR          float64 // learning rate, above 0
	Momentum    float64 // from 0 to below 1
	Nesterov    bool    // look ahead along the momentum, which is above 0 then
	WeightDecay float64 // of every parameter, added to the gradient after clipping
	Clip        float64 // largest global gradient norm; 0: no clipping
}

// Validate returns an error for a number that nothing can be learned with.
func (c SGDConfig) Validate() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case !(c.LR > 0) || !finite(c.LR):
		return fmt.Errorf("learning rate %v: SGDConfig.LR has no default, want a positive number", c.LR)
	case !(c.Momentum >= 0 && c.Momentum < 1):
		return fmt.Errorf("momentum %v: want it from 0 to below 1", c.Momentum)
	case c.Nesterov && c.Momentum == 0:
		return fmt.Errorf("momentum 0: Nesterov's wants one above 0")
	case !(c.WeightDecay >= 0) || !finite(c.WeightDecay):
		return fmt.Errorf("weight decay %v: want 0 or more", c.WeightDecay)
	case !(c.Clip >= 0):
		return fmt.Errorf("clip %v: want a positive norm, or 0 for none", c.Clip)
	}
	return nil
}

// SGD is stochastic gradient descent with momentum, as torch.optim.SGD has it without
// dampening:
//
//	g = coef·grad + WeightDecay·w
//	m = Momentum·m + g
//	w -= LR·factor·(g + Momentum·m)      without Nesterov: LR·factor·m
//
// coef is that of [kernels.ClipCoefficient]. Beside values and gradients it holds m, F32 [M].
type SGD struct {
	SGDConfig
	Done int // steps taken

	m               tensor.Tensor
	be              kernels.Backend
	trained         *nn.Trained
	sum, coef, keep tensor.Tensor // F64 [1]; F32 [1], [1]
}

// NewSGD returns an optimiser with zero momentum. The error is that of memory or of
// [SGDConfig.Validate].
func NewSGD(be kernels.Backend, t *nn.Trained, c SGDConfig) (*SGD, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("optim: SGD: %w", err)
	}
	o := &SGD{SGDConfig: c, be: be, trained: t}
	n := t.Values.Len()
	for _, state := range []struct {
		field *tensor.Tensor
		dtype tensor.DType
		len   int
	}{{&o.m, tensor.F32, n}, {&o.sum, tensor.F64, 1}, {&o.coef, tensor.F32, 1}, {&o.keep, tensor.F32, 1}} {
		var err error
		if *state.field, err = tensor.New(be, state.dtype, state.len); err != nil {
			o.Close()
			return nil, fmt.Errorf("momentum of %d trained weights: %w", n, err)
		}
	}
	kernels.Fill(be, o.keep, c.Momentum)
	kernels.Fill(be, o.coef, 1)
	return o, nil
}

// Close gives the memory of the momentum back. The optimiser takes no further step.
func (o *SGD) Close() {
	for _, t := range []*tensor.Tensor{&o.m, &o.sum, &o.coef, &o.keep} {
		t.Free()
		*t = tensor.Tensor{}
	}
}

// State returns the momentum, as "m".
func (o *SGD) State() map[string]tensor.Tensor { return map[string]tensor.Tensor{"m": o.m} }

// Steps returns Done.
func (o *SGD) Steps() int { return o.Done }

// SetSteps sets Done.
func (o *SGD) SetSteps(n int) { o.Done = n }

// sgdPiece is how many weights are updated in one go, so that they stay in the cache.
const sgdPiece = 1 << 18

// Step makes a step, see [Optimizer].
func (o *SGD) Step(factor float64) (norm float64) {
	t := o.trained
	kernels.Fill(o.be, o.sum.As(tensor.F32, 2), 0) // two zeros of 32 bits are one of 64
	kernels.SumSquares(o.be, o.sum, t.Grads)
	if o.Clip > 0 {
		kernels.ClipCoefficient(o.be, o.coef, o.sum, o.Clip)
	}
	norm = math.Sqrt(o.sum.Floats()[0])
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		t.ZeroGrads(o.be)
		return norm
	}
	o.Done++
	for from := 0; from < t.Values.Len(); from += sgdPiece {
		to := min(from+sgdPiece, t.Values.Len())
		o.update(t.Values.Slice(from, to), t.Grads.Slice(from, to), o.m.Slice(from, to), o.LR*factor)
	}
	return norm
}

// update moves some weights and leaves their gradient zero. Products and sums are rounded
// where torch's _single_tensor_sgd rounds them, but for one multiply-add where the
// processor has it.
func (o *SGD) update(w, g, m tensor.Tensor, rate float64) {
	if o.Clip > 0 {
		kernels.Binary(o.be, kernels.Mul, g, g, o.coef)
	}
	if o.WeightDecay > 0 {
		kernels.AddScaled(o.be, g, w, o.WeightDecay)
	}
	kernels.Binary(o.be, kernels.Mul, m, m, o.keep)
	kernels.AddScaled(o.be, m, g, 1)
	if !o.Nesterov {
		kernels.AddScaled(o.be, w, m, -rate)
	} else {
		kernels.AddScaled(o.be, g, m, o.Momentum)
		kernels.AddScaled(o.be, w, g, -rate)
	}
	kernels.Fill(o.be, g, 0)
}
