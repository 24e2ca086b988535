package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/internal/files"
)

// Grid is a fine-tuning at several rates, with several seeds: rows are read and encoded
// once, streams of frozen places are computed once, and each cell comes to the bits of a
// [Finetuning] by itself, in a run directory of its own:
//
//	config.json       what all cells have in common; a later run must have the same
//	lr0.0001-seed1/   the run of a cell, as that of a fine-tuning by itself
//
// A cell that is finished is not trained again, nor one that diverged, which does not keep
// the others from going on; more rates and seeds can be asked for later. Each keeps weights of what trained, and the checkpoints of the one under way.
//
//	g := &study.Grid{Finetuning: f, Dir: "grid", LRs: lrs, Seeds: seeds} // after f.Load
//	err := g.Open(false)
//	defer g.Release()
//	result, err := g.Run(ctx, show, nil, health)
type Grid struct {
	*Finetuning
	Dir   string
	LRs   []float64
	Seeds []uint64

	release func()
}

// Listener is told of several trainings, those of a grid or of a table, each before it begins and when it ends.
type Listener interface {
	Attach(t *train.Trainer, cell, dir string)
	End(o train.Outcome, err error)
}

// ErrStopped is the error of a grid that was interrupted: what is done is kept.
var ErrStopped = errors.New("stopped")

// cells is how many there are.
func (g *Grid) cells() int { return len(g.LRs) * len(g.Seeds) }

// cellName is what the directory of a cell is called.
func cellName(lr float64, seed uint64) string { return fmt.Sprintf("lr%g-seed%d", lr, seed) }

var cellNames = regexp.MustCompile(`^lr[0-9.e+-]+-seed[0-9]+$`)

// Open makes the directory, or goes on there if its config.json holds the same; with
// overwrite cells of an earlier grid are removed. Until Release nobody else has it open.
func (g *Grid) Open(overwrite bool) error {
	c := g.config("finetune-grid")
	c.Settings.LR, c.Settings.Seed = 0, 0 // a grid has several
	want, err := files.JSON(c)
	if err != nil {
		return err
	}
	if g.release, err = files.Begin(g.Dir, want, overwrite); err != nil {
		return err
	}
	if err = files.WriteSettings(g.Dir, want, overwrite, g.clear); err != nil {
		g.release()
	}
	return err
}

// Release lets others have the directory.
func (g *Grid) Release() { g.release() }

// clear removes the cells of an earlier grid.
func (g *Grid) clear() error {
	entries, err := os.ReadDir(g.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if cellNames.MatchString(e.Name()) {
			if err := files.Remove(filepath.Join(g.Dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Run trains the cells that are not finished, the seeds of a rate after each other, and sums
// up. listen may be nil; health is that of [Finetuning.Health]. It is ErrStopped if ctx
// ended before the last was done, and an error too if all of them diverge.
func (g *Grid) Run(ctx context.Context, show *Watcher, listen Listener, health *emulate.Health) (r Gridded, err error) {
	g.watchPrefix(show)
	r = Gridded{Metric: g.Metric, Out: g.Dir, validated: g.Trainer.Valid != nil}
	for _, lr := range g.LRs {
		for _, seed := range g.Seeds {
			cell, err := g.cell(ctx, show, listen, health, lr, seed)
			told := cell.String()
			if diverged := (*train.Diverged)(nil); errors.As(err, &diverged) {
				r.Failed = append(r.Failed, Failed{lr, seed, *diverged})
				told = r.Failed[len(r.Failed)-1].String()
			} else if err != nil {
				return r, fmt.Errorf("cell %s: %w", cellName(lr, seed), err)
			} else {
				r.Cells = append(r.Cells, cell)
			}
			show.line(fmt.Sprintf("cell %d of %d: %s", len(r.Cells)+len(r.Failed), g.cells(), told))
		}
	}
	if len(r.Cells) == 0 {
		return r, fmt.Errorf("no cell is left of %d: cell %s: %w", g.cells(), cellName(g.LRs[0], g.Seeds[0]), &r.Failed[0].Diverged)
	}
	r.sum(g.better())
	return r, nil
}

// cell trains one, or takes what it came to, and writes what is sent back.
func (g *Grid) cell(ctx context.Context, show *Watcher, listen Listener, health *emulate.Health, lr float64, seed uint64) (c Cell, err error) {
	name := cellName(lr, seed)
	dir := filepath.Join(g.Dir, name)
	f, err := g.at(lr, seed)
	if err != nil {
		return c, err
	}
	defer f.Trainer.Close()
	run, err := f.Open(dir, false)
	if err != nil {
		return c, err
	}
	defer run.Close()
	run.Warn = func(text string) { show.Watch(Event{Phase: "warning", Warning: name + ": " + text}) }
	outcome, done, err := f.finished()
	if err == nil && !done {
		if listen != nil {
			listen.Attach(f.Trainer, name, dir)
		}
		outcome, err = show.train(ctx, name, f.Trainer)
		if listen != nil {
			listen.End(outcome, err)
		}
		if diverged := (*train.Diverged)(nil); errors.As(err, &diverged) {
			if unwritten := run.Fail(diverged); unwritten != nil {
				err = unwritten
			}
		}
		if err == nil && outcome.Stopped {
			err = ErrStopped
		}
		if err == nil {
			err = f.Trainer.Finish(run, outcome)
		}
	}
	if err != nil {
		return c, err
	}
	c = Cell{LR: lr, Seed: seed}
	c.Finetuned, err = f.Finish(dir, outcome, health)
	return c, err
}

// at returns the fine-tuning of a cell, which shares rows and kept streams.
func (g *Grid) at(lr float64, seed uint64) (*Finetuning, error) {
	t := *g.Trainer
	t.Settings.LR, t.Settings.Seed = lr, seed
	f := *g.Finetuning
	f.Trainer = &t
	if f.prefix != nil {
		f.used = f.prefix.Use()
	}
	if f.PEFT != nil {
		if err := f.beside(); err != nil {
			return nil, err
		}
		g.attached = f.attached // which the next cell's takes the place of
	}
	return &f, g.LendPrefix(&f)
}

// better compares cells: negative where a is.
func (g *Grid) better() func(a, b Cell) int {
	byMetric := g.Trainer.Settings.BestBy == train.BestMetric
	return func(a, b Cell) int {
		if byMetric {
			c := cmp.Compare(*a.Outcome.BestMetric, *b.Outcome.BestMetric)
			if !g.Trainer.Score.Lower {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Outcome.BestLoss, b.Outcome.BestLoss)
	}
}

// bestOf returns the best of the cells, the first of equal ones.
func bestOf(cells []Cell, better func(a, b Cell) int) Cell { return slices.MinFunc(cells, better) }
