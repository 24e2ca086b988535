package train

import (
	"iter"
	"slices"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels/dry"
	"lamina/nn"
	"lamina/transformer"
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

// setSteps counts the optimiser steps.
func (t *Trainer) setSteps() {
	t.perm, t.perEpoch, t.steps = nil, t.Settings.stepsPerEpoch(len(t.Train)), t.Settings.TotalSteps(len(t.Train))
}

// Memory is what a run holds at its peak, in bytes, beside what every
// program of the kind does: some tens of MiB for code, tokenizer, examples and the
// scratch of the backend.
type Memory struct {
	Frozen  int `json:"frozen"`  // weights that are not trained, as they are stored, each once
	Trained int `json:"trained"` // the others: F32 value, gradient and two moments, 16 bytes each
	Pass    int `json:"pass"`    // activations and their gradients, of the largest pass
}

// Total returns the sum.
func (m Memory) Total() int { return m.Frozen + m.Trained + m.Pass }

// Memory returns what Run would hold: nothing is computed, and nothing allocated
// that grows with the model.
func (t *Trainer) Memory() (Memory, error) {
	if err := t.check(); err != nil {
		return Memory{}, err
	}
	t.setSteps()
	var m Memory
	starred := map[*autograd.Parameter]bool{}
	for w := range t.Params {
		starred[w] = true
	}
	for w := range t.Decoder.Params() {
		if !starred[w] {
			m.Frozen += w.Value.Bytes()
		}
	}
	trained, err := nn.Trainable(&dry.Backend{}, t.Params)
	if err != nil {
		return Memory{}, err
	}
	defer trained.Close()
	m.Trained = 4 * trained.Values.Bytes()
	m.Pass = t.largestPass()
	return m, nil
}

// largestPass returns the arena's extent for as many tokens as the longest planned
// pass reads, and as many targets as any has.
func (t *Trainer) largestPass() int {
	var longest []int
	tokens, targets := 0, 0
	for step := t.state.Step; step < t.steps; step++ {
		for part := range t.passes(t.order(step)) {
			n, k := t.size(part)
			if n > tokens {
				tokens, longest = n, part
			}
			targets = max(targets, k)
		}
	}
	b := &transformer.Batch{}
	for _, i := range longest {
		b.Add(make([]int32, len(t.Train[i].Context)+len(t.Train[i].Target)-1), nil)
	}
	p := autograd.NewTrainingPass(&dry.Backend{})
	_, _ = t.differentiate(p, b, make([]int32, targets), make([]int32, targets), 1) // no number, and memory without end
	return p.Arena.Extent()
}
