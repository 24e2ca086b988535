package optim

import (
	"fmt"

	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// Proximal holds trained weights T near where they started, T₀, as FedProx does (Li et al.
// 2020, arXiv 1812.06127, with λ = μ/2), and L2-SP (Li et al. 2018): to a loss it adds
//
//	λ‖T - T₀‖²      whose gradient is 2λ(T - T₀)
//
// It holds the memory of T₀ until Close.
type Proximal struct {
	lambda          float64
	be              kernels.Backend
	trained         *nn.Trained
	start           tensor.Tensor // T₀, F32 [M]
	difference, sum tensor.Tensor // scratch: F32 [min(M, proximalPiece)], F64 [1]
}

// proximalPiece is how many weights are looked at in one go.
const proximalPiece = 1 << 18

// NewProximal notes the weights as they are now as T₀. The error is that of memory.
func NewProximal(be kernels.Backend, t *nn.Trained, lambda float64) (*Proximal, error) {
	x := &Proximal{lambda: lambda, be: be, trained: t}
	n := t.Values.Len()
	for _, state := range []struct {
		field *tensor.Tensor
		dtype tensor.DType
		len   int
	}{{&x.start, tensor.F32, n}, {&x.difference, tensor.F32, min(n, proximalPiece)}, {&x.sum, tensor.F64, 1}} {
		var err error
		if *state.field, err = tensor.New(be, state.dtype, state.len); err != nil {
			x.Close()
			return nil, fmt.Errorf("%d trained weights as they start: %w", n, err)
		}
	}
	kernels.Convert(be, x.start, t.Values)
	return x, nil
}

// Close gives the memory back.
func (x *Proximal) Close() {
	for _, t := range []*tensor.Tensor{&x.start, &x.difference, &x.sum} {
		t.Free()
		*t = tensor.Tensor{}
	}
}

// Add adds the gradient, once a step, and returns ‖T - T₀‖², which is of the weights before
// the step. T - T₀ is formed first, so that nothing of it is lost beside T, and its squares
// are summed in float64.
func (x *Proximal) Add() (distance float64) {
	t := x.trained
	kernels.Fill(x.be, x.sum.As(tensor.F32, 2), 0) // two zeros of 32 bits are one of 64
	for from := 0; from < t.Values.Len(); from += proximalPiece {
		to := min(from+proximalPiece, t.Values.Len())
		d := x.difference.Slice(0, to-from)
		kernels.Binary(x.be, kernels.Sub, d, t.Values.Slice(from, to), x.start.Slice(from, to))
		kernels.SumSquares(x.be, x.sum, d)
		kernels.AddScaled(x.be, t.Grads.Slice(from, to), d, 2*x.lambda)
	}
	return x.sum.Floats()[0]
}
