package train

import (
	"context"
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// Sequence is a row of tokens, of which some are learned: those of an answer, or of all
// that an assistant said. Where nothing is learned behind a token, it is not read.
type Sequence struct {
	Tokens []int32
	Learn  []bool // one a token: whether it is predicted from all before it; the first never is
}

// NewSequence returns a pair as the sequence whose target is learned.
func NewSequence(p task.Pair) Sequence {
	s := Sequence{slices.Concat(p.Context, p.Target), make([]bool, len(p.Context)+len(p.Target))}
	for i := range p.Target {
		s.Learn[len(p.Context)+i] = true
	}
	return s
}

// read returns how many tokens a pass reads: all before the last that is learned.
func (s Sequence) read() int {
	for i := len(s.Learn) - 1; i > 0; i-- {
		if s.Learn[i] {
			return i
		}
	}
	return 0
}

// targets counts the learned tokens.
func (s Sequence) targets() (n int) {
	for _, learned := range s.Learn {
		if learned {
			n++
		}
	}
	return n
}

// continuation returns the sequence as a context and its target. ok is false where the
// learned tokens are not the end of what is read.
func (s Sequence) continuation() (c transformer.Continuation, ok bool) {
	end := s.read() + 1
	from := slices.Index(s.Learn, true)
	if end-from != s.targets() {
		return c, false
	}
	return transformer.Continuation{Context: s.Tokens[:from], Target: s.Tokens[from:end]}, true
}

// check returns an error for a sequence that a decoder cannot learn.
func (s Sequence) check(c transformer.Config) error {
	switch {
	case len(s.Learn) != len(s.Tokens):
		return fmt.Errorf("%d tokens and %d marks of what is learned (want one each)", len(s.Tokens), len(s.Learn))
	case s.targets() == 0:
		return fmt.Errorf("none of %d tokens is learned", len(s.Tokens))
	case s.Learn[0]:
		return fmt.Errorf("the first token is learned, and nothing is before it")
	}
	read := s.read()
	return c.CheckContinuation(s.Tokens[:read], s.Tokens[read:read+1])
}

// NextToken is the objective of fine-tuning: -Σ log p(token | all before it), in nats, over
// the learned tokens of sequences: of pairs of context and target, the targets. What is
// not learned is read alone.
type NextToken struct {
	decoder   *transformer.Decoder
	sequences []Sequence
	kept      *below // streams that are computed once, or nil; see [NextToken.Keep]
	variation        // of training passes
}

// NewNextToken returns the objective of a decoder on pairs. It is an error, naming the
// example, if one has no context or no target, is too long for the decoder or has an id
// that is not in its vocabulary.
func NewNextToken(d *transformer.Decoder, pairs []task.Pair) (*NextToken, error) {
	sequences := make([]Sequence, len(pairs))
	for i, pair := range pairs {
		if err := d.Config.CheckContinuation(pair.Context, pair.Target); err != nil {
			return nil, fmt.Errorf("example %d: %w", i, err)
		}
		sequences[i] = NewSequence(pair)
	}
	return &NextToken{decoder: d, sequences: sequences}, nil
}

// NewSequences returns the objective of a decoder on sequences. It is an error, naming the
// example, if in one nothing is learned, or its first token is; if it is too long for the
// decoder, or has an id that is not in its vocabulary.
func NewSequences(d *transformer.Decoder, sequences []Sequence) (*NextToken, error) {
	for i, s := range sequences {
		if err := s.check(d.Config); err != nil {
			return nil, fmt.Errorf("example %d: %w", i, err)
		}
	}
	return &NextToken{decoder: d, sequences: sequences}, nil
}

// Blank returns the objective on n pairs of length tokens, of which targets are learned:
// what memory needs to know of examples.
func Blank(d *transformer.Decoder, n, length, targets int) (*NextToken, error) {
	one := task.Pair{Context: make([]int32, length-targets+1), Target: make([]int32, targets)} // all but the last target are read too
	return NewNextToken(d, slices.Repeat([]task.Pair{one}, n))
}

// On returns the objective of another decoder of the same vocabulary and positions on the
// first n sequences.
func (o *NextToken) On(d *transformer.Decoder, n int) *NextToken {
	return &NextToken{decoder: d, sequences: o.sequences[:min(n, len(o.sequences))]}
}

// Len returns the number of sequences.
func (o *NextToken) Len() int { return len(o.sequences) }

// Size counts the tokens that some sequences read, all before the last that is learned,
// and the learned ones.
func (o *NextToken) Size(ids []int) (tokens, targets int) {
	for _, i := range ids {
		tokens += o.sequences[i].read()
		targets += o.sequences[i].targets()
	}
	return tokens, targets
}

// Loss runs the sequences end to end in one stream and the head at the rows that a learned
// token follows.
func (o *NextToken) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	b := &transformer.Batch{}
	var rows, targets []int32
	for _, i := range ids {
		s, first := o.sequences[i], int32(len(b.Tokens))
		read := s.read()
		b.Add(s.Tokens[:read], nil)
		b.Samples = append(b.Samples, int32(i))
		for j := range read {
			if s.Learn[j+1] {
				rows, targets = append(rows, first+int32(j)), append(targets, s.Tokens[j+1])
			}
		}
	}
	d := o.running(p)
	loss := o.loss(p, d, o.stream(p, d, b), rows, targets)
	return loss, p.Err()
}

// meanTokens is what a pass of Mean reads, about, where sequences are no pairs.
const meanTokens = 1024

// Mean scores the sequences, in nats a learned token: contexts that several pairs share run
// once.
func (o *NextToken) Mean(ctx context.Context, be kernels.Backend, memory *tensor.Arena) (float64, error) {
	items := make([]transformer.Continuation, len(o.sequences))
	targets, pairs := 0, true
	for i, s := range o.sequences {
		targets += s.targets()
		var ok bool
		if items[i], ok = s.continuation(); !ok {
			pairs = false
		}
	}
	if !pairs {
		sum, err := o.sum(ctx, be, memory)
		return sum / float64(targets), err
	}
	options := transformer.ScoreOptions{Arena: memory}
	if o.kept != nil {
		options.Stream = func(p *autograd.Pass, b *transformer.Batch) autograd.Var { return o.stream(p, o.decoder, b) }
	}
	scores, err := o.decoder.Score(ctx, be, items, options)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range scores {
		sum -= s.LogProb
	}
	return sum / float64(targets), nil
}

// sum adds up the losses of all sequences.
func (o *NextToken) sum(ctx context.Context, be kernels.Backend, memory *tensor.Arena) (sum float64, err error) {
	p := autograd.NewPass(be)
	if memory != nil {
		p.Arena = memory
	} else {
		defer p.Close()
	}
	for from := 0; from < o.Len(); {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var ids []int
		for tokens := 0; from < o.Len() && tokens < meanTokens; from++ {
			ids = append(ids, from)
			tokens += o.sequences[from].read()
		}
		loss, err := o.Loss(p, ids)
		if err == nil {
			err = p.Sync()
		}
		if err != nil {
			return 0, err
		}
		sum += loss.T.Floats()[0]
		p.Reset()
	}
	return sum, nil
}

// Longest returns the most tokens of an example, and how many of those it needs.
func (o *NextToken) Longest() (tokens, least int) {
	for _, s := range o.sequences {
		tokens = max(tokens, s.read()+1)
		least = max(least, s.read()+2-slices.Index(s.Learn, true))
	}
	return tokens, least
}

// Shortened returns the objective on sequences of so many tokens at most, cut from the
// left: for asking what they would take.
func (o *NextToken) Shortened(most int) Objective {
	short := *o
	short.sequences = nil
	for _, s := range o.sequences {
		end := s.read() + 1
		from := max(end-most, 0)
		short.sequences = append(short.sequences, Sequence{s.Tokens[from:end], s.Learn[from:end]})
	}
	return &short
}
