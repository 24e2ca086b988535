package crash_test

import (
	"context"
	"testing"

	"lamina/crash"
	"lamina/crash/task"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// allocating counts what is asked of a device.
type allocating struct {
	kernels.Backend
	bytes int
}

func (a *allocating) Alloc(n int) tensor.Memory {
	a.bytes += n
	return a.Backend.Alloc(n)
}

// TestStepsAfterTheFirstTakeNoMemory trains on examples that get longer: room for
// the longest is made after the first pass.
func TestStepsAfterTheFirstTakeNoMemory(t *testing.T) {
	inner := cpu.New(cpu.Options{})
	defer inner.Close()
	be := &allocating{Backend: inner}
	c := small(be, "opt").Config
	c.FeedForward = 8000 // so that a long pass needs more than the arena's first piece
	full := transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.02})
	for _, micro := range []int{0, 2} {
		tr, _ := trainer(t, be, full, "0* 1 2 3 4 5*")
		tr.Valid, tr.Train = nil, nil
		for i := range 24 {
			tr.Train = append(tr.Train, task.Pair{Context: make([]int32, 2+2*i), Target: make([]int32, 1+i/3)})
		}
		tr.Settings.NoShuffle, tr.Settings.MicroBatch, tr.Settings.Epochs = true, micro, 1
		after := 0
		tr.Report = func(m crash.Metrics) {
			if m.Step == 1 {
				after = be.bytes
			}
			if be.bytes != after {
				t.Errorf("micro-batch %d: step %d asked for %d bytes", micro, m.Step, be.bytes-after)
			}
		}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if after == 0 {
			t.Fatal("no step was reported")
		}
	}
}
