package train_test

import (
	"context"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/eval/task"
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

func (a *allocating) Alloc(n int) (tensor.Memory, error) {
	a.bytes += n
	return a.Backend.Alloc(n)
}

// TestStepsAfterTheFirstTakeNoMemory trains on examples that get longer: room for
// the longest is made after the first pass.
func TestStepsAfterTheFirstTakeNoMemory(t *testing.T) {
	inner := cpu.New(cpu.Options{})
	defer inner.Close()
	be := &allocating{Backend: inner}
	c := crashtest.Small(be, "opt").Config
	c.FeedForward = 8000 // so that a long pass needs more than the arena's first piece
	full := transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.02})
	for _, micro := range []int{0, 2} {
		be.bytes = 0
		tr, e := trainer(t, be, full, "0* 1 2 3 4 5*")
		before := be.bytes
		var pairs []task.Pair
		for i := range 24 {
			pairs = append(pairs, task.Pair{Context: make([]int32, 2+2*i), Target: make([]int32, 1+i/3)})
		}
		tr.Valid, tr.Train = nil, crashtest.NextToken(t, e.Decoder, pairs)
		tr.Settings.NoShuffle, tr.Settings.MicroBatch, tr.Settings.Epochs = true, micro, 1
		tr.Recompute = micro == 2
		plan, err := tr.Memory()
		if err != nil || be.bytes != before {
			t.Fatalf("micro-batch %d: planning asked for %d bytes, %v", micro, be.bytes-before, err)
		}
		after := 0
		tr.Report = func(m train.Metrics) {
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
		// Beyond the plan: two scalars of the optimiser.
		if got, want := after-before, plan.Trained+plan.Pass; got < want || got > want+100 {
			t.Errorf("micro-batch %d: a run took %d bytes of its device, %d were planned", micro, got, want)
		}
	}
}

// TestMemoryCountsFrozenWeightsOnce holds the plan against a count by hand, and
// checks that planning leaves the weights as they were.
func TestMemoryCountsFrozenWeightsOnce(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		memoryOf(t, be, crashtest.Small(be, family))
	}
}

func memoryOf(t *testing.T, be kernels.Backend, full *transformer.Decoder) {
	t.Helper()
	tr, _ := trainer(t, be, full, "0* 1 2 2 2 5*")
	values := map[string]tensor.Tensor{}
	for w := range tr.Held {
		values[w.Name] = w.Value
	}
	m, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	block := full.Config.BlockParams()
	rest := full.Config.Params() - full.Config.Layers*block
	if m.Trained != 2*16*block || m.Frozen != 4*(rest+2*block) || m.Pass == 0 || m.Total() != m.Trained+m.Frozen+m.Pass {
		t.Errorf("%+v: want %d frozen bytes and %d for what is trained", m, 4*(rest+2*block), 2*16*block)
	}
	for w := range tr.Held {
		if w.Value != values[w.Name] || w.Trainable || !w.Grad.IsNone() {
			t.Errorf("%s is changed", w.Name)
		}
	}
	tr.Recompute = true
	less, err := tr.Memory()
	if err != nil || less.Pass >= m.Pass {
		t.Errorf("recomputing takes %d bytes, %d without, %v", less.Pass, m.Pass, err)
	}
	tr.Train = crashtest.NextToken(t, full, nil)
	if _, err := tr.Memory(); err == nil {
		t.Error("a run without examples is planned")
	}
}

// TestRecomputingTrainsToTheSameBits: weights after some steps with dropout.
func TestRecomputingTrainsToTheSameBits(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	var want []float64
	for _, recompute := range []bool{false, true} {
		full := crashtest.Small(be, "opt")
		tr, e := trainer(t, be, full, "0* 1 2 3 4* 5")
		tr.Settings.Dropout, tr.Recompute = 0.1, recompute
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		var got []float64
		for w := range e.Params() {
			got = append(got, w.Value.Floats()...)
		}
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Error("recomputing changes the weights")
		}
	}
}
