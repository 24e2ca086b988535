package transformer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// Continuation asks how likely Target is after Context, both token ids and
// neither empty.
type Continuation struct{ Context, Target []int32 }

// Likelihood is log p(Target | Context) in nats, summed over the target's tokens, and
// whether each of them was the most likely one.
type Likelihood struct {
	LogProb float64
	Greedy  bool
}

// ScoreOptions bound the work of one pass. Results do not depend on them.
type ScoreOptions struct {
	Tokens   int                   // tokens a pass takes, about; 0: 1024
	Progress func(done, total int) // called after each pass; may be nil
	Arena    *tensor.Arena         // the memory of the passes, of the same backend, reset after each; nil: its own

	// Stream, if not nil, makes the last stream [N D] of a batch in place of
	// [Decoder.Forward], to the same bits. No context is shared then.
	Stream func(p *autograd.Pass, b *Batch) autograd.Var

	Kept *Kept // streams that are the same in several calls, or nil; not beside Stream
}

const scoreTokens = 1024

// Score computes the likelihood of continuations. Neighbouring items with equal
// contexts run the context once and branch from its keys and values. When ctx
// ends, so does Score after the pass that runs, with ctx's error. Nothing is held
// afterwards but what opt.Arena holds.
func (d *Decoder) Score(ctx context.Context, be kernels.Backend, items []Continuation, opt ScoreOptions) ([]Likelihood, error) {
	limit := opt.Tokens
	if limit == 0 {
		limit = scoreTokens
	}
	s := &scorer{decoder: d, pass: autograd.NewPass(be), scores: make([]Likelihood, len(items)), stream: opt.Stream, kept: opt.Kept}
	if s.stream == nil {
		s.stream = func(p *autograd.Pass, b *Batch) autograd.Var { return s.kept.forward(p, d, b) }
		s.shares = true
	}
	defer func() { s.store.Close() }()
	if opt.Arena != nil {
		s.pass.Arena = opt.Arena
		defer s.pass.Reset()
	} else {
		defer s.pass.Close()
	}
	for i, it := range items {
		if err := d.Config.CheckContinuation(it.Context, it.Target); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	s.kept.begin(d, items, limit, s.rowsOf(items))
	for from := 0; from < len(items); {
		to, tokens := from, 0
		for to < len(items) && (to == from || tokens < limit) {
			end := s.groupEnd(items, to)
			tokens += len(items[to].Context)
			for _, it := range items[to:end] {
				tokens += len(it.Target) - 1
			}
			to = end
		}
		if err := s.run(items, from, to); err != nil {
			return nil, fmt.Errorf("items %d to %d: %w", from, to-1, err)
		}
		if opt.Progress != nil {
			opt.Progress(to, len(items))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from = to
	}
	s.kept.end()
	return s.scores, nil
}

// rowsOf counts the rows of all streams that items take.
func (s *scorer) rowsOf(items []Continuation) (rows int) {
	for i := 0; i < len(items); {
		end := s.groupEnd(items, i)
		rows += len(items[i].Context)
		for _, it := range items[i:end] {
			rows += len(it.Target) - 1
		}
		i = end
	}
	return rows
}

// groupEnd returns the end of the run of items that share item i's context.
func (s *scorer) groupEnd(items []Continuation, i int) int {
	if !s.shares {
		return i + 1
	}
	return s.decoder.groupEnd(items, i)
}

// groupEnd is the scorer's, where contexts may be shared.
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
	scores  []Likelihood
	stream  func(p *autograd.Pass, b *Batch) autograd.Var // as the options have it
	shares  bool                                          // contexts
	kept    *Kept                                         // nil: none

	// The rows of the two streams that predict target tokens, each once.
	rows   [2][]int32
	wanted []wanted // in the order of their rows
}

// wanted is one target token: of which item, predicted by which gathered row
// (those of the second stream follow those of the first).
type wanted struct {
	item  int
	at    int
	token int32
}

// run scores items [from, to): first the contexts (a lone item together with its
// target), then the branches.
func (s *scorer) run(items []Continuation, from, to int) error {
	if err := s.reserve(items[from:to]); err != nil {
		return err
	}
	s.rows = [2][]int32{s.rows[0][:0], s.rows[1][:0]}
	s.wanted = s.wanted[:0]
	contexts, branches := &Batch{Store: true}, &Batch{}
	caches := map[int]*Cache{}
	for i := from; i < to; {
		end := s.groupEnd(items, i)
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
	x := s.stream(p, contexts)
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
		y := s.kept.forward(p, s.decoder, branches)
		picked = p.Concat(0, picked, s.decoder.Rows(p, y, s.rows[1]))
	}
	s.collect(picked)
	err := p.Sync()
	p.Reset()
	return err
}

// reserve makes the store large enough for the shared contexts of items. One that is
// too small is given back before a larger one is asked for.
func (s *scorer) reserve(items []Continuation) error {
	need := 0
	for i := 0; i < len(items); {
		end := s.groupEnd(items, i)
		if end > i+1 {
			need += len(items[i].Context)
		}
		i = end
	}
	if s.store == nil || s.store.Rows() < need {
		s.store.Close()
		var err error
		if s.store, err = s.decoder.NewKVStore(s.pass.Backend, need); err != nil {
			return err
		}
	}
	s.store.Reset()
	return nil
}

// want asks for a token after a row of a stream. Choices that share a context
// want different tokens after one row, which is gathered once.
func (s *scorer) want(item, stream int, row, token int32) {
	rows := s.rows[stream]
	if last := len(rows) - 1; last < 0 || rows[last] != row {
		rows = append(rows, row)
	}
	s.rows[stream] = rows
	at := len(rows) - 1
	if stream == 1 {
		at += len(s.rows[0])
	}
	s.wanted = append(s.wanted, wanted{item, at, token})
}

// collect runs the head over the gathered rows, a few at a time, and adds up.
func (s *scorer) collect(picked autograd.Var) {
	for _, w := range s.wanted {
		s.scores[w.item].Greedy = true
	}
	total, rest := picked.T.Dim(0), s.wanted
	for from := 0; from < total; from += autograd.HeadRows {
		to := min(from+autograd.HeadRows, total)
		n := 0
		for n < len(rest) && rest[n].at < to {
			n++
		}
		s.add(autograd.Var{T: picked.T.Slice(from, to)}, from, rest[:n])
		rest = rest[n:]
	}
}

// add adds the tokens wanted after the rows x [R D], the gathered ones from first
// on, to their items: logits[row, token] - lse[row] each. What goes to the device goes
// in one copy, and what comes back comes in one.
func (s *scorer) add(x autograd.Var, first int, tokens []wanted) {
	p, rows, n, v := s.pass, x.T.Dim(0), len(tokens), s.decoder.Config.Vocab
	mark := p.Begin()
	logits := s.decoder.Logits(p, x).T
	asked := make([]int32, n+rows) // places of the tokens' logits, and a target for each row
	for i, w := range tokens {
		asked[i] = int32((w.at-first)*v) + w.token
		asked[n+w.at-first] = w.token
	}
	in, out := p.New(tensor.I32, len(asked)), p.New(tensor.I32, n+2*rows)
	in.SetInts(asked)
	at := out.Slice(0, n).As(tensor.F32, n, 1)
	lse := out.Slice(n, n+rows).As(tensor.F32, rows)
	best := out.Slice(n+rows, n+2*rows)
	loss := p.New(tensor.F32, rows)
	kernels.CrossEntropy(p.Backend, loss, lse, logits, in.Slice(n, n+rows))
	kernels.ArgMax(p.Backend, best, logits)
	kernels.Gather(p.Backend, at, logits.Reshape(rows*v, 1), in.Slice(0, n))
	got := out.Ints()
	number := func(i int) float64 { return float64(math.Float32frombits(uint32(got[i]))) }
	for i, w := range tokens {
		sc, row := &s.scores[w.item], w.at-first
		sc.LogProb += number(i) - number(n+row)
		sc.Greedy = sc.Greedy && got[n+rows+row] == w.token
	}
	p.End(mark, autograd.Var{})
}
