package study_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// requests returns token documents for scoring, n of them.
func requests(t testing.TB, n int) *task.Requests {
	t.Helper()
	var text strings.Builder
	for _, p := range crashtest.Pairs(n) {
		context, _ := json.Marshal(p.Context)
		target, _ := json.Marshal(p.Target[:1])
		fmt.Fprintf(&text, "{\"context_ids\":%s,\"target_ids\":%s}\n", context, target)
	}
	docs, err := task.Read(strings.NewReader(text.String()), "test.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	verbatim, err := task.Named("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := task.EncodeAll(verbatim, docs, nil, task.Setting{}, 64)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// protocol returns one on a small random model.
func protocol(t testing.TB, be kernels.Backend, full *transformer.Decoder, dir string, rows ...string) *study.Protocol {
	t.Helper()
	recipes, err := study.Select(study.Recipes, rows, plan.Parse)
	if err != nil {
		t.Fatal(err)
	}
	all := crashtest.Pairs(24)
	p := &study.Protocol{
		Backend: be, Full: full, Train: all[:10], Valid: all[10:14], Test: requests(t, 8), Keep: 4, Trainable: 2,
		Rows: recipes, Seed: 42, LRs: []float64{1e-3, 5e-3}, Settings: crashtest.Settings(), Vectors: measure.Vectors{Pooling: measure.PoolMean}, Dir: dir,
	}
	for _, pair := range all[14:] {
		p.Support.Rows = append(p.Support.Rows, pair.Context)
		p.Support.Answers = append(p.Support.Answers, transformer.Continuation{Context: pair.Context, Target: pair.Target})
	}
	p.Settings.Epochs, p.Settings.Steps, p.Settings.EvalEvery, p.Settings.Warmup = 0, 3, 2, 0
	return p
}

func table(ctx context.Context, p *study.Protocol) (rows []study.Row, err error) {
	err = p.Run(ctx, func(r study.Row) error {
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

// text is a table as JSON, without the time it took.
func text(t testing.TB, rows []study.Row) string {
	t.Helper()
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Seconds, rows[i].BuildSeconds, rows[i].TrainSeconds = 0, 0, 0
		if rows[i].Measures != nil {
			m := *rows[i].Measures
			m.Seconds = 0
			rows[i].Measures = &m
		}
	}
	data, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestProtocolRunsEveryRow and each says what it is: plans of the right size,
// cells where they have a meaning, numbers that fit each other.
func TestProtocolRunsEveryRow(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "llama") // whose MLP has room to be narrowed
	before := crashtest.Logits(be, full)
	p := protocol(t, be, full, "", study.Names(study.Recipes)...)
	p.LRs = p.LRs[:1]
	rows, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
		kept, trained, places := 4, 2, 4
		switch r.Name {
		case "zs", "full":
			kept, trained, places = 6, 0, 6
		case "ceiling":
			kept, places = 6, 6
		case "share-all", "share-frozen", "share-damped":
			places = 6
		case "svd", "asvd", "nystrom", "gradot":
			kept, places = 6, 6
		case "auto":
			places = len(r.Plan) // with what is recommended in gaps
		case "crash-ghost", "sleb-ghost", "uniform-ghost", "patch":
			places = len(r.Plan) // with the maps
			if places <= kept {
				t.Errorf("%s: plan %q has no maps", r.Name, r.Plan)
			}
		}
		if len(r.Plan.Kept()) != kept || len(r.Plan.Trainable()) != trained || len(r.Plan) != places {
			t.Errorf("%s: plan %q keeps %d, trains %d", r.Name, r.Plan, len(r.Plan.Kept()), len(r.Plan.Trainable()))
		}
		if r.PlugIn == nil || r.N != 8 || r.Seed != 42 || r.HeldParams == 0 {
			t.Errorf("%s: %+v", r.Name, r)
			continue
		}
		if want := math.Sqrt(*r.PlugIn * (1 - *r.PlugIn) / 7); math.Abs(r.Stderr-want) > 1e-9 {
			t.Errorf("%s: standard error %v, want %v", r.Name, r.Stderr, want)
		}
		emulator := r.Name != "zs" && r.Name != "full" && r.Name != "ceiling"
		if (r.EmulatorZS != nil) != emulator || (r.EmulatorFT != nil) != emulator || (r.Delta != nil) != emulator {
			t.Errorf("%s: emulator cells %v, %v, %v", r.Name, r.EmulatorZS, r.EmulatorFT, r.Delta)
		} else if emulator && *r.Delta != *r.PlugIn-*r.EmulatorFT {
			t.Errorf("%s: delta %v of %v and %v", r.Name, *r.Delta, *r.PlugIn, *r.EmulatorFT)
		}
		if m, measured := r.Measures, r.Name != "zs" && r.Name != "full"; (m != nil) != measured || measured && (m.Cosine == nil || (m.ExactShare != nil) != emulator) {
			t.Errorf("%s: measures %+v", r.Name, m)
		}
		blocks := r.TrainParams / full.Config.BlockParams()
		if whole := r.Name == "full"; whole && r.TrainParams != full.Config.Params() || !whole && blocks != trained {
			t.Errorf("%s: trains %d weights, %d blocks", r.Name, r.TrainParams, blocks)
		}
		if (r.Steps == 0) != (r.Name == "zs") || (r.LR == 0) != (r.Name == "zs") {
			t.Errorf("%s: %d steps at rate %v", r.Name, r.Steps, r.LR)
		}
	}
	want := []string{"zs", "full", "ceiling", "uniform", "uniform-learnable", "random-1", "random-2", "random-3", "random-4", "random-5",
		"crash", "share-all", "share-frozen", "share-damped", "sleb", "gradient-fidelity", "crash-ghost", "sleb-ghost", "uniform-ghost", "patch", "replaceme", "svd", "asvd", "nystrom", "gradot", "normal", "left-normal", "right-normal", "inverse-normal",
		"hierarchical-single", "hierarchical-average", "hierarchical-complete", "iterative-drop", "block-influence", "angular", "streamline",
		"sleb-answer", "shapley", "gradient-gram", "auto"}
	if !slices.Equal(names, want) {
		t.Errorf("rows %v, want %v", names, want)
	}
	crashtest.Same(t, "the full model afterwards", crashtest.Logits(be, full), before)
}

// TestFinishedRowsAreReadNotRun: a second run in the same directory computes
// nothing and gives the same table, times included.
func TestFinishedRowsAreReadNotRun(t *testing.T) {
	be := kerneltest.NewCounting(cpu.New(cpu.Options{}))
	full, dir := crashtest.Small(be, "llama"), t.TempDir()
	rows := []string{"zs", "uniform", "crash"}
	first, err := table(context.Background(), protocol(t, be, full, dir, rows...))
	if err != nil {
		t.Fatal(err)
	}
	be.Reset()
	second, err := table(context.Background(), protocol(t, be, full, dir, rows...))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(be.Products()); n != 0 {
		t.Errorf("%d products for a table that is there", n)
	}
	a, _ := json.Marshal(first)
	b, _ := json.Marshal(second)
	if string(a) != string(b) {
		t.Errorf("read back %s\nwas %s", b, a)
	}
	for _, row := range rows[1:] {
		r := first[slices.Index(rows, row)]
		adapter, err := exchange.OpenAdapter(filepath.Join(dir, "rows", row, fmt.Sprintf("lr%g", r.LR)))
		if err != nil {
			t.Errorf("%s: %v", row, err)
			continue
		}
		if _, _, err := adapter.Plugged(full); err != nil {
			t.Errorf("%s: %v", row, err)
		}
		adapter.Close()
	}
	// One row more runs that row alone.
	be.Reset()
	third, err := table(context.Background(), protocol(t, be, full, dir, "zs", "ceiling"))
	if err != nil || len(third) != 2 || len(be.Products()) == 0 {
		t.Errorf("%d rows, %d products, %v", len(third), len(be.Products()), err)
	}
	damaged := filepath.Join(dir, "rows", "zs", "result.json")
	if err := os.Truncate(damaged, 30); err != nil {
		t.Fatal(err)
	}
	if _, err := table(context.Background(), protocol(t, be, full, dir, "zs")); err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("a damaged result: %v", err)
	}
}

// TestDamagedSimilarityIsTold: it is measured again, to the same, and says so; one that is
// whole, or is not there yet, is no matter of telling.
func TestDamagedSimilarityIsTold(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full, dir := crashtest.Small(be, "opt"), t.TempDir()
	path := filepath.Join(dir, "similarity.json")
	var whole []byte
	for _, c := range []struct {
		what string
		put  func() error
		told bool
	}{
		{"the first time", func() error { return nil }, false},
		{"whole", func() error { return nil }, false},
		{"cut", func() error { return os.Truncate(path, 30) }, true},
		{"mended", func() error { return nil }, false},
		{"a bit", func() error { return os.WriteFile(path, bytes.Replace(whole, []byte("0."), []byte("1."), 1), 0o644) }, true},
	} {
		if err := c.put(); err != nil {
			t.Fatal(err)
		}
		var told []string
		p := protocol(t, be, full, dir, "zs")
		p.Watch = func(e study.Event) {
			if e.Phase == "warning" {
				told = append(told, e.Warning)
			}
		}
		if _, err := p.Similarity(t.Context()); err != nil {
			t.Fatal(err)
		}
		about := slices.ContainsFunc(told, func(text string) bool {
			return strings.Contains(text, path) && strings.Contains(text, "measured again")
		})
		if about != c.told {
			t.Errorf("%s: %q", c.what, told)
		}
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if whole == nil {
			whole = now
		} else if !bytes.Equal(now, whole) {
			t.Errorf("%s: another similarity", c.what)
		}
	}
}

// TestInterruptedProtocolGivesTheSameTable stops it at places all over the run,
// again and again in one directory, until it is done.
func TestInterruptedProtocolGivesTheSameTable(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	rows := []string{"zs", "share-frozen"}
	want, err := table(context.Background(), protocol(t, be, full, t.TempDir(), rows...))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stops := 0
	for n := 1; ; n++ {
		got, err := table(&crashtest.Countdown{Context: context.Background(), Left: 3 + n}, protocol(t, be, full, dir, rows...))
		if err == nil {
			if a, b := text(t, got), text(t, want); a != b {
				t.Errorf("table after %d interruptions: %s\nwithout: %s", stops, a, b)
			}
			break
		}
		if stops++; !errors.Is(err, context.Canceled) || stops > 100 {
			t.Fatal(err)
		}
	}
	if stops < 3 {
		t.Errorf("interrupted %d times, the test wants three or more", stops)
	}
}

func TestProtocolValidate(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	for want, spoil := range map[string]func(p *study.Protocol){
		"no documents":     func(p *study.Protocol) { p.Test = nil },
		"no learning rate": func(p *study.Protocol) { p.LRs = nil },
		"keep 7":           func(p *study.Protocol) { p.Keep = 7 },
		"keep 0":           func(p *study.Protocol) { p.Keep = 0 },
		"trainable 5":      func(p *study.Protocol) { p.Trainable = 5 },
		"trainable 0":      func(p *study.Protocol) { p.Trainable = 0 },
		"neither method":   func(p *study.Protocol) { p.Rows = []study.Recipe{{Name: "best", Trains: study.Starred}} },
		"want one of them": func(p *study.Protocol) {
			p.Rows = []study.Recipe{{Name: "both", Method: plan.Uniform, Plan: plan.Identity(6, []int{1}), Trains: study.Starred}}
		},
		"without a name": func(p *study.Protocol) { p.Rows = []study.Recipe{{}} },
		"no starred":     func(p *study.Protocol) { p.Rows = []study.Recipe{{Name: "r", Method: plan.Random}} },
		"star a layer": func(p *study.Protocol) {
			p.Rows = []study.Recipe{{Name: "r", Plan: plan.Identity(6, nil), Trains: study.Starred}}
		},
		"out of range": func(p *study.Protocol) {
			p.Rows = []study.Recipe{{Name: "r", Plan: plan.Identity(7, []int{1}), Trains: study.Starred}}
		},
		"2 learning rates": func(p *study.Protocol) { p.Valid = nil },
	} {
		p := protocol(t, be, full, "", "zs")
		spoil(p)
		if _, err := table(context.Background(), p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
