package autograd_test

import (
	"errors"
	"math"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestPassNotesItsFirstError: what comes after the refused tensor computes nothing and
// asks for nothing, whatever backend the pass ran on; Reset begins anew.
func TestPassNotesItsFirstError(t *testing.T) {
	inner := ref.New()
	be := kerneltest.NewFailing(inner, 2)
	p := autograd.NewTrainingPass(be)
	p.Arena.ChunkBytes = 1
	w := leaf(1, 2, 3)
	sum := func() autograd.Var { return p.Sum(p.Mul(p.Scale(p.Param(w), 2), p.Param(w))) }
	loss := sum()
	var oom *tensor.OutOfMemory
	if err := p.Err(); !errors.As(err, &oom) || oom.Wanted == 0 || oom.Held == 0 || p.Sync() != err || p.Backward(loss, 1) != err {
		t.Fatalf("error %v", err)
	}
	if got := loss.T.Floats()[0]; !math.IsNaN(got) || be.Asked() != 2 || loss.T.Err() != p.Err() {
		t.Errorf("a failed pass comes to %v, %d allocations", got, be.Asked())
	}
	ids := p.New(tensor.I32, 2)
	ids.SetInts([]int32{7, 7})
	if got := ids.Ints(); got[0] != -1 || got[1] != -1 {
		t.Errorf("ids of a failed pass are %v", got)
	}
	if queue, err := p.Backend.Queue(); err != nil || queue != p.Backend || p.Backend == kernels.Backend(be) {
		t.Errorf("a failed pass runs on %v, %v", p.Backend, err)
	}
	p.Fail(errors.New("another"))
	if p.Err() != error(oom) {
		t.Errorf("the first error became %v", p.Err())
	}

	p.Reset()
	if p.Err() != nil || p.Backend != kernels.Backend(be) {
		t.Errorf("after Reset: %v on %s", p.Err(), p.Backend.Name())
	}
	if err := p.Backward(sum(), 1); err != nil || p.Sync() != nil {
		t.Fatal(err)
	}
	if got := w.Grad.Floats(); got[0] != 4 || got[2] != 12 {
		t.Errorf("gradient %v after a failed pass and a good one", got)
	}
	p.Close()
	if inner.Held() != 0 {
		t.Errorf("%d bytes held after Close", inner.Held())
	}
}

// TestPassFailsOnAParameterWithoutMemory: as an initialiser leaves it.
func TestPassFailsOnAParameterWithoutMemory(t *testing.T) {
	cause := errors.New("cause")
	p := autograd.NewPass(ref.New())
	y := p.Scale(p.Param(&autograd.Parameter{Value: tensor.NoMemory(cause, tensor.F32, 2)}), 2)
	if p.Err() != cause || !math.IsNaN(y.T.Floats()[1]) {
		t.Errorf("error %v, result %v", p.Err(), y.T.Floats())
	}
	p.Reset()
	p.Fail(cause)
	if p.Sync() != cause {
		t.Errorf("after Fail: %v", p.Sync())
	}
}

func TestInferencePassSaysHowToTrain(t *testing.T) {
	p := autograd.NewPass(ref.New())
	loss := p.Sum(p.Param(leaf(1, 2)))
	if p.Training() || loss.Tracked() || len(p.Ops()) != 0 || !autograd.NewTrainingPass(ref.New()).Training() {
		t.Error("an inference pass records")
	}
	mustPanic(t, "autograd: Backward: an inference pass records nothing: make the pass with NewTrainingPass", func() {
		_ = p.Backward(loss, 1)
	})
}
