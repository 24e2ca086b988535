package distill

import (
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Objective is the distance of an emulator from its full model over rows of tokens. With
// e and f for the states of the two (streams [N D] before a place and before a layer), of
// each token that another follows it sums
//
//	LM·(-log p_e(next)) + KD·d(middles) + PPD·d'(middles, last)
//	d(points) = mean over points of ‖e - f‖²/‖f‖²
//
// d' is d while both run with the same T₀ + σ·rms(T₀)·N(0,1) in place of the starred
// blocks T₀, drawn anew each step: the emulator learns to answer a change of T as the
// model does. Middles are those of [Middles]; a disturbed block at the end shows in the
// last stream alone, so d' has that too.
//
// The distance is relative, as in offsite-tuning's get_kd_loss (mit-han-lab/offsite-tuning,
// offsite_tuning/utils.py) and FedBiOT's alignment; they divide by the mean square over a
// whole batch, here each token by its own: the sum depends on no neighbour then, and the
// few tokens whose norm is a hundred times the others' do not stand for all.
//
// It is a [train.Composed]: its parts are called lm, kd and ppd. Another method, of one
// part called fit, is [NewLocal].
type Objective struct {
	method
	full, student *transformer.Decoder
	rows          [][]int32
	sums          []part
}

// method is what objectives on different rows have in common: how the parts of a sum are
// computed.
type method interface {
	// parts adds the parts of a batch to o; next are the tokens that follow the batch's.
	parts(o *Objective, p *autograd.Pass, b *transformer.Batch, next []int32, step uint64) error
	// held are the weights that it has beside the full model's and those that train.
	held() []*autograd.Parameter
	close()
}

// part is one part of the last Loss.
type part struct {
	name   string
	weight float64
	sum    autograd.Var
}

func (o *Objective) add(name string, weight float64, sum autograd.Var) {
	o.sums = append(o.sums, part{name, weight, sum})
}

// New returns the objective of an emulator of full on rows of two tokens or more. What is
// trained of the emulator has its own weights before ([Kind.Prepare]).
func New(e *emulate.Emulator, full *transformer.Decoder, rows [][]int32, s Settings) (*Objective, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := checkRows(full.Config, rows); err != nil {
		return nil, err
	}
	p := &pair{student: e.Decoder, teacher: full, settings: s, middles: Middles(e.Plan, len(full.Blocks))}
	if len(p.middles) == 0 && s.KD > 0 {
		return nil, fmt.Errorf("plan %s: every layer trains, so that there is no middle to hold against the model's", e.Plan)
	}
	p.all = withLast(p.middles, e.Plan, len(full.Blocks))
	if s.PPD > 0 {
		p.disturbed = disturb(e, full, s)
	}
	return &Objective{method: p, full: full, student: e.Decoder, rows: rows}, nil
}

// checkRows returns an error if a row cannot be learned.
func checkRows(c transformer.Config, rows [][]int32) error {
	for i, row := range rows {
		if len(row) < 2 {
			return fmt.Errorf("text %d: %d tokens: want two or more, of which one is followed by another", i, len(row))
		}
		if err := c.CheckContinuation(row[:1], row[1:]); err != nil {
			return fmt.Errorf("text %d: %w", i, err)
		}
	}
	return nil
}

// On returns the objective on other rows, such as those that are held out. Both have one
// disturbance, so that they take turns.
func (o *Objective) On(rows [][]int32) (*Objective, error) {
	return &Objective{method: o.method, full: o.full, student: o.student, rows: rows}, checkRows(o.full.Config, rows)
}

// Held lists, before training, all weights that are in memory then, each once: the full
// model's, those that were made for the emulator (maps, factors), what trains, which
// training copies, and the disturbed copies of T.
func (o *Objective) Held(trained nn.Params) nn.Params {
	listed := map[tensor.Tensor]bool{}
	for w := range o.full.Params() {
		listed[w.Value] = true
	}
	var made []*autograd.Parameter
	for w := range o.student.Params() {
		if !listed[w.Value] {
			listed[w.Value] = true
			made = append(made, nn.Clone(w))
		}
	}
	return nn.Join(o.full.Params(), slices.Values(made), trained, slices.Values(o.held()))
}

// Rows returns what it is measured on.
func (o *Objective) Rows() [][]int32 { return o.rows }

// Longest returns the most tokens of a row, and how many it needs.
func (o *Objective) Longest() (tokens, least int) {
	for _, row := range o.rows {
		tokens = max(tokens, len(row))
	}
	return tokens, 2
}

// Shortened returns the objective on the last tokens of each row, so many at most: for
// asking what they would take.
func (o *Objective) Shortened(most int) train.Objective {
	short := *o
	short.rows, short.sums = nil, nil
	for _, row := range o.rows {
		short.rows = append(short.rows, row[max(len(row)-most, 0):])
	}
	return &short
}

// Close gives back the memory of the disturbed copies.
func (o *Objective) Close() { o.close() }

// Len returns the number of rows.
func (o *Objective) Len() int { return len(o.rows) }

// Size counts the tokens of some rows that another follows, twice: they are read, and each
// is a term.
func (o *Objective) Size(ids []int) (tokens, terms int) {
	for _, i := range ids {
		tokens += len(o.rows[i]) - 1
	}
	return tokens, tokens
}

// Loss runs the rows end to end in one stream, through the model and the emulator.
func (o *Objective) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	step := p.Dropout.Step
	if !p.Training() {
		step = heldOut
	}
	p.Dropout = autograd.Dropout{Step: p.Dropout.Step} // nothing is dropped
	b := &transformer.Batch{}
	var next []int32
	for _, i := range ids {
		row := o.rows[i]
		b.Add(row[:len(row)-1], nil)
		next = append(next, row[1:]...)
	}
	o.sums = o.sums[:0]
	if err := o.parts(o, p, b, next, step); err != nil {
		return autograd.Var{}, err
	}
	var loss autograd.Var
	for _, part := range o.sums {
		weighted := p.Scale(part.sum, part.weight)
		if loss.IsNone() {
			loss = weighted
			continue
		}
		loss = p.Add(loss, weighted)
	}
	return loss, p.Err()
}

// Terms returns the parts of the last Loss, see [train.Composed].
func (o *Objective) Terms() []train.Term {
	terms := make([]train.Term, len(o.sums))
	for i, s := range o.sums {
		terms[i] = train.Term{Name: s.name, Weight: s.weight, Sum: s.sum.T.Floats()[0]}
	}
	return terms
}
