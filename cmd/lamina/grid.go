package main

import (
	"errors"
	"fmt"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/study"
	"lamina/internal/interrupt"
)

// isGrid reports whether several trainings are asked for: then --out holds a run directory
// for each.
func (c *finetuneCommand) isGrid() bool { return len(c.Seeds) > 0 || len(c.LRs) > 1 }

// checkGrid finds what would be trained twice, or must not be more than once.
func (c *finetuneCommand) checkGrid() error {
	for i, lr := range c.LRs {
		if slices.Contains(c.LRs[:i], lr) {
			return usagef("--lr: %g comes twice", lr)
		}
	}
	for i, seed := range c.Seeds {
		if slices.Contains(c.Seeds[:i], seed) {
			return usagef("--seeds: %d comes twice", seed)
		}
	}
	if c.DPSGD && c.isGrid() {
		return usagef("--dp-sgd with several rates or --seeds: each training of the same rows spends ε anew, and so does choosing among them, which nothing here counts: give one --lr, and --seed")
	}
	return nil
}

// grid trains a loaded fine-tuning at each rate with each seed.
func (c *finetuneCommand) grid(s *session, f *study.Finetuning, health *emulate.Health) error {
	g := &study.Grid{Finetuning: f, Dir: c.Out, LRs: c.LRs, Seeds: c.seeds(s)}
	if err := g.Open(c.Overwrite); err != nil {
		return err
	}
	defer g.Release()
	stream, err := c.stream(s, c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	defer stream.Close()
	show := s.watcher()
	defer show.Close()
	defer interrupt.Saving("the step under way is finished and saved")()
	r, err := g.Run(s.ctx, show, stream, health)
	if errors.Is(err, study.ErrStopped) {
		return interrupted{fmt.Sprintf("%v, saved in %s: run the same command again to go on; the cells that are done are not trained again", err, c.Out)}
	}
	if err != nil {
		return err
	}
	show.Close()
	s.warn(r.Warnings())
	s.printf("%s", r.Text())
	return s.writeJSON(r)
}

// seeds are those of --seeds, or the one of --seed.
func (c *finetuneCommand) seeds(s *session) []uint64 {
	if len(c.Seeds) == 0 {
		return []uint64{s.Seed}
	}
	return c.Seeds
}
