package distill_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// texts are rows of different lengths.
func texts(n int) (rows [][]int32) {
	for _, p := range crashtest.Pairs(n) {
		rows = append(rows, append(p.Context, p.Target...))
	}
	return rows
}

// plan has a middle with a repeated layer, gaps, and a frozen copy of a layer that trains.
const plan = "0* 2 2 0 4* 5*"

// plans are what the kinds are tested on: one block is fitted at one place, and of a T that
// trains nothing stands frozen.
var plans = map[string]string{"norms": plan, "frozen": plan, "harmonizers": plan, "fit": "0* 2 0 4* 5*", "trained": "0* 2 2 4* 5*", "trained-norms": "0* 2 2 4* 5*"}

var settings = distill.Settings{LM: 1, KD: 30, PPD: 10, Sigma: 0.05, Seed: 3}

// job is a distillation of an emulator of full.
type job struct {
	*train.Trainer
	e *emulate.Emulator
	o *distill.Objective
}

func start(t *testing.T, be kernels.Backend, full *transformer.Decoder, kind distill.Kind) *job {
	t.Helper()
	p := crashtest.Plan(t, plans[kind.Name])
	var err error
	if kind.Plan != nil {
		if p, err = kind.Plan(p, len(full.Blocks)); err != nil {
			t.Fatal(err)
		}
	}
	e, _, err := emulate.Fit(t.Context(), be, full, p, nil, emulate.FitOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	params, err := kind.Prepare(e, full)
	if err != nil {
		t.Fatal(err)
	}
	rows := texts(18)
	weights := settings
	if kind.Repairs {
		weights.PPD = 0 // there is no T to be disturbed
	}
	o, err := kind.Objective(e, full, rows[:12], weights)
	if err != nil {
		t.Fatal(err)
	}
	held, err := o.On(rows[12:])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	s := crashtest.Settings()
	s.Epochs, s.Steps, s.EvalEvery = 0, 6, 3
	return &job{&train.Trainer{Backend: be, Params: params, Held: o.Held(params), Settings: s, Train: o, Valid: held}, e, o}
}

func (j *job) run(t *testing.T, ctx context.Context) train.Outcome {
	t.Helper()
	out, err := j.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// allocating counts what its device is asked for.
type allocating struct {
	kernels.Backend
	bytes int
}

func (a *allocating) Alloc(n int) (tensor.Memory, error) {
	a.bytes += n
	return a.Backend.Alloc(n)
}

// TestDistillation: of every family and kind the validation loss falls and its parts add up
// to it; the full model keeps its bits, and so does T, where it is not what trains; places of one layer stay one object; the
// memory plan is what the run takes.
func TestDistillation(t *testing.T) {
	for _, family := range crashtest.Families {
		for _, kind := range distill.Kinds {
			name := family + " " + kind.Name
			inner := cpu.New(cpu.Options{})
			be := &allocating{Backend: inner}
			full := crashtest.Small(be, family)
			before := crashtest.Bits(full.Params())
			j := start(t, be, full, kind)
			var lines []train.Metrics
			j.Report = func(m train.Metrics) { lines = append(lines, m) }
			memory, err := j.Memory()
			if err != nil {
				t.Fatal(err)
			}
			free := 0
			for w := range full.Params() {
				free += w.Value.Bytes()
			}
			asked := be.bytes
			made := 0 // for the emulator, which training copies
			if kind.Name == "harmonizers" {
				made = nn.Bytes(j.Params)
			}
			disturbed := memory.Frozen - free - made
			starred := 0
			for w := range j.e.Params() {
				if !kind.Local && !kind.Repairs {
					starred += 4 * w.Value.Len()
				}
			}
			if disturbed != starred {
				t.Errorf("%s: %d bytes of disturbed blocks are planned, T has %d", name, disturbed, starred)
			}
			j.run(t, context.Background())
			if got, want := be.bytes-asked, memory.Trained+memory.Pass+disturbed; got < want || got > want+100 {
				t.Errorf("%s: a run took %d bytes of its device, %d were planned", name, got, want)
			}
			wantParts(t, name, kind, lines)
			if first, last := lines[0].ValidLoss, lines[len(lines)-1].ValidLoss; !(first > 0 && last < first) {
				t.Errorf("%s: validation loss %v before and %v after", name, first, last)
			}
			crashtest.Same(t, name+": the full model", crashtest.Bits(full.Params()), before)
			for _, layer := range []int{0, 4, 5} {
				now, was := crashtest.Bits(starredBlock(j.e, layer)), crashtest.Bits(nn.ParamsOf(full.Blocks[layer]))
				if !kind.Repairs {
					crashtest.Same(t, name+": T", now, was)
				} else if slices.Equal(now, was) {
					t.Errorf("%s: layer %d of T is as it was", name, layer)
				}
			}
			if b := j.e.Decoder.Blocks; kind.Name == "frozen" && (b[1] != b[2] || b[1] == full.Blocks[2] || b[3] == full.Blocks[0] || b[3] == b[0]) {
				t.Errorf("%s: frozen places are not blocks of their own, each once", name)
			}
			block, norms := len(slices.Collect(nn.ParamsOf(full.Blocks[2]))), len(slices.Collect(nn.NormsOf(full.Blocks[2])))
			want := map[string]int{"norms": 2 * norms, "frozen": 2 * block, "harmonizers": 2 * 2, "fit": 2 * block, "trained": 3 * block, "trained-norms": 3*block + norms}[kind.Name]
			if n := len(slices.Collect(j.Params)); n != want {
				t.Errorf("%s: %d tensors train, want %d", name, n, want)
			}
			j.Close()
			inner.Close()
		}
	}
}

// TestMemoryHasWhatWasMade for the emulator beside what trains, and what of that training
// has copies of: factors and maps are no weights of the full model.
func TestMemoryHasWhatWasMade(t *testing.T) {
	for _, kind := range []distill.Kind{distill.Norms, distill.Frozen} {
		be := &allocating{Backend: ref.New()}
		full := crashtest.Small(be, "llama")
		free := be.bytes
		e, _, err := emulate.Fit(t.Context(), be, full, crashtest.Plan(t, "0* 2:svd0.5 3 5*"), nil, emulate.FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		made := be.bytes - free
		params, err := kind.Prepare(e, full)
		if err != nil {
			t.Fatal(err)
		}
		o, err := kind.Objective(e, full, texts(4), distill.Settings{LM: 1, KD: 30})
		if err != nil {
			t.Fatal(err)
		}
		tr := &train.Trainer{Backend: be, Params: params, Held: o.Held(params), Settings: crashtest.Settings(), Train: o}
		memory, err := tr.Memory()
		if err != nil {
			t.Fatal(err)
		}
		if want := nn.Bytes(full.Params()) + made; made == 0 || memory.Frozen != want {
			t.Errorf("%s: %d bytes of weights that do not train, want %d, %d of them made", kind.Name, memory.Frozen, want, made)
		}
		o.Close()
		e.Close()
	}
}

// wantParts fails unless the parts of each loss add up to it.
func wantParts(t *testing.T, name string, kind distill.Kind, lines []train.Metrics) {
	t.Helper()
	for _, m := range lines {
		loss := m.Loss + m.ValidLoss
		sum, parts := settings.LM*m.Terms["lm"]+settings.KD*m.Terms["kd"]+settings.PPD*m.Terms["ppd"], 3
		switch {
		case kind.Local:
			sum, parts = m.Terms["fit"], 1
		case kind.Repairs:
			parts = 2
		}
		if len(m.Terms) != parts || math.Abs(sum-loss) > 1e-9*loss {
			t.Errorf("%s: step %d: %v come to %v, the loss is %v", name, m.Step, m.Terms, sum, loss)
		}
	}
}

// starredBlock returns the parameters of a starred layer.
func starredBlock(e *emulate.Emulator, layer int) nn.Params {
	for place, s := range e.Plan {
		if s.Layer == layer && s.Trainable {
			return nn.ParamsOf(e.Decoder.Blocks[place])
		}
	}
	return nil
}

// TestDistillationBits: no number of workers, no way of cutting a batch into examples that
// are computed again, and no stop at any place moves a bit; passes of fewer examples do
// only as far as sums in another order do.
func TestDistillationBits(t *testing.T) {
	for _, family := range []string{"llama", "opt"} {
		var want []uint32
		var loss float64
		for _, c := range []struct {
			workers, micro int
			recompute      bool
		}{{1, 0, false}, {2, 0, false}, {4, 0, false}, {2, 0, true}, {2, 1, false}} {
			be := cpu.New(cpu.Options{Threads: c.workers, SplitAll: true})
			j := start(t, be, crashtest.Small(be, family), distill.Frozen)
			j.Settings.MicroBatch, j.Recompute = c.micro, c.recompute
			out := j.run(t, context.Background())
			got := crashtest.Bits(j.Params)
			switch {
			case want == nil:
				want, loss = got, out.Loss
			case c.micro == 0:
				crashtest.Same(t, fmt.Sprintf("%s, %+v", family, c), got, want)
			case !(math.Abs(out.Loss-loss) <= 1e-5*loss):
				t.Errorf("%s, one example at a time: loss %v, of the whole batch %v", family, out.Loss, loss)
			}
			j.Close()
			be.Close()
		}
	}
}

// TestDistillationStoppedAnywhere ends a run wherever it looks whether it is to end, the
// validations among them, and takes it up again.
func TestDistillationStoppedAnywhere(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	run := func(ctx context.Context, dir string) (bits []uint32, lines []train.Metrics, stopped bool) {
		j := start(t, be, full, distill.Norms)
		store, err := train.OpenRunDir(dir, j.Settings, false)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		j.Store = store
		stopped = j.run(t, ctx).Stopped
		if lines, err = train.ReadMetrics(dir); err != nil {
			t.Fatal(err)
		}
		for i := range lines {
			lines[i].TokensPerSecond = 0
		}
		return crashtest.Bits(j.Params), lines, stopped
	}
	want, wantLines, _ := run(context.Background(), t.TempDir())
	stops := 0
	for ; ; stops++ {
		dir := filepath.Join(t.TempDir(), "run")
		if _, _, stopped := run(&crashtest.Countdown{Context: context.Background(), Left: stops}, dir); !stopped {
			break
		}
		got, lines, _ := run(context.Background(), dir)
		crashtest.Same(t, fmt.Sprintf("stopped at look %d", stops+1), got, want)
		if fmt.Sprint(lines) != fmt.Sprint(wantLines) {
			t.Errorf("stopped at look %d: metrics %v\nwant %v", stops+1, lines, wantLines)
		}
	}
	if stops < 6+3 {
		t.Errorf("the run looked %d times whether it is to end", stops)
	}
}

// TestNothingIsDropped: dropout, which the model's config may ask for, changes no bit.
func TestNothingIsDropped(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	var bits [2][]uint32
	for i, rate := range []float64{0, 0.5} {
		j := start(t, be, full, distill.Norms)
		j.Settings.Dropout = rate
		j.run(t, context.Background())
		bits[i] = crashtest.Bits(j.Params)
		j.Close()
	}
	crashtest.Same(t, "with and without dropout", bits[0], bits[1])
}

// TestMiddles: where plans are held against the model.
func TestMiddles(t *testing.T) {
	for _, c := range []struct {
		plan string
		want []distill.Point
	}{
		{"0* 1* 3 5 6* 7*", []distill.Point{{4, 6}}},            // offsite-tuning
		{"0* 4* 7*", []distill.Point{{1, 4}, {2, 7}}},           // gaps alone
		{"0* 2 2 0 4* 5*", []distill.Point{{4, 4}, {6, 8}}},     // the upper layers are left out
		{"2* 3*", []distill.Point{{0, 2}, {2, 8}}},              // both ends are
		{"0 1 2 3* 4 5 6 7", []distill.Point{{3, 3}, {8, 8}}},   // full depth
		{"3* 1 0* 7*", []distill.Point{{0, 3}, {2, 0}, {3, 7}}}, // in another order
		{"0* 1* 2* 3* 4* 5* 6* 7*", nil},                        // all trains
		{"0 3 6 7", []distill.Point{{4, 8}}},                    // nothing does
	} {
		if got := distill.Middles(crashtest.Plan(t, c.plan), 8); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.plan, got, c.want)
		}
	}
}

// TestBadDistillations: each is an error of one line that says what to do.
func TestBadDistillations(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	new := func(plan string, rows [][]int32, s distill.Settings) error {
		e, err := emulate.New(full, crashtest.Plan(t, plan))
		if err != nil {
			t.Fatal(err)
		}
		_, err = distill.New(e, full, rows, s)
		return err
	}
	with := func(change func(*distill.Settings)) distill.Settings {
		s := settings
		change(&s)
		return s
	}
	for want, err := range map[string]error{
		"text 1: 1 tokens":         new(plan, [][]int32{{1, 2}, {3}}, settings),
		"id 61 is not in":          new(plan, [][]int32{{1, 61}}, settings),
		"--sigma -0.1":             new(plan, texts(1), with(func(s *distill.Settings) { s.Sigma = -0.1 })),
		"--sigma NaN":              new(plan, texts(1), with(func(s *distill.Settings) { s.Sigma = math.NaN() })),
		"--lm 1e+07":               new(plan, texts(1), with(func(s *distill.Settings) { s.LM = 1e7 })),
		"--kd -1":                  new(plan, texts(1), with(func(s *distill.Settings) { s.KD = -1 })),
		"nothing is left to":       new(plan, texts(1), distill.Settings{}),
		"there is no middle":       new("0* 1* 2* 3* 4* 5*", texts(1), settings),
		`--train "all" is unknown`: func() error { _, err := distill.Named("all"); return err }(),
		"nothing in it trains as --train norms": func() error {
			e, err := emulate.New(full, crashtest.Plan(t, "0* 5*"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = distill.Norms.Prepare(e, full)
			return err
		}(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestNotANumberEndsTheRun: the step and its texts are named.
func TestNotANumberEndsTheRun(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	j := start(t, be, full, distill.Norms)
	j.Settings.LR, j.Valid = 1e30, nil
	_, err := j.Run(context.Background())
	j.Close()
	if err == nil || !strings.Contains(err.Error(), "lower --lr") {
		t.Errorf("%v", err)
	}
}
