package autograd_test

import (
	"bytes"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/dry"
	"lamina/tensor"
)

// dryStep is a pass with a loss, forward and backward.
func dryStep(be kernels.Backend, w *autograd.Parameter, rows int) *tensor.Arena {
	p := autograd.NewTrainingPass(be)
	ids := p.New(tensor.I32, rows)
	ids.SetInts(make([]int32, rows))
	x := p.Gather(p.Param(w), ids, tensor.F32)
	for range 3 {
		mark := p.Begin()
		x = p.End(mark, p.Add(x, p.Unary(kernels.SiLU, x)))
	}
	p.Backward(p.LinearCrossEntropy(x, p.Param(w), ids), 1)
	return p.Arena
}

// TestDryPassTakesWhatAPassTakes: a dry run over operands of another device claims
// the same memory and writes nothing.
func TestDryPassTakesWhatAPassTakes(t *testing.T) {
	real := cpu.New(cpu.Options{})
	defer real.Close()
	w := &autograd.Parameter{Value: tensor.MustNew(real, tensor.F32, 50, 24), Grad: tensor.MustNew(real, tensor.F32, 50, 24), Trainable: true}
	kernels.Fill(real, w.Value, 0.5)
	for _, rows := range []int{1, 17, 300} {
		want := dryStep(real, w, rows)
		kernels.Fill(real, w.Grad, 7)
		be := &dry.Backend{}
		got := dryStep(be, w, rows)
		if got.Extent() != want.Extent() || got.Peak() != want.Peak() {
			t.Errorf("%d rows: %d bytes, %d at the peak; on a device %d, %d", rows, got.Extent(), got.Peak(), want.Extent(), want.Peak())
		}
		if be.Bytes < got.Extent() {
			t.Errorf("%d rows: %d bytes asked for, %d used", rows, be.Bytes, got.Extent())
		}
		for i, v := range w.Grad.Floats() {
			if v != 7 {
				t.Fatalf("%d rows: gradient %d is written: %v", rows, i, v)
			}
		}
	}
}

// few wants few logits at once.
type few struct{ kernels.Backend }

func (few) LogitBytes() int { return 1 }

// TestLogitsAtOnceAreTheBackends: rows are cut as the backend says, a dry run like it
// claims the same memory, and on the host the cut changes no bit.
func TestLogitsAtOnceAreTheBackends(t *testing.T) {
	real := cpu.New(cpu.Options{})
	defer real.Close()
	const rows = 3 * autograd.HeadRows
	w := &autograd.Parameter{Value: tensor.MustNew(real, tensor.F32, 50, 24), Grad: tensor.MustNew(real, tensor.F32, 50, 24), Trainable: true}
	values := make([]float32, w.Value.Len())
	for i := range values {
		values[i] = float32(i%37) / 37
	}
	w.Value.SetFloat32s(values)
	whole := dryStep(real, w, rows)
	want := w.Grad.Raw()
	kernels.Fill(real, w.Grad, 0)
	cut := dryStep(few{real}, w, rows)
	if !bytes.Equal(w.Grad.Raw(), want) {
		t.Error("gradients depend on how rows are cut")
	}
	if cut.Extent() >= whole.Extent() {
		t.Errorf("cut rows take %d bytes, whole ones %d", cut.Extent(), whole.Extent())
	}
	if got := dryStep(&dry.Backend{Like: few{real}}, w, rows); got.Extent() != cut.Extent() {
		t.Errorf("a dry run takes %d bytes, want %d", got.Extent(), cut.Extent())
	}
}
