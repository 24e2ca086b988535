package train_test

import (
	"fmt"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// beside lets a trainer train what is put to the linear layers of some blocks of its
// decoder, or, of a nil put, their weights of one axis, instead of the blocks.
func beside(tr *train.Trainer, blocks []transformer.Block, put func(w nn.Weights, l *nn.Linear) added) {
	var trained []nn.Params
	source := nn.From(nn.Init{Device: tr.Backend, Seed: 1, Std: 0.02})
	for i, b := range blocks {
		for name, field := range nn.ProjectionsOf(b) {
			if l, ok := (*field).(*nn.Linear); ok && put != nil {
				now := put(source.At(fmt.Sprint(i, name)), l)
				*field, trained = now, append(trained, now.Added())
			}
		}
		for w := range nn.ParamsOf(b) {
			if put == nil && w.Value.Rank() == 1 {
				trained = append(trained, nn.List(w))
			}
		}
	}
	tr.Params, tr.Drops = nn.Join(trained...), true
}

// added is a layer with something beside a plain one.
type added interface {
	nn.Projection
	Added() nn.Params
}

func lora(w nn.Weights, l *nn.Linear) added { return nn.NewLoRA(w, l, 2, 2, 0.3) }

func bottleneck(w nn.Weights, l *nn.Linear) added {
	_, out := l.Sizes()
	return nn.NewBottleneck(w, l, out, 3, 0.2)
}

// TestPrefixUnderEveryKindOfTraining: whatever trains above, and however, what is kept below
// changes no bit: of weights, losses, norms and the ε that is told.
func TestPrefixUnderEveryKindOfTraining(t *testing.T) {
	be := ref.New()
	for _, c := range []struct {
		what, plan string
		place      int
		change     func(t *testing.T, tr *train.Trainer, e *emulate.Emulator)
	}{
		{"lora with dropout", "0 1 2 3* 4 5*", 3, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Trained(), lora)
		}},
		{"lora in the last of two starred", "0 1* 2 3 4*", 4, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Trained()[1:], lora)
		}},
		{"lora below the starred", "0 1 2 3 4 5*", 2, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Decoder.Blocks[2:3], lora)
		}},
		{"adapter", "0 1 2*", 2, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Trained(), bottleneck)
		}},
		{"bitfit", "0 1 2*", 2, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Trained(), nil)
		}},
		{"ia3", "0 1 2*", 2, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Trained(), func(w nn.Weights, l *nn.Linear) added { return nn.NewIA3(w, l, false) })
		}},
		{"DP-SGD", "0 1 2* 3", 2, func(_ *testing.T, tr *train.Trainer, _ *emulate.Emulator) { privately(tr, 0.5, 0.7) }},
		{"DP-SGD of lora", "0 1 2* 3", 2, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			beside(tr, e.Trained(), lora)
			privately(tr, 0.5, 0.7)
		}},
		{"options of the loss and the optimiser", "0 1 2* 3*", 2, func(_ *testing.T, tr *train.Trainer, _ *emulate.Emulator) {
			tr.Settings.LabelSmoothing, tr.Settings.Proximal, tr.Settings.EMA, tr.Settings.LayerLRDecay = 0.1, 0.01, 0.9, 0.8
			tr.Settings.Patience, tr.Settings.WeightDecay = 2, 0.1
		}},
		{"masks within a row", "0 1 2* 3", 2, func(t *testing.T, tr *train.Trainer, e *emulate.Emulator) {
			tr.Train, tr.Valid = masked(t, e, 0, 22), masked(t, e, 22, 30)
		}},
	} {
		start := func() *train.Trainer {
			tr, e := trainer(t, be, crashtest.Small(be, "llama"), c.plan)
			tr.Settings.Epochs, tr.Settings.MicroBatch = 3, 0
			c.change(t, tr, e)
			return tr
		}
		want := runWith(t, start(), nil)
		for _, room := range []train.Prefix{{Memory: 1 << 30}, {Memory: 5000, Disk: 6000, Dir: t.TempDir()}} {
			tr := start()
			keep(t, tr, &room, c.place)
			got := runWith(t, tr, &room)
			crashtest.Same(t, c.what, got.bits, want.bits)
			if got.lines != want.lines {
				t.Errorf("%s: metrics\n%s\nwant\n%s", c.what, got.lines, want.lines)
			}
			if got.use.Read == 0 || room.Memory == 1<<30 && got.use.Computed > 30 {
				t.Errorf("%s: %+v", c.what, got.use)
			}
			room.Close()
		}
	}
}

// masked are pairs as rows of which every other token is learned, and some at the end are
// not read.
func masked(t *testing.T, e *emulate.Emulator, from, to int) *train.NextToken {
	t.Helper()
	var rows []train.Sequence
	for i, p := range crashtest.Pairs(to)[from:] {
		s := train.NewSequence(p)
		for j := 1; j < len(s.Tokens); j++ {
			s.Learn[j] = (i+j)%2 == 0 || j == 1
		}
		s.Tokens, s.Learn = append(slices.Clone(s.Tokens), 1, 2), append(slices.Clone(s.Learn), false, false)
		rows = append(rows, s)
	}
	o, err := train.NewSequences(e.Decoder, rows)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestPrefixStandsAside where steps differ below: with noise, spans left out, and decoders
// that take turns, training keeps what it had of each step, and measuring alone reads
// streams.
func TestPrefixStandsAside(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	for what, change := range map[string]func(tr *train.Trainer, e *emulate.Emulator){
		"noise": func(tr *train.Trainer, _ *emulate.Emulator) { tr.Settings.GapNoise = 0.1 },
		"spans": func(tr *train.Trainer, _ *emulate.Emulator) { tr.Settings.DropSpan = 0.9 },
		"turns": func(tr *train.Trainer, e *emulate.Emulator) {
			other := *e.Decoder
			other.Blocks = append(slices.Clone(full.Blocks[3:5]), e.Decoder.Blocks[2:]...)
			tr.Train.(*train.NextToken).InTurns(&other)
		},
	} {
		start := func() *train.Trainer {
			tr, e := trainer(t, be, full, "0 1 2* 3")
			change(tr, e)
			return tr
		}
		want := runWith(t, start(), nil)
		c := &train.Prefix{Memory: 1 << 30}
		tr := start()
		keep(t, tr, c, 2)
		got := runWith(t, tr, c)
		crashtest.Same(t, what, got.bits, want.bits)
		if got.lines != want.lines || got.use.Read == 0 {
			t.Errorf("%s: %+v, metrics\n%s\nwant\n%s", what, got.use, got.lines, want.lines)
		}
	}
}

// TestSeedsAndRatesShareAPrefix: runs of every seed and rate, one after the other on one
// prefix, compute each row once in all, and come to the bits of runs by themselves.
func TestSeedsAndRatesShareAPrefix(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "gpt2")
	shared := &train.Prefix{Memory: 6000, Disk: 1 << 20, Dir: t.TempDir()}
	defer shared.Close()
	for _, seed := range []uint64{1, 2} {
		for _, rate := range []float64{1e-3, 1e-2} {
			run := func(c *train.Prefix) ran {
				tr, _ := trainer(t, be, full, "0 1 2* 3")
				tr.Settings.Dropout, tr.Settings.Seed, tr.Settings.LR = 0, seed, rate
				if c != nil {
					keep(t, tr, c, 2)
				}
				return runWith(t, tr, c)
			}
			got, want := run(shared), run(nil)
			crashtest.Same(t, fmt.Sprintf("seed %d, rate %v", seed, rate), got.bits, want.bits)
			if got.lines != want.lines || got.use.Computed != 30 {
				t.Errorf("seed %d, rate %v: %+v, metrics\n%s\nwant\n%s", seed, rate, got.use, got.lines, want.lines)
			}
		}
	}
}
