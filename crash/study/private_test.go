package study_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer/peft"
)

// observed keeps nothing of a run but the first moments after its last step.
type observed struct {
	opt    optim.Optimizer
	moment []float32
}

func (o *observed) Resume(_ *nn.Trained, opt optim.Optimizer) (s train.State, found bool, err error) {
	o.opt = opt
	return s, false, nil
}

func (o *observed) Log(train.Metrics) error {
	o.moment = o.opt.State()["m"].Float32s()
	return nil
}

func (*observed) Save(train.State, *nn.Trained, optim.Optimizer) error { return nil }
func (*observed) Room(*nn.Trained, optim.Optimizer) error              { return nil }
func (*observed) SaveBest(*nn.Trained) error                           { return nil }
func (*observed) LoadBest(*nn.Trained) error                           { return nil }

// firstMoment is what one step on some pairs makes of AdamW's first moment where a kind of
// PEFT trains: a tenth of the gradient that it was given.
func firstMoment(t *testing.T, c peft.Config, pairs []task.Pair, clip float64) []float32 {
	t.Helper()
	f := besides(t, "0* 1 5*", c)
	for w := range f.Trainer.Params { // B is 0 before training, and A has no gradient then
		values := w.Value.Float32s()
		for i := range values {
			values[i] += float32(1+i%5) / 50
		}
		w.Value.SetFloat32s(values)
	}
	tr := f.Trainer
	tr.Settings = train.Settings{LR: 1e-3, Steps: 1, Batch: len(pairs), Schedule: optim.Constant}
	if clip > 0 {
		seed := uint64(1)
		tr.Settings.Private = &train.Private{Clip: clip, Delta: 1e-5, Seed: &seed}
	}
	var err error
	if tr.Key, err = new(train.RunDir).KeyOf(tr.Settings); err != nil {
		t.Fatal(err)
	}
	seen := &observed{}
	tr.Train, tr.Store = crashtest.NextToken(t, f.Part.Decoder, pairs), seen
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	tr.Close()
	return seen.moment
}

// TestPrivateGradientOfPEFT: where LoRA's matrices train, or what another kind adds, an
// example's gradient is clipped by its norm over those alone, and so summed.
func TestPrivateGradientOfPEFT(t *testing.T) {
	pairs := crashtest.Pairs(5)
	for _, c := range []peft.Config{{Kind: "lora", Rank: 2, Alpha: 4}, {Kind: "ia3"}} {
		var each [][]float32
		var norms []float64
		for i := range pairs {
			m := firstMoment(t, c, pairs[i:i+1], 0)
			sum := 0.0
			for _, v := range m {
				sum += float64(v) * float64(v)
			}
			each, norms = append(each, m), append(norms, math.Sqrt(sum))
		}
		middle := slices.Sorted(slices.Values(norms))[len(norms)/2] // half of them are clipped
		want := make([]float64, len(each[0]))
		for i, m := range each {
			for j, v := range m {
				want[j] += min(1, middle/norms[i]) * float64(v) / float64(len(each))
			}
		}
		got := firstMoment(t, c, pairs, 10*middle) // a moment is a tenth of the gradient
		if len(got) != len(want) || middle == 0 {
			t.Fatalf("%s: %d numbers of %d, norms %v", c.Kind, len(got), len(want), norms)
		}
		for j, v := range got {
			if d := math.Abs(float64(v) - want[j]); !(d <= 1e-5*middle) {
				t.Fatalf("%s: element %d is %v, want %v", c.Kind, j, v, want[j])
			}
		}
	}
}
