package train

import (
	"slices"

	"lamina/autograd"
	"lamina/kernels/dry"
	"lamina/nn"
)

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
	if t.Held != nil {
		for w := range t.Held {
			if !starred[w] {
				m.Frozen += w.Value.Bytes()
			}
		}
	}
	trained, err := nn.Trainable(&dry.Backend{}, t.Params)
	if err != nil {
		return Memory{}, err
	}
	defer trained.Close()
	m.Trained = 4 * trained.Values.Bytes()
	m.Pass, err = t.largestPass()
	return m, err
}

// largestPass returns the arena's extent after a dry run of the largest planned pass:
// of all that no other one beats in tokens and terms both, the one that takes most.
func (t *Trainer) largestPass() (int, error) {
	extent := 0
	for _, ids := range t.candidates() {
		p := autograd.NewTrainingPass(&dry.Backend{})
		if _, err := t.accumulate(p, ids, 1); err != nil {
			return 0, err
		}
		extent = max(extent, p.Arena.Extent())
	}
	return extent, nil
}

// candidates returns the planned passes that can be the largest.
func (t *Trainer) candidates() [][]int {
	type pass struct {
		tokens, terms int
		ids           []int
	}
	var passes []pass
	for step := t.state.Step; step < t.steps; step++ {
		for ids := range t.passes(t.order(step)) {
			tokens, terms := t.Train.Size(ids)
			one := pass{tokens, terms, ids}
			beats := func(a, b pass) bool { return a.tokens >= b.tokens && a.terms >= b.terms }
			if slices.ContainsFunc(passes, func(have pass) bool { return beats(have, one) }) {
				continue
			}
			passes = append(slices.DeleteFunc(passes, func(have pass) bool { return beats(one, have) }), one)
		}
	}
	ids := make([][]int, len(passes))
	for i, p := range passes {
		ids[i] = p.ids
	}
	return ids
}
