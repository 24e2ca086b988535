package crash

import (
	"iter"
	"slices"

	"lamina/internal/philox"
)

// order returns the examples of a step: consecutive runs of a permutation that
// depends on seed and epoch.
func (t *Trainer) order(step int) []int {
	epoch, from := step/t.perEpoch, step%t.perEpoch*t.Settings.Batch
	if t.perm == nil || t.epoch != epoch {
		t.epoch, t.perm = epoch, philox.New(t.Settings.Seed, uint64(epoch)).Perm(len(t.Train))
		if t.Settings.NoShuffle {
			slices.Sort(t.perm)
		}
	}
	return t.perm[from:min(from+t.Settings.Batch, len(t.perm))]
}

// passes cuts the examples of a step into what runs at once.
func (t *Trainer) passes(ids []int) iter.Seq[[]int] {
	if t.Settings.MicroBatch == 0 {
		return slices.Chunk(ids, len(ids))
	}
	return slices.Chunk(ids, t.Settings.MicroBatch)
}

// size returns how many tokens some examples read, and how many they predict.
func (t *Trainer) size(ids []int) (tokens, targets int) {
	for _, i := range ids {
		tokens += len(t.Train[i].Context) + len(t.Train[i].Target) - 1
		targets += len(t.Train[i].Target)
	}
	return tokens, targets
}

// reserve makes room, after the first pass, for the largest one that is planned:
// memory grows with tokens and with targets at most in proportion, and the arena
// rounds sizes up by a quarter at most. Later passes then ask the device for
// nothing.
func (t *Trainer) reserve(first []int) {
	if t.reserved {
		return
	}
	t.reserved = true
	tokens, targets := t.size(first)
	most := 1.0
	for step := t.state.Step; step < t.steps; step++ {
		for part := range t.passes(t.order(step)) {
			n, k := t.size(part)
			most = max(most, float64(n)/float64(tokens), float64(k)/float64(targets))
		}
	}
	const rounding = 1.25
	t.pass.Arena.Reserve(int(rounding * most * float64(t.pass.Arena.Peak())))
	t.pass.Reset() // what it has in pieces becomes one
}
