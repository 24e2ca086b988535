package train

import (
	"cmp"
	"slices"

	"lamina/autograd"
	"lamina/kernels/dry"
	"lamina/nn"
)

// Memory is what a run holds at its peak, in bytes, beside what every
// program of the kind does: some tens of MiB for code, tokenizer, examples and the
// scratch of the backend. Left out are a few scalars of the optimiser and, on a device,
// blocks being rounded (to 512 bytes by CUDA's).
type Memory struct {
	Frozen  int `json:"frozen"`            // weights that are not trained, as they are stored, each once
	Trained int `json:"trained"`           // the others: F32 value, gradient and two moments, 16 bytes each; 4 more for an average, 4 for T₀ of a proximal term, 4 for the sum of clipped gradients
	Pass    int `json:"pass"`              // activations and their gradients, of the largest pass
	Streams int `json:"streams,omitempty"` // kept of frozen places, see [Prefix]
	Scratch int `json:"scratch,omitempty"` // that the backend takes of its device for itself, of one that says
}

// Total returns the sum.
func (m Memory) Total() int { return m.Frozen + m.Trained + m.Pass + m.Streams + m.Scratch }

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
	opt, err := t.optimiser(&dry.Backend{}, trained) // a rule that fits nothing is known before a run
	if err != nil {
		return Memory{}, err
	}
	opt.Close()
	m.Trained, m.Streams = t.buffers()*trained.Values.Bytes(), t.streams()
	m.Pass, m.Scratch, err = t.largestPass()
	return m, err
}

// buffers returns how many numbers a trained weight takes: value, gradient, two moments (of
// SGD one),
// and what options ask for.
func (t *Trainer) buffers() int {
	n := 4
	if t.Settings.SGD != nil {
		n = 3
	}
	if t.Settings.EMA > 0 {
		n++
	}
	if t.Settings.Proximal > 0 {
		n++
	}
	if t.Settings.Private != nil {
		n++
	}
	return n
}

// largestPass returns the arena's extent after a dry run of the largest planned pass:
// of all that no other one beats in tokens and terms both, the one that takes most, in the
// decoder that takes most of those that take turns. The scratch is that of the call that
// takes most.
func (t *Trainer) largestPass() (extent, scratch int, err error) {
	turns := 1
	if o, ok := t.Train.(*NextToken); ok {
		turns = o.Turns()
	}
	at := t.state.Step
	defer func() { t.state.Step = at }()
	for _, ids := range t.candidates() {
		for turn := range turns {
			t.state.Step = at + turn // which says whose turn it is
			be := dry.New(t.Backend)
			p := autograd.NewTrainingPass(be)
			if err := t.accumulate(p, ids, 1, &tally{}); err != nil {
				return 0, 0, err
			}
			extent, scratch = max(extent, p.Arena.Extent()), max(scratch, be.Scratch)
		}
		t.state.Step = at
	}
	return extent, scratch, nil
}

// mostPlanned bounds the steps that are looked at one by one, beyond those of an epoch.
const mostPlanned = 1 << 16

// candidates returns the planned passes that can be the largest. Of a run that is longer
// than an epoch and mostPlanned steps, these are the largest that any order makes.
func (t *Trainer) candidates() [][]int {
	var passes largest
	if t.Settings.Private != nil { // any example may be drawn, each by itself
		for i := range t.Train.Len() {
			tokens, terms := t.Train.Size([]int{i})
			passes = passes.with(pass{tokens, terms, []int{i}})
		}
		return passes.ids()
	}
	for step := t.state.Step; step < t.steps; step++ {
		if done := step - t.state.Step; done >= t.perEpoch && done >= mostPlanned {
			passes = passes.with(t.longest(func(tokens, _ int) int { return tokens }))
			passes = passes.with(t.longest(func(_, terms int) int { return terms }))
			break
		}
		for ids := range t.passes(t.order(step)) {
			tokens, terms := t.Train.Size(ids)
			passes = passes.with(pass{tokens, terms, ids})
		}
	}
	return passes.ids()
}

// longest is the pass of the examples that are the largest by some measure.
func (t *Trainer) longest(measure func(tokens, terms int) int) pass {
	ids := make([]int, t.Train.Len())
	for i := range ids {
		ids[i] = i
	}
	slices.SortStableFunc(ids, func(a, b int) int {
		return cmp.Compare(measure(t.Train.Size([]int{b})), measure(t.Train.Size([]int{a})))
	})
	ids = ids[:min(len(ids), t.Settings.Batch, t.Settings.passSize())]
	tokens, terms := t.Train.Size(ids)
	return pass{tokens, terms, ids}
}

// pass is what runs at once, and how large it is.
type pass struct {
	tokens, terms int
	ids           []int
}

func (p pass) beats(other pass) bool { return p.tokens >= other.tokens && p.terms >= other.terms }

// largest are passes of which none beats another.
type largest []pass

// ids are the examples of each.
func (l largest) ids() [][]int {
	ids := make([][]int, len(l))
	for i, p := range l {
		ids[i] = p.ids
	}
	return ids
}

// with returns them after one more was looked at.
func (l largest) with(one pass) largest {
	if slices.ContainsFunc(l, func(have pass) bool { return have.beats(one) }) {
		return l
	}
	return append(slices.DeleteFunc(l, one.beats), one)
}
