package study_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/units"
	"lamina/kernels/ref"
	"lamina/nn/optim"
	"lamina/transformer"
)

// finetuning is one of a plan of six layers, whose examples have been read.
func finetuning(t *testing.T, family, text string) *study.Finetuning {
	t.Helper()
	be := ref.New()
	full := crashtest.Small(be, family)
	e := emulate.Whole(full)
	if text != "" {
		var err error
		if e, err = emulate.New(full, crashtest.Plan(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	tr := &train.Trainer{
		Backend: be, Params: e.Params(), Held: e.Decoder.Params(),
		Settings: train.Settings{LR: 1e-3, Epochs: 2, Batch: 8, Schedule: optim.Constant},
		Train:    crashtest.NextToken(t, e.Decoder, slices.Repeat([]task.Pair{{Context: make([]int32, 40), Target: make([]int32, 8)}}, 16)),
	}
	return &study.Finetuning{Model: &exchange.Model{Model: eval.Model{Backend: be, Decoder: full, Checkpoint: &transformer.Checkpoint{Config: full.Config}}}, Part: e, Trainer: tr}
}

// ways are what a refusal names, and how much each takes.
var ways = regexp.MustCompile(`(?:: |; )([^;:]*?),? takes ([0-9.]+ [KMG]?i?B)`)

// TestRefusalNamesWaysToTakeLess: with every number of bytes that may be available, a run
// that does not fit is refused in a line with three ways to take less at the least, and each
// takes what is said of it, computed anew.
func TestRefusalNamesWaysToTakeLess(t *testing.T) {
	for _, text := range []string{"", "0 1* 2 3* 4"} {
		f := finetuning(t, "llama", text)
		process := f.Model.Config.ProcessMemory()
		m, err := f.Trainer.Memory()
		if err != nil {
			t.Fatal(err)
		}
		need := m.Total() + process
		for _, available := range []int{0, need, need + 1} {
			if err := f.CheckMemory(available); err != nil {
				t.Errorf("plan %q: %d bytes available, %d needed: %v", text, available, need, err)
			}
		}
		for _, available := range []int{need - 1, process + (need-process)/2, process + 1} {
			err := f.CheckMemory(available)
			if err == nil {
				t.Fatalf("plan %q: %d bytes available, %d needed, and no error", text, available, need)
			}
			named := ways.FindAllStringSubmatch(err.Error(), -1)
			if len(named) < 3 || !strings.Contains(err.Error(), units.Bytes(available)+" are available") || !strings.Contains(err.Error(), "takes about "+units.Bytes(need)) || strings.Contains(err.Error(), "\n") {
				t.Errorf("plan %q: %v", text, err)
			}
			if text := err.Error(); strings.Count(text, "--micro-batch 1 ") != strings.Count(text, "but for rounding") && !strings.Contains(text, "too much as well") {
				t.Errorf("plan %q: of micro-batches not said that sums are rounded in another order: %v", text, err)
			}
			for _, way := range named {
				again := *f.Trainer
				switch {
				case strings.Contains(way[1], "--micro-batch 1 --recompute"):
					again.Settings.MicroBatch, again.Recompute = 1, true
				case strings.Contains(way[1], "--micro-batch 1"):
					again.Settings.MicroBatch = 1
				case strings.Contains(way[1], "--recompute"):
					again.Recompute = true
				case strings.Contains(way[1], "--max-length 24"):
					pairs := slices.Repeat([]task.Pair{{Context: make([]int32, 16), Target: make([]int32, 8)}}, 16)
					again.Train = crashtest.NextToken(t, f.Part.Decoder, pairs)
				case strings.Contains(way[1], "one starred block"):
					one := finetuning(t, "llama", map[string]string{"": "0 1 2 3 4 5*", "0 1* 2 3* 4": "0 1 2 3* 4"}[text])
					again = *one.Trainer
				default:
					t.Errorf("plan %q: way %q", text, way[1])
				}
				if m, err := again.Memory(); err != nil || units.Bytes(m.Total()+process) != way[2] {
					t.Errorf("plan %q: %s is said to take %s, and takes %s: %v", text, way[1], way[2], units.Bytes(m.Total()+process), err)
				}
			}
		}
	}
}

// TestKeptStreamsAreCounted: what is asked to be kept counts, off takes it away again; auto
// takes half of what is left, and never so much that the run does not fit.
func TestKeptStreamsAreCounted(t *testing.T) {
	f := finetuning(t, "llama", "0 1 2 3* 4")
	process := f.Model.Config.ProcessMemory()
	plain, _ := f.Trainer.Memory()
	// Two examples of one row each are one stream: 47 rows of 24 numbers.
	const streams = 47*24*4 + 160
	if err := f.KeepPrefix(study.CachePrefix{Memory: 1 << 20}, 0, ""); err != nil {
		t.Fatal(err)
	}
	kept, err := f.Trainer.Memory()
	if err != nil || kept.Streams != streams || kept.Total() < plain.Total()+streams {
		t.Errorf("%+v, without %+v: %v", kept, plain, err)
	}
	err = f.CheckMemory(kept.Total() + process - 1)
	if err == nil || !strings.Contains(err.Error(), "streams kept of frozen places 4.6 KiB") {
		t.Errorf("%v", err)
	}
	for _, left := range []int{0, 2, streams, 2 * streams, 1 << 20} {
		f := finetuning(t, "llama", "0 1 2 3* 4")
		if err := f.KeepPrefix(study.CachePrefix{Auto: true}, plain.Total()+process+left, ""); err != nil {
			t.Fatal(err)
		}
		m, err := f.Trainer.Memory()
		if err != nil || m.Streams != min(left/2, streams) {
			t.Errorf("%d bytes left: %+v, %v", left, m, err)
		}
	}
}

// TestLentStreams: of a grid of seeds and rates, the first run computes each row of frozen
// places once, and those it lends to none; weights are those of runs by themselves.
func TestLentStreams(t *testing.T) {
	var first *study.Finetuning
	for i, rate := range []float64{1e-3, 1e-3, 1e-2} {
		run := func(lent bool) []uint32 {
			f := finetuning(t, "llama", "0 1 2 3* 4")
			f.Trainer.Settings.Seed, f.Trainer.Settings.LR = uint64(i), rate
			switch {
			case lent && first == nil:
				first = f
				if err := f.KeepPrefix(study.CachePrefix{Memory: 1 << 20}, 0, ""); err != nil {
					t.Fatal(err)
				}
			case lent:
				defer f.Close()
				if err := first.LendPrefix(f); err != nil {
					t.Fatal(err)
				}
			default:
				defer f.Close()
			}
			if _, err := f.Trainer.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			return crashtest.Bits(f.Trainer.Params)
		}
		crashtest.Same(t, "a run of a grid", run(true), run(false))
		// 16 examples of one row, of which a batch runs 8 at once, in two epochs.
		if use := first.PrefixUse(); use.Computed != 8 || use.Read != 32*(i+1)-8 {
			t.Errorf("after run %d: %+v", i, use)
		}
	}
	first.Close()
}

// TestCachePrefixIsRefusedByName where it can do nothing, with the remedy; auto does nothing
// there.
func TestCachePrefixIsRefusedByName(t *testing.T) {
	for what, c := range map[string]struct {
		family, plan string
		change       func(f *study.Finetuning)
		says         string
	}{
		"whole":   {"llama", "", func(*study.Finetuning) {}, "the embedding or the first place trains"},
		"first":   {"llama", "0* 1 2", func(*study.Finetuning) {}, "the embedding or the first place trains"},
		"dropout": {"opt", "0 1 2*", func(f *study.Finetuning) { f.Trainer.Settings.Dropout = 0.1 }, "give --dropout 0"},
		"once":    {"llama", "0 1 2*", func(f *study.Finetuning) { f.Trainer.Settings.Epochs = 1 }, "no example is read twice"},
		"noise":   {"llama", "0 1 2*", func(f *study.Finetuning) { f.Trainer.Settings.GapNoise = 0.1 }, "--gap-noise 0.1"},
		"spans":   {"llama", "0 1 2*", func(f *study.Finetuning) { f.Trainer.Settings.DropSpan = 0.1 }, "--drop-span 0.1"},
		"turns": {"llama", "0 1 2*", func(f *study.Finetuning) {
			other := *f.Part.Decoder
			f.Trainer.Train.(*train.NextToken).InTurns(&other)
		}, "2 emulators take turns"},
	} {
		f := finetuning(t, c.family, c.plan)
		c.change(f)
		err := f.KeepPrefix(study.CachePrefix{Memory: 1 << 20}, 0, "")
		if err == nil || !strings.HasPrefix(err.Error(), "--cache-prefix 1.0 MiB: ") || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "leave it out") {
			t.Errorf("%s: %v", what, err)
		}
		if err := f.KeepPrefix(study.CachePrefix{Auto: true}, 0, ""); err != nil {
			t.Errorf("%s, auto: %v", what, err)
		}
		if m, err := f.Trainer.Memory(); err != nil || m.Streams != 0 {
			t.Errorf("%s, auto: %+v, %v", what, m, err)
		}
		f.Close()
	}
	for text, want := range map[string]study.CachePrefix{"auto": {Auto: true}, "off": {}, "1.5GiB": {Memory: 3 << 29}} {
		if got, err := study.ParseCachePrefix(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "on", "0", "-1"} {
		if got, err := study.ParseCachePrefix(text); err == nil || !strings.Contains(err.Error(), "--cache-prefix") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestDistillationNamesWaysToTakeLess: what a distillation may leave out is named too.
func TestDistillationNamesWaysToTakeLess(t *testing.T) {
	be := ref.New()
	d, err := distillation(t, be, "llama-gqa-tied", "0* 1 1", distill.Norms, 1e-2)
	if err != nil {
		t.Fatal(err)
	}
	process := d.Model.Config.ProcessMemory()
	m, err := d.Trainer.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.CheckMemory(m.Total() + process); err != nil {
		t.Error(err)
	}
	for _, settings := range []func(){func() {}, func() { d.Trainer.Settings.MicroBatch, d.Trainer.Recompute = 1, true }} {
		settings()
		m, err := d.Trainer.Memory()
		if err != nil {
			t.Fatal(err)
		}
		err = d.CheckMemory(m.Total() + process - 1)
		if err == nil || len(ways.FindAllString(err.Error(), -1)) < 2 {
			t.Fatalf("%v", err)
		}
	}
	if err := d.CheckMemory(1); err == nil || !strings.Contains(err.Error(), "--max-length 3 takes") || !strings.Contains(err.Error(), "--ppd 0 takes") {
		t.Errorf("%v", err)
	}
}
