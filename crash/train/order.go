package train

import (
	"iter"
	"slices"

	"lamina/internal/philox"
)

// order returns the examples of a step: consecutive runs of a permutation that
// depends on seed and epoch. Of a private run they are drawn in secret.
func (t *Trainer) order(step int) []int {
	if t.private != nil {
		return t.drawn(step)
	}
	epoch, from := step/t.perEpoch, step%t.perEpoch*t.Settings.Batch // 0 where a batch holds all
	if t.perm == nil || t.epoch != epoch {
		t.epoch, t.perm = epoch, philox.New(t.Settings.Seed, uint64(epoch)).Perm(t.Train.Len())
		if t.Settings.NoShuffle {
			slices.Sort(t.perm)
		}
	}
	return t.perm[from:min(from+min(t.Settings.Batch, len(t.perm)), len(t.perm))]
}

// passes cuts the examples of a step into what runs at once.
func (t *Trainer) passes(ids []int) iter.Seq[[]int] {
	return slices.Chunk(ids, t.Settings.passSize())
}

// setSteps counts the optimiser steps.
func (t *Trainer) setSteps() {
	t.perm, t.perEpoch, t.steps = nil, t.Settings.stepsPerEpoch(t.Train.Len()), t.Settings.TotalSteps(t.Train.Len())
}
