package nn

import (
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// Trained is a set of trainable parameters whose values and gradients lie in
// one flat buffer each, so that clipping and the optimiser see one vector. It holds
// this memory until Close.
type Trained struct {
	Params        []*autograd.Parameter
	Values, Grads tensor.Tensor // F32 [M]; Grads is none once frozen

	before []tensor.Tensor // what Params held, in their order
}

// Trainable makes parameters trainable: each gets an F32 value of its own (the bytes
// it had stay as they are for whoever else reads them) and a zeroed gradient. The error
// is that of memory; the parameters are as before then.
func Trainable(be kernels.Backend, params Params) (*Trained, error) {
	t := &Trained{}
	total := 0
	for w := range params {
		if err := w.Value.Err(); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", w.Name, err)
		}
		t.Params, t.before = append(t.Params, w), append(t.before, w.Value)
		total += w.Value.Len()
	}
	var err error
	if t.Values, err = tensor.New(be, tensor.F32, total); err != nil {
		return nil, fmt.Errorf("values of %d trained weights: %w", total, err)
	}
	if t.Grads, err = tensor.New(be, tensor.F32, total); err != nil {
		t.Values.Free()
		return nil, fmt.Errorf("gradients of %d trained weights: %w", total, err)
	}
	from := 0
	for _, w := range t.Params {
		shape, n := w.Value.Shape(), w.Value.Len()
		own := t.Values.Slice(from, from+n).Reshape(shape...)
		kernels.Convert(be, own, w.Value)
		w.Value, w.Trainable = own, true
		w.Grad = t.Grads.Slice(from, from+n).Reshape(shape...)
		from += n
	}
	return t, nil
}

// ZeroGrads forgets the gradients of the last step.
func (t *Trained) ZeroGrads(be kernels.Backend) { kernels.Fill(be, t.Grads, 0) }

// Use lets the parameters have the values of another buffer, F32 [M] in the order of Params,
// such as an average of those they had, and returns the one they had: it is used again
// before t is trained on, frozen or closed.
func (t *Trained) Use(values tensor.Tensor) (before tensor.Tensor) {
	if values.DType() != tensor.F32 || values.Len() != t.Values.Len() {
		panic(fmt.Sprintf("nn: Use: values of another size: %v for %v", values, t.Values))
	}
	before, t.Values = t.Values, values
	from := 0
	for _, w := range t.Params {
		n := w.Value.Len()
		w.Value = values.Slice(from, from+n).Reshape(w.Value.Shape()...)
		from += n
	}
	return before
}

// Freeze ends training and gives the memory of the gradients back. The parameters keep
// their values, which stay in memory of t.
func (t *Trained) Freeze() {
	for _, w := range t.Params {
		w.Trainable, w.Grad = false, tensor.Tensor{}
	}
	t.Grads.Free()
	t.Grads = tensor.Tensor{}
}

// Close freezes, lets the parameters have the values again that they had before
// [Trainable], and gives the memory back: what was learned is to be saved, or no longer
// wanted. Values that t does not hold are left alone. A second call does nothing.
func (t *Trained) Close() {
	t.Freeze()
	for i, w := range t.Params {
		if w.Value.Overlaps(t.Values) {
			w.Value = t.before[i]
		}
	}
	t.Values.Free()
	*t = Trained{}
}
