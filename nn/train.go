package nn

import (
	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// Trained is a set of trainable parameters whose values and gradients lie in
// one flat buffer each, so that clipping and the optimiser see one vector.
type Trained struct {
	Params        []*autograd.Parameter
	Values, Grads tensor.Tensor // F32 [M]
}

// Train makes parameters trainable: each gets an F32 value of its own (the bytes
// it had stay as they are for whoever else reads them) and a zeroed gradient.
func Train(be kernels.Backend, params Params) *Trained {
	t := &Trained{}
	total := 0
	for w := range params {
		t.Params = append(t.Params, w)
		total += w.Value.Len()
	}
	t.Values = tensor.New(be, tensor.F32, total)
	t.Grads = tensor.New(be, tensor.F32, total)
	from := 0
	for _, w := range t.Params {
		shape, n := w.Value.Shape(), w.Value.Len()
		own := t.Values.Slice(from, from+n).Reshape(shape...)
		kernels.Convert(be, own, w.Value)
		w.Value, w.Trainable = own, true
		w.Grad = t.Grads.Slice(from, from+n).Reshape(shape...)
		from += n
	}
	return t
}

// ZeroGrads forgets the gradients of the last step.
func (t *Trained) ZeroGrads(be kernels.Backend) { kernels.Fill(be, t.Grads, 0) }

// Freeze ends training: the parameters keep their values and lose their gradients.
func (t *Trained) Freeze() {
	for _, w := range t.Params {
		w.Trainable, w.Grad = false, tensor.Tensor{}
	}
}
