package train_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// lossAt is the loss of two examples in a step, with its gradient's norm; a step of -1
// records nothing.
func lossAt(t *testing.T, be kernels.Backend, o train.Objective, w *nn.Trained, step int) (loss, norm float64) {
	t.Helper()
	p := autograd.NewPass(be)
	if step >= 0 {
		p = autograd.NewTrainingPass(be)
		w.ZeroGrads(be)
	}
	defer p.Close()
	p.Dropout.Step, p.Dropout.Seed = uint64(step), 7
	y, err := o.Loss(p, []int{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	if step >= 0 {
		p.Backward(y, 1)
		for _, g := range w.Grads.Floats() {
			norm += g * g
		}
	}
	return y.T.Floats()[0], math.Sqrt(norm)
}

// lessPlaces returns a decoder less some places.
func lessPlaces(d *transformer.Decoder, from, to int) *transformer.Decoder {
	c := *d
	c.Blocks = slices.Delete(slices.Clone(d.Blocks), from, to)
	return &c
}

// TestDropSpan: the steps that leave something out are as many as the probability says;
// each leaves out neighbours that do not train, every span comes up, and the loss is that
// of the decoder without them. Validation leaves out nothing.
func TestDropSpan(t *testing.T) {
	be := ref.New()
	e, err := emulate.New(crashtest.Small(be, "opt"), crashtest.Plan(t, "0* 1 2 3* 4 5"))
	if err != nil {
		t.Fatal(err)
	}
	w := tensor.Must(nn.Trainable(be, e.Params()))
	defer w.Close()
	pairs := crashtest.Pairs(2)
	objective := func(d *transformer.Decoder) *train.NextToken {
		return crashtest.NextToken(t, d, pairs).(*train.NextToken)
	}
	spans := map[float64][2]int{}
	for _, span := range [][2]int{{0, 0}, {1, 2}, {2, 3}, {1, 3}, {4, 5}, {5, 6}, {4, 6}} {
		loss, _ := lossAt(t, be, objective(lessPlaces(e.Decoder, span[0], span[1])), w, 0)
		spans[loss] = span
	}
	const steps, share = 400, 0.75
	o := objective(e.Decoder)
	if err := o.Adjust(train.Settings{Seed: 7, Options: train.Options{DropSpan: share}}); err != nil {
		t.Fatal(err)
	}
	seen := map[[2]int]int{}
	for step := range steps {
		loss, _ := lossAt(t, be, o, w, step)
		span, ok := spans[loss]
		if !ok {
			t.Fatalf("step %d: loss %v is that of no span", step, loss)
		}
		seen[span]++
		if step%20 > 0 {
			continue
		}
		if again, _ := lossAt(t, be, o, w, step); again != loss {
			t.Fatalf("step %d: loss %v, and %v again", step, loss, again)
		}
	}
	six := 6 * math.Sqrt(share*(1-share)/steps) // six standard deviations
	if got := 1 - float64(seen[[2]int{}])/steps; math.Abs(got-share) > six || len(seen) != 7 {
		t.Errorf("%v of the steps leave something out, want %v within %v: %v", got, share, six, seen)
	}
	for span, n := range seen {
		if want := share * steps / 6; span != [2]int{} && math.Abs(float64(n)-want) > 6*math.Sqrt(want) {
			t.Errorf("places %v were left out %d times, want about %v", span, n, want)
		}
	}
	plain, _ := lossAt(t, be, objective(e.Decoder), w, -1)
	if got, _ := lossAt(t, be, o, w, -1); got != plain {
		t.Errorf("a pass that records nothing has the loss %v, want %v", got, plain)
	}
}

// TestGapNoise: training passes differ by the step and are the same again, in any company;
// validation has no noise.
func TestGapNoise(t *testing.T) {
	be := ref.New()
	e, err := emulate.New(crashtest.Small(be, "opt"), crashtest.Plan(t, "0* 1 3* 4"))
	if err != nil {
		t.Fatal(err)
	}
	w := tensor.Must(nn.Trainable(be, e.Params()))
	defer w.Close()
	o := crashtest.NextToken(t, e.Decoder, crashtest.Pairs(2)).(*train.NextToken)
	plain, plainNorm := lossAt(t, be, o, w, 0)
	for _, size := range []float64{1e-3, 0.1} {
		if err := o.Adjust(train.Settings{Seed: 7, Options: train.Options{GapNoise: size}}); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for step := range 5 {
			loss, norm := lossAt(t, be, o, w, step)
			again, _ := lossAt(t, be, o, w, step)
			if seen[fmt.Sprint(loss)] = true; loss == plain || math.Abs(loss-plain) > 20*size*plain || loss != again || math.Abs(norm-plainNorm) > 20*size*plainNorm {
				t.Errorf("noise %v, step %d: loss %v, again %v, without %v; norm %v, without %v", size, step, loss, again, plain, norm, plainNorm)
			}
		}
		if got, _ := lossAt(t, be, o, w, -1); len(seen) != 5 || got != plain {
			t.Errorf("noise %v: %d losses of 5 steps; a pass that records nothing has %v, want %v", size, len(seen), got, plain)
		}
	}
}

// TestDecodersInTurn: step i trains in decoder i mod n, validation is in the first, and
// memory is planned for the largest.
func TestDecodersInTurn(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	tr, e := trainer(t, be, full, "0* 1 5*")
	defer tr.Close()
	o := tr.Train.(*train.NextToken)
	small, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	second, third := lessPlaces(e.Decoder, 1, 2), *e.Decoder
	third.Blocks = slices.Insert(slices.Clone(e.Decoder.Blocks), 1, full.Blocks[2], full.Blocks[3])
	o.InTurns(second, &third)
	large, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	only := crashtest.NextToken(t, &third, crashtest.Pairs(30)[:22])
	tr.Train = only
	if want, err := tr.Memory(); err != nil || large.Pass != want.Pass || large.Pass <= small.Pass {
		t.Errorf("a pass takes %d bytes, of the first alone %d, of the largest %d (%v)", large.Pass, small.Pass, want.Pass, err)
	}
	tr.Train = o
	tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.Dropout, tr.Settings.NoShuffle = 0, 6, 0, true
	decoders := []*transformer.Decoder{e.Decoder, second, &third}
	valid, err := tr.Valid.(*train.NextToken).Mean(t.Context(), be, nil)
	if err != nil {
		t.Fatal(err)
	}
	loss := func(step int) float64 { // before the step, of its decoder
		p := autograd.NewPass(be)
		defer p.Close()
		ids := []int{0, 1, 2, 3}
		for i := range ids {
			ids[i] += 4 * step
		}
		if step == 5 {
			ids = ids[:2] // the last of an epoch
		}
		y, err := o.On(decoders[step%3], 22).Loss(p, ids)
		if err != nil {
			t.Fatal(err)
		}
		_, n := o.Size(ids)
		return y.T.Floats()[0] / float64(n)
	}
	want := loss(0)
	tr.Report = func(m train.Metrics) {
		switch {
		case m.Loss == 0 && m.Step == 0 && m.ValidLoss != valid:
			t.Errorf("validation %v, want %v", m.ValidLoss, valid)
		case m.Loss == 0:
		case math.Abs(m.Loss-want) > 1e-6*want:
			t.Errorf("step %d: loss %v, want %v of decoder %d", m.Step, m.Loss, want, (m.Step-1)%3+1)
		}
		if m.Loss != 0 && m.Step < 6 {
			want = loss(m.Step)
		}
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	narrow := transformer.New(transformer.Config{
		Family: "opt", Layers: 1, Width: 12, EmbedWidth: 12, Heads: 2, KVHeads: 2, HeadDim: 6, FeedForward: 8, Vocab: 61, MaxPositions: 64, Eps: 1e-5, Tied: true, NormAffine: true, Bias: true, MLPBias: true,
	}, nn.Init{Device: be, Seed: 3, Std: 0.15})
	o.InTurns(narrow)
	if err := o.Adjust(tr.Settings); err == nil {
		t.Error("a decoder of another width takes turns")
	}
}
