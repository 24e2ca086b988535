package train_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// keep gives both objectives of a trainer a prefix, and fails unless it is below place.
func keep(t *testing.T, tr *train.Trainer, c *train.Prefix, place int) {
	t.Helper()
	for _, o := range []train.Objective{tr.Train, tr.Valid} {
		got, err := o.(*train.NextToken).Keep(c, tr.Params)
		if err != nil || got != place {
			t.Fatalf("kept below place %d, want %d: %v", got, place, err)
		}
	}
}

// ran is what a run with or without a prefix came to.
type ran struct {
	bits  []uint32
	lines string
	use   train.PrefixUse
}

func runWith(t *testing.T, tr *train.Trainer, c *train.Prefix) (r ran) {
	t.Helper()
	tr.Report = func(m train.Metrics) {
		m.TokensPerSecond = 0
		r.lines += fmt.Sprintln(m)
	}
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r.bits = crashtest.Bits(tr.Params)
	if c != nil {
		r.use = c.Use()
	}
	return r
}

// TestPrefixHasTheSameBits: with the streams of frozen places in memory, on disk, in both,
// in part or not at all, losses, norms and weights are those of a run that computes them
// each time, for every family, batches cut or whole, activations kept or computed again.
func TestPrefixHasTheSameBits(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 2, SplitAll: true})
	defer be.Close()
	const row = 160 // what a row takes beside its stream
	for _, family := range crashtest.Families {
		for _, cut := range []func(*train.Trainer){
			func(*train.Trainer) {},
			func(tr *train.Trainer) { tr.Settings.MicroBatch, tr.Recompute = 3, true },
			func(tr *train.Trainer) { tr.Settings.NoShuffle, tr.Settings.Batch = true, 22 },
		} {
			start := func() *train.Trainer {
				tr, _ := trainer(t, be, crashtest.Small(be, family), "0 1 1 3* 4 5*")
				tr.Settings.Epochs, tr.Settings.Dropout = 3, 0
				if family == "llama" { // which drops nothing in its blocks
					tr.Settings.Dropout = 0.1
				}
				cut(tr)
				return tr
			}
			want := runWith(t, start(), nil)
			for _, room := range []train.Prefix{
				{Memory: 1 << 30}, {Disk: 1 << 30, Dir: t.TempDir()}, {Memory: 6 * (24*4*8 + row), Disk: 1 << 30, Dir: t.TempDir()},
				{Memory: 6 * (24*4*8 + row)}, {Disk: 5000, Dir: t.TempDir()}, {},
			} {
				tr, what := start(), fmt.Sprintf("%s, %d and %d bytes", family, room.Memory, room.Disk)
				keep(t, tr, &room, 3)
				memory, err := tr.Memory()
				if err != nil {
					t.Fatal(err)
				}
				got := runWith(t, tr, &room)
				crashtest.Same(t, what, got.bits, want.bits)
				if got.lines != want.lines {
					t.Errorf("%s: metrics\n%s\nwant\n%s", what, got.lines, want.lines)
				}
				all := 3*22 + 4*8 // rows of three epochs and four validations
				if room.Memory+room.Disk >= 1<<30 && (got.use.Computed != 30 || got.use.Read != all-30) || got.use.Computed+got.use.Read != all {
					t.Errorf("%s: %+v", what, got.use)
				}
				fits := room.Memory == 1<<30 || room.Memory == 0
				if fits && memory.Streams != got.use.Memory || memory.Streams < got.use.Memory || got.use.Memory > room.Memory || got.use.Disk > room.Disk {
					t.Errorf("%s: %d bytes planned, %+v", what, memory.Streams, got.use)
				}
				room.Close()
				if left, _ := os.ReadDir(room.Dir); room.Dir != "" && len(left) > 0 {
					t.Errorf("%s: %v is left", what, left)
				}
			}
		}
	}
}

// TestPrefixIsPlanned: the first epoch, which runs the frozen places and keeps what they
// make, stays within the memory that was planned.
func TestPrefixIsPlanned(t *testing.T) {
	be := ref.New()
	for _, recompute := range []bool{false, true} {
		tr, _ := trainer(t, be, crashtest.Small(be, "llama"), "0 1 2 3 4 5*")
		tr.Settings.Dropout, tr.Recompute = 0, recompute
		c := &train.Prefix{Memory: 1 << 30}
		keep(t, tr, c, 5)
		want, err := tr.Memory()
		if err != nil {
			t.Fatal(err)
		}
		out, err := tr.Run(context.Background())
		if err != nil || out.PeakBytes > want.Pass {
			t.Errorf("%d bytes at the peak of a pass, %d planned: %v", out.PeakBytes, want.Pass, err)
		}
		tr.Close()
	}
}

// TestPrefixSurvivesARun: another run over the same frozen places, with other weights that
// train, at another rate and seed, computes nothing below; one of other frozen places, or of
// the same with another weight, begins anew.
func TestPrefixSurvivesARun(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	c := &train.Prefix{Memory: 1 << 30}
	run := func(plan string, seed uint64, place int) (computed int) {
		before := c.Use().Computed
		tr, _ := trainer(t, be, full, plan)
		tr.Settings.Seed, tr.Settings.LR, tr.Settings.Steps, tr.Settings.Epochs = seed, 1e-3*float64(seed), 6, 0
		keep(t, tr, c, place)
		runWith(t, tr, c)
		return c.Use().Computed - before
	}
	if n := run("0 1 2* 3", 1, 2); n != 30 {
		t.Errorf("the first run computes %d rows, want 30", n)
	}
	if n := run("0 1 4* 5*", 2, 2); n != 0 {
		t.Errorf("a run over the same places computes %d rows", n)
	}
	for _, plan := range []string{"1 0 2* 3", "0 1 2* 3", "0 0 2*"} {
		if n := run(plan, 3, 2); n != 30 {
			t.Errorf("plan %s: %d rows are computed anew, want 30", plan, n)
		}
	}
	for w := range nn.ParamsOf(full.Blocks[0]) {
		v := w.Value.Float32s()
		v[0]++
		w.Value.SetFloat32s(v)
		break
	}
	if n := run("0 0 2*", 3, 2); n != 30 {
		t.Errorf("after a weight has changed %d rows are computed anew, want 30", n)
	}
	full.Blocks[0] = &transformer.Scaled{Block: full.Blocks[0], By: 0.5}
	if n := run("0 0 2*", 3, 2); n != 30 {
		t.Errorf("after a block is scaled %d rows are computed anew, want 30", n)
	}
}

// TestWhatTrainsIsBelowNothing: where the embedding or the first place trains, nothing is
// kept; dropout below keeps what is measured alone; a weight of nowhere is an error.
func TestWhatTrainsIsBelowNothing(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	c := &train.Prefix{Memory: 1 << 30}
	for _, params := range []nn.Params{full.Params(), nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Embed)} {
		o := crashtest.NextToken(t, full, crashtest.Pairs(3)).(*train.NextToken)
		if place, err := o.Keep(c, params); err != nil || place != 0 {
			t.Errorf("kept below place %d: %v", place, err)
		}
	}
	o := crashtest.NextToken(t, full, crashtest.Pairs(3)).(*train.NextToken)
	if place, err := o.Keep(c, full.Norm.Params()); err != nil || place != 6 {
		t.Errorf("of the final norm, kept below place %d: %v", place, err)
	}
	if _, err := o.Keep(c, nn.ParamsOf(crashtest.Small(be, "opt").Blocks[2])); err == nil {
		t.Error("weights of another decoder train, and there is no error")
	}
	tr, _ := trainer(t, be, full, "0 1 2*")
	keep(t, tr, c, 2)
	got := runWith(t, tr, c)
	tr, _ = trainer(t, be, full, "0 1 2*")
	want := runWith(t, tr, nil)
	crashtest.Same(t, "with dropout", got.bits, want.bits)
	if got.lines != want.lines || got.use.Computed != 8 || got.use.Read != 16 {
		t.Errorf("%+v, metrics\n%s\nwant\n%s", got.use, got.lines, want.lines)
	}
}

// TestPrefixOnABadDisk: a disk that is not there, that is full, cut or changed behind our
// back is said in one line, and costs time alone.
func TestPrefixOnABadDisk(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "gpt2")
	start := func() *train.Trainer {
		tr, _ := trainer(t, be, full, "0 1 2* 3")
		tr.Settings.Dropout, tr.Settings.Epochs = 0, 3
		return tr
	}
	want := runWith(t, start(), nil)
	damage := func(change func(f *os.File)) func(string, train.Metrics) {
		return func(dir string, m train.Metrics) {
			if m.Step != 5 || m.ValidLoss != 0 {
				return
			}
			entries, _ := os.ReadDir(dir)
			if len(entries) != 1 {
				t.Fatalf("%d files", len(entries))
			}
			f, err := os.OpenFile(filepath.Join(dir, entries[0].Name()), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			change(f)
		}
	}
	for what, c := range map[string]struct {
		dir    string
		during func(string, train.Metrics)
		says   string
	}{
		"gone":    {filepath.Join(t.TempDir(), "none"), nil, "no such file"},
		"cut":     {t.TempDir(), damage(func(f *os.File) { f.Truncate(1000) }), "streams"},
		"changed": {t.TempDir(), damage(func(f *os.File) { f.WriteAt(make([]byte, 9000), 0) }), "not what was written"},
	} {
		tr, notes := start(), []string{}
		prefix := &train.Prefix{Disk: 1 << 30, Dir: c.dir, Note: func(why string) { notes = append(notes, why) }}
		keep(t, tr, prefix, 2)
		got := ran{}
		tr.Report = func(m train.Metrics) {
			m.TokensPerSecond = 0
			got.lines += fmt.Sprintln(m)
			if c.during != nil {
				c.during(c.dir, m)
			}
		}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, what, crashtest.Bits(tr.Params), want.bits)
		if got.lines != want.lines {
			t.Errorf("%s: metrics\n%s\nwant\n%s", what, got.lines, want.lines)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], c.says) || !strings.Contains(notes[0], "same numbers") || strings.Contains(notes[0], "\n") {
			t.Errorf("%s: notes %q", what, notes)
		}
		tr.Close()
		prefix.Close()
	}
}

// TestPrefixOfAResumedRun: a run that is stopped anywhere and taken up with an empty prefix
// comes to the same bits.
func TestPrefixOfAResumedRun(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	run := func(ctx context.Context, dir string, c *train.Prefix) (*emulate.Emulator, train.Outcome) {
		tr, e := trainer(t, be, full, "0 1 2*")
		tr.Settings.Steps, tr.Settings.EvalEvery, tr.Settings.Epochs = 4, 2, 0
		if c != nil {
			keep(t, tr, c, 2)
			defer c.Close()
		}
		store, err := train.OpenRunDir(dir, tr.Settings, false)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		tr.Store = store
		out, err := tr.Run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return e, out
	}
	want, _ := run(context.Background(), t.TempDir(), nil)
	for n := 0; ; n++ {
		dir := filepath.Join(t.TempDir(), "run")
		_, out := run(&crashtest.Countdown{Context: context.Background(), Left: n}, dir, &train.Prefix{Disk: 1 << 20, Dir: dir})
		if !out.Stopped {
			return
		}
		got, _ := run(context.Background(), dir, &train.Prefix{Memory: 1 << 20})
		crashtest.Same(t, fmt.Sprintf("stopped at look %d", n+1), crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
	}
}

// TestPrefixOnADeviceThatFails: whichever allocation is refused, or at whatever call the
// device breaks, a run ends with that error, and what was kept until then is good.
func TestPrefixOnADeviceThatFails(t *testing.T) {
	inner := ref.New()
	full := crashtest.Small(inner, "llama")
	start := func(be kernels.Backend) *train.Trainer {
		tr, _ := trainer(t, be, full, "0 1 2*")
		tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.Batch = 0, 2, 2
		return tr
	}
	want := runWith(t, start(inner), nil)
	for n := 1; n < 2000; n += 37 {
		broken := kerneltest.NewBroken(inner, n)
		c := &train.Prefix{Memory: 1 << 20}
		tr := start(broken)
		keep(t, tr, c, 2)
		_, err := tr.Run(context.Background())
		tr.Close()
		if broken.Sync() == nil {
			return
		}
		if !errors.Is(err, kerneltest.ErrBroken) {
			t.Fatalf("call %d breaks the device: %v", n, err)
		}
		tr = start(inner)
		keep(t, tr, c, 2)
		crashtest.Same(t, fmt.Sprintf("after call %d broke a device", n), runWith(t, tr, c).bits, want.bits)
	}
}
