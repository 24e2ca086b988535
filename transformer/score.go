package transformer

import (
	"context"
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// Continuation asks how likely Target is after Context, both token ids and
// neither empty.
type Continuation struct{ Context, Target []int32 }

// Score is log p(Target | Context) in nats, summed over the target's tokens, and
// whether each of them was the most likely one.
type Score struct {
	LogProb float64
	Greedy  bool
}

// ScoreOptions bound the work of one pass. Results do not depend on them.
type ScoreOptions struct {
	Tokens   int                   // tokens a pass takes, about; 0: 1024
	Progress func(done, total int) // called after each pass; may be nil
}

const (
	scoreTokens = 1024
	// headRows bounds the logits that exist at once: rows of V numbers.
	headRows = 256
)

// Score computes the likelihood of continuations. Neighbouring items with equal
// contexts run the context once and branch from its keys and values. When ctx
// ends, so does Score after the pass that runs, with ctx's error.
func (d *Decoder) Score(ctx context.Context, be kernels.Backend, items []Continuation, opt ScoreOptions) ([]Score, error) {
	limit := opt.Tokens
	if limit == 0 {
		limit = scoreTokens
	}
	s := &scorer{decoder: d, pass: autograd.NewPass(be), scores: make([]Score, len(items))}
	for i, it := range items {
		if err := d.Config.CheckContinuation(it.Context, it.Target); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	for from := 0; from < len(items); {
		to, tokens := from, 0
		for to < len(items) && (to == from || tokens < limit) {
			end := d.groupEnd(items, to)
			tokens += len(items[to].Context)
			for _, it := range items[to:end] {
				tokens += len(it.Target) - 1
			}
			to = end
		}
		s.run(items, from, to)
		if opt.Progress != nil {
			opt.Progress(to, len(items))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from = to
	}
	return s.scores, nil
}

// groupEnd returns the end of the run of items that share item i's context.
// Dynamic RoPE turns every key of a row beyond the trained length by the length
// of that row: there nothing can be shared.
func (d *Decoder) groupEnd(items []Continuation, i int) int {
	shares := func(it Continuation) bool {
		rope := d.Config.RoPE
		return rope.Type != "dynamic" || len(it.Context)+len(it.Target)-1 <= rope.MaxPositions
	}
	end := i + 1
	for end < len(items) && shares(items[i]) && shares(items[end]) && slices.Equal(items[end].Context, items[i].Context) {
		end++
	}
	return end
}

type scorer struct {
	decoder *Decoder
	pass    *autograd.Pass
	store   *KVStore
	scores  []Score

	// The rows of the two streams that predict a target token.
	rows   [2][]int32
	wanted []wanted
}

// wanted is one target token: of which item, predicted by which gathered row.
type wanted struct {
	item   int
	stream int
	row    int32
	token  int32
}

// run scores items [from, to): first the contexts (a lone item together with its
// target), then the branches.
func (s *scorer) run(items []Continuation, from, to int) {
	s.reserve(items[from:to])
	s.rows = [2][]int32{s.rows[0][:0], s.rows[1][:0]}
	s.wanted = s.wanted[:0]
	contexts, branches := &Batch{Store: true}, &Batch{}
	caches := map[int]*Cache{}
	for i := from; i < to; {
		end := s.decoder.groupEnd(items, i)
		it := items[i]
		last := int32(len(contexts.Tokens) + len(it.Context) - 1)
		if end == i+1 {
			contexts.Add(slices.Concat(it.Context, it.Target[:len(it.Target)-1]), nil)
			for j, token := range it.Target {
				s.want(i, 0, last+int32(j), token)
			}
		} else {
			cache := s.store.Sequence(len(it.Context))
			contexts.Add(it.Context, cache)
			for k := i; k < end; k++ {
				s.want(k, 0, last, items[k].Target[0])
				caches[k] = cache
			}
		}
		i = end
	}
	p := s.pass
	x := s.decoder.Forward(p, contexts, nil)
	picked := s.decoder.Rows(p, x, s.rows[0])
	for i := from; i < to; i++ {
		cache, ok := caches[i]
		if target := items[i].Target; ok && len(target) > 1 {
			first := int32(len(branches.Tokens))
			branches.Add(target[:len(target)-1], cache)
			for j, token := range target[1:] {
				s.want(i, 1, first+int32(j), token)
			}
		}
	}
	if len(branches.Tokens) > 0 {
		y := s.decoder.Forward(p, branches, nil)
		picked = p.Concat(0, picked, s.decoder.Rows(p, y, s.rows[1]))
	}
	s.collect(picked)
	p.Reset()
}

// reserve makes the store large enough for the shared contexts of items.
func (s *scorer) reserve(items []Continuation) {
	need := 0
	for i := 0; i < len(items); {
		end := s.decoder.groupEnd(items, i)
		if end > i+1 {
			need += len(items[i].Context)
		}
		i = end
	}
	if s.store == nil || s.store.Rows() < need {
		s.store = s.decoder.NewKVStore(s.pass.Backend, need)
	}
	s.store.Reset()
}

func (s *scorer) want(item, stream int, row, token int32) {
	s.rows[stream] = append(s.rows[stream], row)
	s.wanted = append(s.wanted, wanted{item: item, stream: stream, row: int32(len(s.rows[stream]) - 1), token: token})
}

// collect runs the head over the gathered rows, a few at a time, and adds up.
func (s *scorer) collect(picked autograd.Var) {
	p, total := s.pass, picked.T.Dim(0)
	tokens := make([]int32, total)
	item := make([]int, total)
	for _, w := range s.wanted {
		at := int(w.row)
		if w.stream == 1 {
			at += len(s.rows[0])
		}
		tokens[at], item[at] = w.token, w.item
	}
	logProb := make([]float64, total)
	greedy := make([]bool, total)
	for from := 0; from < total; from += headRows {
		to := min(from+headRows, total)
		mark := p.Begin()
		logits := s.decoder.Logits(p, autograd.Var{T: picked.T.Slice(from, to)})
		targets, best := p.New(tensor.I32, to-from), p.New(tensor.I32, to-from)
		targets.SetInts(tokens[from:to])
		loss := p.CrossEntropy(logits, targets).T.Floats()
		kernels.ArgMax(p.Backend, best, logits.T)
		for i, id := range best.Ints() {
			logProb[from+i], greedy[from+i] = -loss[i], id == tokens[from+i]
		}
		p.End(mark, autograd.Var{})
	}
	for _, w := range s.wanted {
		s.scores[w.item].Greedy = true
	}
	for at := range total {
		sc := &s.scores[item[at]]
		sc.LogProb += logProb[at]
		sc.Greedy = sc.Greedy && greedy[at]
	}
}
