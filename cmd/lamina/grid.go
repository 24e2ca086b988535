package main

import (
	"errors"
	"fmt"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/study"
	"lamina/internal/interrupt"
)

// gridFlags are the rates and seeds of trainings; several of either are a grid.
type gridFlags struct {
	LRs   []float64 `name:"lr" required:"" placeholder:"X" help:"Learning rate. Of several, and with --seeds, each is trained with each seed, in a run directory of its own in --out, of rows that are read once; those that are done are not trained again, those that diverge are named and left out, and a table says which validation loss (or metric, with --best-by) is best."`
	Seeds []uint64  `placeholder:"N" help:"Seeds, each a training at every rate; more can be asked for later. Default: --seed, alone."`
}

// isGrid reports whether several trainings are asked for: then --out holds a run directory
// for each.
func (g gridFlags) isGrid() bool { return len(g.Seeds) > 0 || len(g.LRs) > 1 }

// check finds what is missing, would be trained twice, or must not be more than once.
func (g gridFlags) check(private bool) error {
	if len(g.LRs) == 0 {
		return usagef("--lr: want a learning rate, or several with commas between")
	}
	for i, lr := range g.LRs {
		if slices.Contains(g.LRs[:i], lr) {
			return usagef("--lr: %g comes twice", lr)
		}
	}
	for i, seed := range g.Seeds {
		if slices.Contains(g.Seeds[:i], seed) {
			return usagef("--seeds: %d comes twice", seed)
		}
	}
	if private && g.isGrid() {
		return usagef("--dp-sgd with several rates or --seeds: each training of the same rows spends ε anew, and so does choosing among them, which nothing here counts: give one --lr, and --seed")
	}
	return nil
}

// seeds are those of --seeds, or the one of --seed.
func (g gridFlags) seeds(s *session) []uint64 {
	if len(g.Seeds) == 0 {
		return []uint64{s.Seed}
	}
	return g.Seeds
}

// train trains a loaded fine-tuning at each rate with each seed.
func (g gridFlags) train(s *session, f *study.Finetuning, health *emulate.Health, run outRunFlags, events eventFlags) error {
	cells := &study.Grid{Finetuning: f, Dir: run.Out, LRs: g.LRs, Seeds: g.seeds(s)}
	if err := cells.Open(run.Overwrite); err != nil {
		return err
	}
	defer cells.Release()
	stream, err := events.stream(s, run.Out, run.Overwrite)
	if err != nil {
		return err
	}
	defer stream.Close()
	show := s.watcher()
	defer show.Close()
	defer interrupt.Saving("the step under way is finished and saved")()
	r, err := cells.Run(s.ctx, show, stream, health)
	if errors.Is(err, study.ErrStopped) {
		return interrupted{fmt.Sprintf("%v, saved in %s: run the same command again to go on; the cells that are done are not trained again", err, run.Out)}
	}
	if err != nil {
		return err
	}
	show.Close()
	s.warn(r.Warnings())
	s.printf("%s", r.Text())
	return s.writeJSON(r)
}
