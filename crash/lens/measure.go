package lens

import (
	"context"
	"fmt"
	"math"
	"sync"

	"lamina/autograd"
	"lamina/internal/par"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// Example is one row of tokens that distances are measured on: at the tokens from Target on,
// as CRaSh measures at a row's target tokens. A text has all of them.
type Example struct {
	Tokens []int32
	Target int
}

// Options of [Measure].
type Options struct {
	Kinds    []Distance // none: all
	Workers  int        // goroutines that compute distances; 0: one
	Progress func(done, total int)

	// Stream lets one block of the model be in memory at a time, to the same bits: all rows
	// go through it before the next one is read, and Release is told when a block is done
	// with. What the head is put on lies in a temporary file in Scratch then.
	Stream  bool
	Release func(transformer.Block)
	Scratch string
}

// Result are distances between the layers of a model as a lens reads them. Entry i is what
// enters layer i, the last what the model says: [L+1 L+1] matrices, by name.
type Result struct {
	Distances map[string][][]float64 `json:"distances"`
	Entropy   []float64              `json:"entropy"` // of each entry, in nats
	Examples  int                    `json:"n"`
	Tokens    int                    `json:"target_tokens"`
}

// Measure runs examples through a decoder, reads every state at their target tokens with a
// lens, and returns the distances of all pairs of entries: the mean over an example's target
// tokens, and of that the mean over examples. Of the logits of all entries there are some 64 MiB at a time.
func Measure(ctx context.Context, be kernels.Backend, d *transformer.Decoder, l *Lens, examples []Example, o Options) (Result, error) {
	if err := l.Check(d); err != nil {
		return Result{}, err
	}
	rows := make([][]int32, len(examples))
	for i, e := range examples {
		rows[i] = e.Tokens
		if e.Target < 0 || e.Target >= len(e.Tokens) && len(e.Tokens) > 0 {
			return Result{}, fmt.Errorf("row %d: no target tokens: %d of %d stand before them", i, e.Target, len(e.Tokens))
		}
	}
	if err := checkRows(d, rows); err != nil {
		return Result{}, err
	}
	if o.Kinds == nil {
		o.Kinds = Distances
	}
	m := newMeasuring(be, d, l, examples, o)
	defer m.pool.Close()
	for ids := range inPasses(rows) {
		m.passes = append(m.passes, ids)
	}
	run := m.inOne
	if o.Stream {
		run = m.streamed
	}
	if err := run(ctx); err != nil {
		return Result{}, err
	}
	return m.result()
}

// measuring is a measurement under way.
type measuring struct {
	be       kernels.Backend
	d        *transformer.Decoder
	l        *Lens
	examples []Example
	o        Options
	depth    int
	passes   [][]int // numbers of examples
	pool     *par.Pool
	spare    sync.Pool // of *[]Row, one an entry

	sums    []float64 // of finished examples, each a mean over its tokens; see values
	entropy []float64
	tokens  int
}

func newMeasuring(be kernels.Backend, d *transformer.Decoder, l *Lens, examples []Example, o Options) *measuring {
	m := &measuring{be: be, d: d, l: l, examples: examples, o: o, depth: len(d.Blocks), pool: par.New(max(o.Workers, 1))}
	m.sums, m.entropy = make([]float64, m.values()), make([]float64, m.depth+1)
	return m
}

// values is how many distances there are of one token.
func (m *measuring) values() int { return len(m.o.Kinds) * (m.depth + 1) * (m.depth + 1) }

// targets are the rows of a pass's stream that are looked at, and of each its example.
func (m *measuring) targets(ids []int) (rows []int32, of []int) {
	at := 0
	for _, id := range ids {
		e := m.examples[id]
		for t := e.Target; t < len(e.Tokens); t++ {
			rows, of = append(rows, int32(at+t)), append(of, id)
		}
		at += len(e.Tokens)
	}
	return rows, of
}

func (m *measuring) batch(ids []int) *transformer.Batch {
	b := &transformer.Batch{}
	for _, id := range ids {
		b.Add(m.examples[id].Tokens, nil)
	}
	return b
}

// inOne runs pass after pass through the whole model.
func (m *measuring) inOne(ctx context.Context) error {
	p := autograd.NewPass(m.be)
	defer p.Close()
	for _, ids := range m.passes {
		rows, of := m.targets(ids)
		spoken := make([]tensor.Tensor, m.depth+1)
		x := autograd.Var{}
		b := m.batch(ids)
		for entry := range m.depth + 1 {
			x = m.d.ForwardBlocks(p, b, x, max(entry-1, 0), entry)
			spoken[entry] = m.l.finish(p, m.d, m.d.Rows(p, x, rows), entry, m.depth).T
		}
		if err := m.compare(ctx, p, spoken, of); err != nil {
			return err
		}
		p.Reset()
		m.progress(ids[len(ids)-1]+1, len(m.examples))
	}
	return nil
}

func (m *measuring) progress(done, total int) {
	if m.o.Progress != nil {
		m.o.Progress(done, total)
	}
}

// chunkLogits is about how many bytes of logits exist at a time, of all entries.
const chunkLogits = 64 << 20

// compare adds the distances of the rows of a pass: spoken are what the head is put on, [R E]
// of each entry, of are the rows' examples, neighbours together.
func (m *measuring) compare(ctx context.Context, p *autograd.Pass, spoken []tensor.Tensor, of []int) error {
	n, vocab := len(of), m.d.Config.Vocab
	step := min(max(chunkLogits/(4*vocab*len(spoken)), 1), chunkRows(vocab))
	perExample := map[int]int{}
	for _, id := range of {
		perExample[id]++
	}
	for from := 0; from < n; from += step {
		to := min(from+step, n)
		logits := make([][]float32, len(spoken))
		for entry, z := range spoken {
			mark := p.Begin()
			logits[entry] = p.Linear(p.Input(z.Slice(from, to)), p.Param(m.d.Head), autograd.Var{}).T.Float32s()
			p.End(mark, autograd.Var{})
		}
		if err := p.Sync(); err != nil {
			return err
		}
		found := make([]tokenValues, to-from)
		m.pool.For(to-from, func(r int) { found[r] = m.token(logits, r, vocab) })
		for r, v := range found {
			share := 1 / float64(perExample[of[from+r]])
			for i, x := range v.distances {
				m.sums[i] += share * x
			}
			for i, x := range v.entropy {
				m.entropy[i] += share * x
			}
		}
		m.tokens += to - from
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// tokenValues are the distances of one token, kind by kind [L+1 L+1], and entropies.
type tokenValues struct{ distances, entropy []float64 }

// token compares what all entries say at row r of their logits.
func (m *measuring) token(logits [][]float32, r, vocab int) tokenValues {
	kept, ok := m.spare.Get().(*[]Row)
	if !ok {
		rows := make([]Row, len(logits))
		kept = &rows
	}
	defer m.spare.Put(kept)
	said := *kept
	v := tokenValues{make([]float64, m.values()), make([]float64, len(logits))}
	for i := range said {
		said[i].set(logits[i][r*vocab : (r+1)*vocab])
		v.entropy[i] = Entropy(said[i])
	}
	n := len(said)
	for k, kind := range m.o.Kinds {
		to := v.distances[k*n*n : (k+1)*n*n]
		for i := range n {
			for j := range i {
				to[i*n+j] = kind.Of(said[i], said[j])
				if to[j*n+i] = to[i*n+j]; !kind.Symmetric {
					to[j*n+i] = kind.Of(said[j], said[i])
				}
			}
		}
	}
	return v
}

// result divides by the number of examples.
func (m *measuring) result() (Result, error) {
	r := Result{Distances: map[string][][]float64{}, Examples: len(m.examples), Tokens: m.tokens}
	n, count := m.depth+1, float64(len(m.examples))
	for i, x := range m.entropy {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return r, fmt.Errorf("what entry %d says is no distribution: the model's weights or the lens's hold numbers that are not finite", i)
		}
		r.Entropy = append(r.Entropy, x/count)
	}
	for k, kind := range m.o.Kinds {
		matrix := make([][]float64, n)
		for i := range matrix {
			matrix[i] = m.sums[(k*n+i)*n : (k*n+i+1)*n]
			for j := range matrix[i] {
				matrix[i][j] /= count
			}
		}
		r.Distances[kind.Name] = matrix
	}
	return r, nil
}

// Likeness is the similarity that a distance makes of a result, as lamina plan reads one:
// 1 where two entries say the same, by [Distance.Likeness]; of a distance that has a
// direction, of the mean of both.
func (r Result) Likeness(d Distance) [][]float64 {
	from := r.Distances[d.Name]
	matrix := make([][]float64, len(from))
	for i := range from {
		matrix[i] = make([]float64, len(from))
		for j := range from {
			matrix[i][j] = d.Likeness((from[i][j] + from[j][i]) / 2)
		}
	}
	return matrix
}
