// Package optim updates trained parameters: AdamW and SGD, clipping by the global norm, rates and
// weight decay by group, an average of the weights, a term that holds them near their start,
// and learning-rate schedules.
//
//	trained, err := nn.Trainable(be, layer.Params())
//	opt, err := optim.NewAdamW(be, trained, optim.Config{LR: 1e-4, Clip: 1})
//	defer opt.Close()
//	rate := optim.Schedule{Kind: optim.Cosine, Warmup: 20, Steps: 500}
//	for step := range 500 {
//		... backward ...
//		norm := opt.Step(rate.Factor(step))
//	}
//
// Formulas are those of torch.optim.AdamW, torch.optim.SGD and torch.nn.utils.clip_grad_norm_; see
// [kernels.AdamWArgs] and [kernels.ClipCoefficient].
package optim

import (
	"fmt"
	"math"

	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// Config holds the hyper-parameters. Zero Beta1, Beta2 and Eps mean 0.9, 0.999, 1e-8; LR
// has no default.
type Config struct {
	LR           float64 // learning rate, above 0
	Beta1, Beta2 float64
	Eps          float64
	WeightDecay  float64
	Clip         float64 // largest global gradient norm; 0: no clipping
	Groups       []Group // rules for some parameters; the norm is that of all
	Rates        []Rate  // what multiplies the learning rate of some, beside their group's

	Average       float64 // decay of a running average of the weights, from 0 to below 1; 0: none
	AverageAtOnce bool    // see [Config.AverageDecay]
}

// AdamW is the optimiser and its state. It holds the memory of its moments until Close.
type AdamW struct {
	Config
	// Done counts the steps taken; M and V are the moments, F32 [M] flat in the
	// order of the trained parameters. All three are what a resumed run needs, and with
	// Config.Average the average of the weights, likewise; none without.
	Done           int
	M, V, Averaged tensor.Tensor

	be        kernels.Backend
	trained   *nn.Trained
	sum, coef tensor.Tensor
	parts     []stretch
}

// Validate returns an error for a number that nothing can be learned with, such as a
// learning rate that was left out.
func (c Config) Validate() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case !(c.LR > 0) || !finite(c.LR):
		return fmt.Errorf("learning rate %v: Config.LR has no default, want a positive number", c.LR)
	case !(c.Beta1 >= 0 && c.Beta1 < 1), !(c.Beta2 >= 0 && c.Beta2 < 1):
		return fmt.Errorf("betas %v, %v: want them from 0 to below 1", c.Beta1, c.Beta2)
	case !(c.Eps >= 0) || !finite(c.Eps):
		return fmt.Errorf("eps %v: want a positive number, or 0 for 1e-8", c.Eps)
	case !(c.WeightDecay >= 0) || !finite(c.WeightDecay):
		return fmt.Errorf("weight decay %v: want 0 or more", c.WeightDecay)
	case !(c.Clip >= 0):
		return fmt.Errorf("clip %v: want a positive norm, or 0 for none", c.Clip)
	case !(c.Average >= 0 && c.Average < 1):
		return fmt.Errorf("average %v: want a decay from 0 (none) to below 1", c.Average)
	}
	return nil
}

// NewAdamW returns an optimiser with zero moments. The error is that of memory, of
// [Config.Validate], or of a group that cannot be used.
func NewAdamW(be kernels.Backend, t *nn.Trained, c Config) (*AdamW, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("optim: AdamW: %w", err)
	}
	if c.Beta1 == 0 {
		c.Beta1 = 0.9
	}
	if c.Beta2 == 0 {
		c.Beta2 = 0.999
	}
	if c.Eps == 0 {
		c.Eps = 1e-8
	}
	o := &AdamW{Config: c, be: be, trained: t}
	n := t.Values.Len()
	for _, state := range []struct {
		field *tensor.Tensor
		dtype tensor.DType
		len   int
	}{{&o.M, tensor.F32, n}, {&o.V, tensor.F32, n}, {&o.sum, tensor.F64, 1}, {&o.coef, tensor.F32, 1}} {
		var err error
		if *state.field, err = tensor.New(be, state.dtype, state.len); err != nil {
			o.Close()
			return nil, fmt.Errorf("moments of %d trained weights: %w", n, err)
		}
	}
	var err error
	if o.Average > 0 {
		if o.Averaged, err = tensor.New(be, tensor.F32, n); err != nil {
			o.Close()
			return nil, fmt.Errorf("average of %d trained weights: %w", n, err)
		}
		kernels.Convert(be, o.Averaged, t.Values)
	}
	if o.parts, err = o.stretches(); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Close gives the memory of the moments and the average back. The optimiser takes no further step.
func (o *AdamW) Close() {
	for _, t := range []*tensor.Tensor{&o.M, &o.V, &o.Averaged, &o.sum, &o.coef} {
		t.Free()
		*t = tensor.Tensor{}
	}
}

// Step clips the gradients, updates the values with LR·factor, and the average of them,
// and zeroes the gradients. It returns the gradient norm before clipping; if that is not finite
// nothing is updated.
func (o *AdamW) Step(factor float64) (norm float64) {
	t := o.trained
	kernels.Fill(o.be, o.sum.As(tensor.F32, 2), 0) // two zeros of 32 bits are one of 64
	kernels.SumSquares(o.be, o.sum, t.Grads)
	args := kernels.AdamWArgs{Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps, ZeroGrad: true}
	if o.Clip > 0 {
		kernels.ClipCoefficient(o.be, o.coef, o.sum, o.Clip)
		args.Coef = o.coef
	}
	norm = math.Sqrt(o.sum.Floats()[0])
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		t.ZeroGrads(o.be)
		return norm
	}
	o.Done++
	args.Step = o.Done
	for _, s := range o.parts {
		args.W, args.Grad, args.M, args.V = s.w, s.grad, s.m, s.v
		args.LR, args.WeightDecay = o.LR*s.lr*factor, s.weightDecay
		kernels.AdamW(o.be, args)
	}
	o.average()
	return norm
}

// Kind is the shape of a schedule.
type Kind string

// The schedules, as transformers' get_scheduler names them.
const (
	Constant Kind = "constant"
	Linear   Kind = "linear"
	Cosine   Kind = "cosine"
)

// Schedule scales the learning rate over a run of Steps steps: a linear rise
// over Warmup steps, then constant, or linearly or by half a cosine down to 0.
type Schedule struct {
	Kind   Kind
	Warmup int
	Steps  int
}

// Validate returns an error for an unknown kind or impossible lengths.
func (s Schedule) Validate() error {
	switch s.Kind {
	case Constant, Linear, Cosine:
	default:
		return fmt.Errorf("schedule %q is not known (constant, linear, cosine)", s.Kind)
	}
	if s.Warmup < 0 || s.Steps < 0 {
		return fmt.Errorf("schedule: warm-up %d and steps %d must not be negative", s.Warmup, s.Steps)
	}
	return nil
}

// Factor returns the multiplier for a step counted from 0: transformers'
// get_{constant,linear,cosine}_schedule_with_warmup.
func (s Schedule) Factor(step int) float64 {
	if step < s.Warmup {
		return float64(step) / float64(max(1, s.Warmup))
	}
	progress := float64(step-s.Warmup) / float64(max(1, s.Steps-s.Warmup))
	switch s.Kind {
	case Linear:
		return max(0, 1-progress)
	case Cosine:
		return max(0, 0.5*(1+math.Cos(math.Pi*progress)))
	}
	return 1
}
