package optim

import (
	"lamina/kernels"
	"lamina/tensor"
)

// AverageDecay returns the share of the average that a step leaves, the one after done
// steps:
//
//	min(Average, (1+done)/(10+done))
//
// so that the first steps count too: Average alone, of 0.999, would for a thousand steps
// be mostly the weights before training. It is the warm-up of diffusers' EMAModel and
// TensorFlow's ExponentialMovingAverage. With AverageAtOnce it is Average from the first
// step on, as timm's ModelEma and torch.optim.swa_utils have it.
func (c Config) AverageDecay(done int) float64 {
	if c.AverageAtOnce {
		return c.Average
	}
	return min(c.Average, float64(1+done)/float64(10+done))
}

// average moves the average towards the weights after a step:
//
//	Averaged = d·Averaged + (1-d)·Values      d = AverageDecay(Done-1)
//
// in 32 bits.
func (o *AdamW) average() {
	if o.Averaged.IsNone() {
		return
	}
	d := o.AverageDecay(o.Done - 1)
	kernels.AddScaled(o.be, o.Averaged, o.Averaged, d-1)
	kernels.AddScaled(o.be, o.Averaged, o.trained.Values, 1-d)
}

// State returns what a resumed run needs beside the weights and Done, each F32 [M], by the
// names that checkpoints have.
func (o *AdamW) State() map[string]tensor.Tensor {
	state := map[string]tensor.Tensor{"m": o.M, "v": o.V}
	if !o.Averaged.IsNone() {
		state["average"] = o.Averaged
	}
	return state
}
