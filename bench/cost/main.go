// Command cost holds what lamina info predicts of an emulator against what a training step
// of it takes: memory and time, for one plan of each kind.
//
//	go run ./bench/cost                                  # SmolLM2-135M's shapes, random weights
//	go run ./bench/cost -batch 4 -length 128 -kinds dense,svd -rounds 5
//	go run ./bench/cost -busy                            # on a machine that others use
//
// Weights are random ones: no size and no time depends on them. Prediction and steps take
// turns, and the fastest of each counts. Memory measured is weights and moments as they are
// held and the high water of the pass's arena.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"lamina/bench/workload"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/internal/report"
	"lamina/internal/units"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/replay"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// kind is a kind of emulator, of a model of so many layers.
type kind struct {
	name string
	plan func(layers int) (plan.Plan, error)
}

// kinds are those that are held against each other: all blocks kept or half of them, four
// of them trained.
var kinds = []kind{
	{"dense", shaped(1, plan.Shape{})},
	{"half depth", shaped(2, plan.Shape{})},
	{"shared", shaped(2, plan.Shape{Share: plan.ShareAll})},
	{"ghost", shaped(2, plan.Shape{Repair: plan.Repair(plan.Ghost)})},
	{"svd0.5", compressed("svd0.5")},
	{"width0.5", compressed("width0.5")},
	{"q4_0", compressed("q4_0")},
}

const trained = 4

// shaped keeps every n-th layer and makes of them what a shape says.
func shaped(n int, s plan.Shape) func(layers int) (plan.Plan, error) {
	return func(layers int) (plan.Plan, error) {
		r := plan.Request{Layers: layers, Keep: layers / n, Trainable: trained, TrainAt: plan.TrainAt{}}
		chosen, err := plan.Uniform.Plan(r)
		if err != nil {
			return nil, err
		}
		p, _, err := s.Of(chosen.Plan, layers)
		return p, err
	}
}

func compressed(word string) func(layers int) (plan.Plan, error) {
	return func(layers int) (plan.Plan, error) {
		t, err := plan.ParseTransform(word)
		if err != nil {
			return nil, err
		}
		return shaped(1, plan.Shape{Compress: t})(layers)
	}
}

// work is what is asked for.
type work struct {
	shape, stored, kinds           string
	batch, length, targets, rounds int
	clock                          func() time.Duration
}

func main() {
	var w work
	flag.StringVar(&w.shape, "shape", "smollm2-135m", "a standard shape of bench/workload")
	flag.StringVar(&w.stored, "dtype", "F32", "storage type of the full model's matrices")
	flag.IntVar(&w.batch, "batch", 16, "examples of a step")
	flag.IntVar(&w.length, "length", 64, "tokens of an example")
	flag.IntVar(&w.targets, "targets", 0, "of them that are learned; 0: all")
	flag.StringVar(&w.kinds, "kinds", "", "only kinds whose names begin with one of these words, with commas")
	flag.IntVar(&w.rounds, "rounds", 3, "predictions of each kind, and twice as many steps")
	busy := flag.Bool("busy", false, "for a machine that others use: one thread, and the time that the processor gives this process instead of the clock's")
	flag.Parse()
	w.targets = cmp.Or(w.targets, w.length)
	begin, threads := time.Now(), 0
	w.clock = func() time.Duration { return time.Since(begin) }
	if *busy {
		w.clock, threads = processorTime, 1
	}
	be := cpu.New(cpu.Options{Threads: threads})
	defer be.Close()
	if err := w.run(context.Background(), be); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func (w work) run(ctx context.Context, be kernels.Backend) error {
	at := slices.IndexFunc(workload.Shapes(), func(s workload.Shape) bool { return s.Name == w.shape })
	d, ok := tensor.ParseDType(w.stored)
	if at < 0 || !ok {
		return fmt.Errorf("no shape %q or storage type %q", w.shape, w.stored)
	}
	full := workload.NewModel(be, workload.Shapes()[at], d).Decoder
	t := report.Table{Columns: []report.Column{
		{Name: "kind"}, {Name: "memory predicted", Right: true}, {Name: "measured", Right: true}, {Name: "off", Right: true},
		{Name: "step predicted", Right: true}, {Name: "measured", Right: true}, {Name: "off", Right: true},
		{Name: "forward predicted", Right: true}, {Name: "measured", Right: true}, {Name: "off", Right: true}, {Name: "dense step", Right: true},
	}}
	dense := 0.0
	for _, k := range kinds {
		if w.kinds != "" && !slices.ContainsFunc(strings.Split(w.kinds, ","), func(word string) bool { return strings.HasPrefix(k.name, word) }) {
			continue
		}
		c, err := w.compare(ctx, be, full, k)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		dense = cmp.Or(dense, c.step[1])
		t.Rows = append(t.Rows, []string{
			k.name, units.Bytes(int(c.memory[0])), units.Bytes(int(c.memory[1])), off(c.memory),
			seconds(c.step[0]), seconds(c.step[1]), off(c.step), seconds(c.forward[0]), seconds(c.forward[1]), off(c.forward),
			fmt.Sprintf("%.2fx", dense/c.step[1]),
		})
		fmt.Fprintf(os.Stderr, "%s\n", strings.Join(t.Rows[len(t.Rows)-1], "  "))
	}
	fmt.Printf("%s of %s, %d x %d tokens, %d of each learned, %d processors, %s\n\n%s", w.shape, w.stored, w.batch, w.length, w.targets, runtime.GOMAXPROCS(0), be.Name(), t.Text())
	return nil
}

// compared are predictions and what was measured.
type compared struct{ memory, step, forward [2]float64 }

func (w work) compare(ctx context.Context, be kernels.Backend, full *transformer.Decoder, k kind) (c compared, err error) {
	p, err := k.plan(len(full.Blocks))
	if err != nil {
		return c, err
	}
	outline, err := emulate.OutlineOf(full, p)
	if err != nil {
		return c, err
	}
	planned, err := w.trainer(be, outline)
	if err != nil {
		return c, err
	}
	memory, err := planned.Memory()
	if err != nil {
		return c, err
	}
	c.memory[0] = float64(memory.Total())
	e, err := workload.NewEmulated(be, full, p, w.batch, w.length, w.targets)
	if err != nil {
		return c, err
	}
	defer e.Close()
	c.step, c.forward = [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(1), math.Inf(1)}
	for range w.rounds {
		pace, err := planned.Pace(ctx, replay.Meter{Backend: be, Long: train.PaceTime, Clock: w.clock})
		if err != nil {
			return c, err
		}
		c.step[0], c.forward[0] = min(c.step[0], pace.Step), min(c.forward[0], pace.Forward)
		for range 2 {
			if err := errors.Join(w.timed(&c.step[1], e.Step), w.timed(&c.forward[1], e.Score)); err != nil {
				return c, err
			}
		}
	}
	c.memory[1] = float64(e.Bytes())
	return c, nil
}

// timed makes a call and keeps the shortest time.
func (w work) timed(shortest *float64, call func() error) error {
	begin := w.clock()
	err := call()
	*shortest = min(*shortest, (w.clock() - begin).Seconds())
	return err
}

// trainer returns one of a step on examples of no meaning.
func (w work) trainer(be kernels.Backend, e *emulate.Emulator) (*train.Trainer, error) {
	o, err := train.Blank(e.Decoder, w.batch, w.length, w.targets)
	return &train.Trainer{Backend: be, Params: e.Params(), Held: e.Decoder.Params(), Train: o, Settings: train.Settings{
		LR: 1, Steps: 1, Batch: w.batch, Schedule: optim.Constant, Clip: 1,
	}}, err
}

func share(v float64) string { return fmt.Sprintf("%+.1f%%", 100*v) }

func off(v [2]float64) string { return share(v[0]/v[1] - 1) }

func seconds(v float64) string { return fmt.Sprintf("%.3f s", v) }
