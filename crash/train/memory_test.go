package train_test

import (
	"context"
	"errors"
	"testing"

	"lamina/crash/crashtest"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestBreakdownEndsARun: at any call of a device (one in 31 is tried), with its error.
func TestBreakdownEndsARun(t *testing.T) {
	inner := ref.New()
	full := crashtest.Small(inner, "opt")
	for n := 1; ; n += 31 {
		be := kerneltest.NewBroken(inner, n)
		tr, _ := trainer(t, be, full, "0* 1 2*")
		tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.EvalEvery, tr.Settings.Batch = 0, 2, 1, 1
		_, err := tr.Run(context.Background())
		tr.Close()
		if be.Sync() == nil {
			if n < 200 || err != nil {
				t.Errorf("%d calls: %v", n-1, err)
			}
			return
		}
		if !errors.Is(err, kerneltest.ErrBroken) {
			t.Fatalf("call %d breaks the device: %v", n, err)
		}
	}
}

// TestRunSurvivesEachRefusal: whichever allocation a device refuses, a run ends with one
// error, and Close gives everything back and leaves the weights as they were.
func TestRunSurvivesEachRefusal(t *testing.T) {
	inner := ref.New()
	full := crashtest.Small(inner, "opt")
	before := inner.Held()
	for n := 1; ; n++ {
		be := kerneltest.NewFailing(inner, n)
		tr, e := trainer(t, be, full, "0* 1 2*")
		pairs := crashtest.Pairs(6)
		tr.Settings.Epochs, tr.Settings.Steps = 0, 2
		tr.Train, tr.Valid = crashtest.NextToken(t, e.Decoder, pairs[:4]), crashtest.NextToken(t, e.Decoder, pairs[4:])
		values := map[string]tensor.Tensor{}
		for w := range e.Params() {
			values[w.Name] = w.Value
		}
		_, err := tr.Run(context.Background())
		tr.Close()
		tr.Close()
		if held := inner.Held() - before; held != 0 {
			t.Errorf("allocation %d is refused: %d bytes are not given back", n, held)
		}
		for w := range e.Params() {
			if w.Value != values[w.Name] || w.Trainable {
				t.Errorf("allocation %d is refused: %s is not what it was", n, w.Name)
			}
		}
		if be.Asked() < n {
			if err != nil || n < 7 { // values, gradients, four of the optimiser, activations
				t.Errorf("%d allocations: %v", n-1, err)
			}
			return
		}
		var oom *tensor.OutOfMemory
		if !errors.As(err, &oom) || be.Asked() != n {
			t.Errorf("allocation %d is refused, %d were asked for: %v", n, be.Asked(), err)
		}
	}
}

// TestLongRunsArePlannedInAnEpoch: what a run of a thousand million steps takes is said at
// once, as that of one which is looked at step by step, or a little more, never less.
func TestLongRunsArePlannedInAnEpoch(t *testing.T) {
	be := ref.New()
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2*")
	tr.Settings.Epochs, tr.Settings.Batch = 0, 3
	pass := func(steps, batch int) int {
		tr.Settings.Steps, tr.Settings.Batch = steps, batch
		m, err := tr.Memory()
		if err != nil {
			t.Fatal(err)
		}
		return m.Pass
	}
	few, many := pass(2000, 3), pass(1_000_000_000, 3)
	if many < few || many > 2*few {
		t.Errorf("a pass takes %d bytes, of a long run %d", few, many)
	}
	if all, more := pass(5, tr.Train.Len()), pass(1_000_000_000, 1_000_000_000); all != more {
		t.Errorf("a batch of all takes %d bytes, one of more than all %d", all, more)
	}
}
