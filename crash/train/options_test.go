package train_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn/optim"
	"lamina/tensor"
)

// all is a run with every option at once.
func all(s train.Settings) train.Settings {
	s.WeightDecay = 0.1
	s.Options = train.Options{
		Rates: []optim.Rate{{Match: "*.fc1.*", Times: 0.5}}, LayerLRDecay: 0.7, EMA: 0.5, Patience: 3, MinDelta: 1e-6,
		Proximal: 0.01, LabelSmoothing: 0.1, DropSpan: 0.5, GapNoise: 0.05, MaxGradSkip: 2,
	}
	return s
}

// TestOptionsThatAreOffAreAbsent: config.json is what it was before there were any.
func TestOptionsThatAreOffAreAbsent(t *testing.T) {
	got, err := json.Marshal(crashtest.Settings())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"lr":0.003,"epochs":2,"batch":4,"schedule":"cosine","warmup":2,"clip":1,"weight_decay":0,"dropout":0.1,"eval_every":0,"seed":5}`
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	on, err := json.Marshal(all(crashtest.Settings()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rates", "layer_lr_decay", "ema", "patience", "min_delta", "proximal", "label_smoothing", "drop_span", "gap_noise", "max_grad_skip"} {
		if !strings.Contains(string(on), `"`+name+`":`) {
			t.Errorf("%s: does not say %s", on, name)
		}
	}
}

func TestOptionsRefuse(t *testing.T) {
	for want, o := range map[string]train.Options{
		"--ema 1: want":              {EMA: 1},
		"--ema NaN: want":            {EMA: math.NaN()},
		"--patience -1: want":        {Patience: -1},
		"--max-grad-skip -1: want":   {MaxGradSkip: -1},
		"--min-delta -1: want":       {MinDelta: -1},
		"--proximal +Inf: want":      {Proximal: math.Inf(1)},
		"--proximal 1e-60: want":     {Proximal: 1e-60},
		"--label-smoothing 1: want":  {LabelSmoothing: 1},
		"--drop-span 1.5: want":      {DropSpan: 1.5},
		"--gap-noise -0.1: want":     {GapNoise: -0.1},
		"--gap-noise 1001: want":     {GapNoise: 1001},
		"--layer-lr-decay 1.1: want": {LayerLRDecay: 1.1},
		"--layer-lr-decay 1e-320":    {LayerLRDecay: 1e-320},
		`rate of "[": want`:          {Rates: []optim.Rate{{Match: "[", Times: 1}}},
	} {
		s := crashtest.Settings()
		s.Options = o
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	be := ref.New()
	for flag, o := range map[string]train.Options{
		"--label-smoothing": {LabelSmoothing: 0.1}, "--drop-span": {DropSpan: 0.1}, "--gap-noise": {GapNoise: 0.1}, "--layer-lr-decay": {LayerLRDecay: 0.5},
	} {
		tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1")
		tr.Train, tr.Settings.Options = measured{tr.Train, 1}, o // an objective of somebody else
		if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2 4*")
	tr.Settings.LayerLRDecay = 1e-20 // its fourth power is 0 in 32 bits
	if _, err := tr.Memory(); err == nil || !strings.Contains(err.Error(), "--layer-lr-decay 1e-20: rate of") || !strings.Contains(err.Error(), "want a positive number") {
		t.Errorf("a rate of 0: %v", err)
	}
	s := crashtest.Settings()
	s.Options = train.Options{MinDelta: 1, EMAAtOnce: true, LayerLRDecay: 1}
	if got := strings.Join(s.Warnings(10), "\n"); strings.Count(got, "changes nothing") != 3 {
		t.Errorf("warnings %s", got)
	}
}

// TestOptionsStoppedAnywhereResumeToTheSameBits: a run with every option, ended at each
// look at its context, goes on to the bits, the metrics and the outcome of one that was not.
func TestOptionsStoppedAnywhereResumeToTheSameBits(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	run := func(ctx context.Context, dir string) (*emulate.Emulator, train.Outcome, []train.Metrics) {
		tr, e := trainer(t, be, full, "0* 1 2 4*")
		tr.Settings = all(tr.Settings)
		tr.Settings.Steps, tr.Settings.EvalEvery = 6, 2
		tr.Train = sick{tr.Train.(*train.NextToken), 3, true}
		out, m := stored(ctx, t, tr, dir)
		return e, out, m
	}
	want, wantOut, wantLines := run(context.Background(), t.TempDir())
	if wantOut.Skipped == 0 {
		t.Fatalf("%+v: the test wants a step that is left out", wantOut)
	}
	for n := 0; ; n++ {
		dir := filepath.Join(t.TempDir(), "run")
		if _, out, _ := run(&crashtest.Countdown{Context: context.Background(), Left: n}, dir); !out.Stopped {
			break
		}
		got, out, lines := run(context.Background(), dir)
		what := fmt.Sprintf("stopped at the %d. look", n+1)
		crashtest.Same(t, what, crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
		if out != wantOut || fmt.Sprint(lines) != fmt.Sprint(wantLines) {
			t.Errorf("%s: outcome %+v, want %+v; metrics %v\nwant %v", what, out, wantOut, lines, wantLines)
		}
	}
}

// TestOptionBitsDoNotDependOnWorkers is [TestTrainingBitsDoNotDependOnWorkers] with every
// option.
func TestOptionBitsDoNotDependOnWorkers(t *testing.T) {
	var want []uint32
	for _, workers := range []int{1, 3, 16} {
		be := cpu.New(cpu.Options{Threads: workers, SplitAll: true, Delay: disturb()})
		tr, e := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2 5* 4")
		tr.Settings = all(tr.Settings)
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		got := crashtest.Bits(e.Params())
		if want == nil {
			want = got
		}
		crashtest.Same(t, fmt.Sprintf("%d workers", workers), got, want)
		tr.Close()
		be.Close()
	}
}

// sick is an objective with an example that spoils its step: the loss, or the gradient
// alone.
type sick struct {
	*train.NextToken
	example  int
	gradient bool
}

func (s sick) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	loss, err := s.NextToken.Loss(p, ids)
	if err != nil || !p.Training() || !slices.Contains(ids, s.example) {
		return loss, err
	}
	if !s.gradient {
		return p.Scale(loss, math.Inf(1)), nil
	}
	y := autograd.Var{T: loss.T}
	p.Record(spoiled{}, &y, loss)
	return y, nil
}

// spoiled is the identity, whose gradient is infinite.
type spoiled struct{}

func (spoiled) Name() string { return "spoiled" }

func (spoiled) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	dX := p.New(dY.DType(), dY.Shape()...)
	kernels.Fill(p.Backend, dX, math.Inf(1))
	p.Give(r.In[0], dX)
}

// TestStepsThatAreNotFiniteAreLeftOut: nothing of them reaches weights, moments or average;
// they are counted and named; too many in a row are an error, and so is one without the
// option.
func TestStepsThatAreNotFiniteAreLeftOut(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	for _, gradient := range []bool{false, true} {
		run := func(most, every int) (bits []uint32, out train.Outcome, skipped [][]int, err error) {
			tr, e := trainer(t, be, full, "0* 1 5*")
			defer tr.Close()
			pairs := crashtest.Pairs(4)
			next := crashtest.NextToken(t, e.Decoder, pairs).(*train.NextToken)
			tr.Train, tr.Valid = sick{next, 2, gradient}, nil
			tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.Batch, tr.Settings.NoShuffle = 0, every, 1, true
			tr.Settings.Schedule, tr.Settings.Warmup, tr.Settings.MaxGradSkip, tr.Settings.EMA = optim.Constant, 0, most, 0.5
			if every == 5 && most == 9 { // the others alone, one after the other
				tr.Train, tr.Settings.Steps = crashtest.NextToken(t, e.Decoder, slices.Concat(pairs[:2], pairs[3:])), 4
				tr.Settings.Dropout = 0
			}
			tr.Settings.Dropout = 0
			tr.Report = func(m train.Metrics) {
				if m.Skipped != nil {
					skipped = append(skipped, m.Skipped)
				}
			}
			out, err = tr.Run(t.Context())
			return crashtest.Bits(e.Params()), out, skipped, err
		}
		bits, out, skipped, err := run(1, 5)
		if err != nil || out.Skipped != 1 || out.Steps != 5 || fmt.Sprint(skipped) != "[[2]]" {
			t.Fatalf("%+v, left out %v: %v", out, skipped, err)
		}
		without, _, _, err := run(9, 5)
		if err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, "without the example", bits, without)
		if _, _, _, err = run(0, 5); err == nil || !strings.Contains(err.Error(), "step 3: loss") || !strings.Contains(err.Error(), "[2]") {
			t.Errorf("without the option: %v", err)
		}
	}
	tr, e := trainer(t, be, full, "0* 1 5*")
	tr.Train, tr.Settings.MaxGradSkip = sick{crashtest.NextToken(t, e.Decoder, crashtest.Pairs(1)).(*train.NextToken), 0, true}, 2
	tr.Settings.Epochs, tr.Settings.Steps = 0, 9
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "step 3: loss") || !strings.Contains(err.Error(), "after 2 that were left out in a row (--max-grad-skip)") {
		t.Errorf("nothing but bad steps: %v", err)
	}
}

// scripted has the validation losses of a list.
type scripted struct {
	train.Objective
	losses *[]float64
}

func (s scripted) Mean(context.Context, kernels.Backend, *tensor.Arena) (float64, error) {
	l := (*s.losses)[0]
	*s.losses = (*s.losses)[1:]
	return l, nil
}

// TestPatience ends a run after validations that do not improve by more than the least, of
// which the lowest loss is kept all the same.
func TestPatience(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	for _, c := range []struct {
		patience   int
		delta      float64
		losses     []float64 // before training, and after each step
		steps      int
		best       int
		endedEarly bool
	}{
		{0, 0, []float64{3, 4, 5, 6, 7, 8, 9}, 6, 0, false},
		{2, 0, []float64{3, 2, 2, 2, 9, 9, 9}, 3, 1, true},
		{2, 0, []float64{3, 2, 2.5, 1.5, 1.7, 1.6, 9}, 5, 3, true},
		{2, 0.5, []float64{3, 2.6, 2.4, 2.2, 2.1, 9, 9}, 4, 4, true}, // from 3 to 2.4 is more than 0.5, from there to 2.1 is not
		{1, 0, []float64{3, 4, 9, 9, 9, 9, 9}, 1, 0, true},
		{6, 0, []float64{3, 4, 4, 4, 4, 4, 4}, 6, 0, false}, // the last step is as early as it is late
	} {
		tr, _ := trainer(t, be, full, "0* 1")
		losses := slices.Clone(c.losses)
		tr.Valid = scripted{tr.Valid, &losses}
		tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.EvalEvery = 0, 6, 1
		tr.Settings.Patience, tr.Settings.MinDelta = c.patience, c.delta
		out, err := tr.Run(t.Context())
		tr.Close()
		if err != nil || out.Steps != c.steps || out.BestStep != c.best || out.Early != c.endedEarly {
			t.Errorf("%+v: %+v, %v", c, out, err)
		}
	}
}

// TestMemoryCountsOptions: an average and T₀ take a number of 4 bytes of each trained weight.
func TestMemoryCountsOptions(t *testing.T) {
	be := ref.New()
	tr, e := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
	bytes := func() int {
		m, err := tr.Memory()
		if err != nil {
			t.Fatal(err)
		}
		return m.Trained
	}
	n := 0
	for w := range e.Params() {
		n += w.Value.Len()
	}
	plain := bytes()
	tr.Settings.EMA = 0.9
	average := bytes()
	tr.Settings.Proximal = 1
	if both := bytes(); plain != 16*n || average != 20*n || both != 24*n {
		t.Errorf("%d, %d and %d bytes of %d weights", plain, average, both, n)
	}
}
