package autograd_test

import (
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// wide is an operation from outside that asks for more than a record holds.
type wide struct{}

func (wide) Name() string                                             { return "wide" }
func (wide) Backward(*autograd.Pass, *autograd.Record, tensor.Tensor) {}

func TestRecordSaysWhatItHolds(t *testing.T) {
	p := autograd.NewTrainingPass(ref.New())
	x := p.Param(leaf(1, 2))
	mustPanic(t, "autograd: Record: wide has 5 inputs, a record holds 4", func() {
		p.Record(wide{}, new(autograd.Var), x, x, x, x, x)
	})
	y := p.Input(x.T)
	r := p.Record(wide{}, &y, x)
	mustPanic(t, "autograd: Save: wide saves in slot 8, a record has 8", func() { p.Save(r, 8, x.T) })
	p.Save(r, 7, x.T)
	mustPanic(t, "autograd: Save: wide saves in slot 7 twice: F32[2], F32[2]", func() { p.Save(r, 7, x.T) })
}

// mustPanic fails unless f panics with the text want.
func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panics with %v, want %q", got, want)
		}
	}()
	f()
}
