package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Importance says what the answers of a model lose without each block: with the block left
// out, and with its weights put back to those of another checkpoint, which it was trained
// from. Losses are -log p of the targets in nats a token.
type Importance struct {
	Loss    float64  `json:"loss"` // of the model as it is
	Texts   int      `json:"n"`
	Targets int      `json:"targets"` // tokens
	Deleted []Effect `json:"deleted"` // by block
	// Rewound are the effects of other weights, and Pretrained is the loss of the model that
	// has them in all blocks; nil where none was given.
	Rewound    []Effect `json:"rewound,omitempty"`
	Pretrained *float64 `json:"pretrained,omitempty"` // embeddings, norm and head stay the model's
	Model      string   `json:"model,omitempty"`
	From       string   `json:"from,omitempty"` // fingerprint of the other checkpoint
}

// Effect is the loss after a change, and by how much it rose, with the standard error of
// that over texts: of the ratio of sums Σ Δₖ / Σ tₖ,
//
//	√(n/(n-1)·Σ (Δₖ - Change·tₖ)²) / Σ tₖ
//
// with Δₖ the difference of a text's losses, summed over its tₖ tokens.
type Effect struct {
	Loss   float64 `json:"loss"`
	Change float64 `json:"change"`
	StdErr float64 `json:"stderr"`
}

// BlockImportance measures a decoder without each of its blocks and, if pretrained is not
// nil, with each block of that in its place. progress counts blocks that ran.
func BlockImportance(ctx context.Context, be kernels.Backend, d, pretrained *transformer.Decoder, items []transformer.Continuation, progress func(done, total int)) (Importance, error) {
	a, err := newAnswers(d, items)
	if err != nil {
		return Importance{}, err
	}
	if pretrained != nil {
		if err := SameBlocks(d, pretrained); err != nil {
			return Importance{}, err
		}
	}
	t, err := newThrough(ctx, be, d, a.batches)
	if err != nil {
		return Importance{}, err
	}
	defer t.close()
	layers := len(d.Blocks)
	done, total := 0, layers*(layers+1)/2
	if pretrained != nil {
		total *= 2
	}
	count := func(blocks int) {
		if done += blocks; progress != nil {
			progress(done, total)
		}
	}
	before, err := a.loss(ctx, t, d.Blocks[0])
	if err != nil {
		return Importance{}, err
	}
	r := Importance{Texts: len(items), Targets: a.targets}
	if r.Loss, err = finite(sum(before)/float64(a.targets), "the model as it is"); err != nil {
		return Importance{}, err
	}
	if pretrained != nil {
		view := *d
		view.Blocks = pretrained.Blocks
		loss, err := Loss(ctx, be, &view, items)
		if err != nil {
			return Importance{}, err
		}
		r.Pretrained = &loss
	}
	for i := range layers {
		after, err := a.loss(ctx, t, nil)
		if err != nil {
			return Importance{}, fmt.Errorf("without block %d: %w", i, err)
		}
		count(layers - i)
		e, err := a.effect(before, after, fmt.Sprintf("the model without block %d", i))
		if err != nil {
			return Importance{}, err
		}
		r.Deleted = append(r.Deleted, e)
		if pretrained != nil {
			if after, err = a.loss(ctx, t, pretrained.Blocks[i]); err != nil {
				return Importance{}, fmt.Errorf("block %d rewound: %w", i, err)
			}
			count(layers - i)
			if e, err = a.effect(before, after, fmt.Sprintf("the model with block %d rewound", i)); err != nil {
				return Importance{}, err
			}
			r.Rewound = append(r.Rewound, e)
		}
		if err := t.step(ctx); err != nil {
			return Importance{}, err
		}
	}
	return r, nil
}

// SameBlocks returns an error unless two decoders have equally many blocks whose parameters
// are called and shaped alike: unless the blocks of one can stand in the other.
func SameBlocks(d, other *transformer.Decoder) error {
	if d.Config.Family != other.Config.Family || len(d.Blocks) != len(other.Blocks) {
		return fmt.Errorf("%d blocks of the family %s and %d of the family %s: want checkpoints of one model", len(d.Blocks), d.Config.Family, len(other.Blocks), other.Config.Family)
	}
	for i := range d.Blocks {
		var mine, its []*autograd.Parameter
		for w := range nn.ParamsOf(d.Blocks[i]) {
			mine = append(mine, w)
		}
		for w := range nn.ParamsOf(other.Blocks[i]) {
			its = append(its, w)
		}
		for k := range max(len(mine), len(its)) {
			switch {
			case k >= len(mine) || k >= len(its):
				return fmt.Errorf("block %d has %d parameters in one checkpoint and %d in the other: want checkpoints of one model", i, len(mine), len(its))
			case mine[k].Name != its[k].Name || !slices.Equal(mine[k].Value.Shape(), its[k].Value.Shape()):
				return fmt.Errorf("block %d has %s %v in one checkpoint and %s %v in the other: want checkpoints of one model", i, mine[k].Name, mine[k].Value.Shape(), its[k].Name, its[k].Value.Shape())
			}
		}
	}
	return nil
}

// answers are texts whose targets are scored, in batches.
type answers struct {
	decoder *transformer.Decoder
	batches []*transformer.Batch
	rows    [][]int32 // of each batch: the rows that a target follows,
	next    [][]int32 // the targets,
	of      [][]int   // and the text of each
	length  []float64 // tokens of each text's target
	targets int
}

func newAnswers(d *transformer.Decoder, items []transformer.Continuation) (*answers, error) {
	if len(items) == 0 {
		return nil, fmt.Errorf("no texts to measure the loss of")
	}
	a := &answers{decoder: d}
	for i, it := range items {
		if err := d.Config.CheckContinuation(it.Context, it.Target); err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
		row := slices.Concat(it.Context, it.Target[:len(it.Target)-1])
		last := len(a.batches) - 1
		if last < 0 || len(a.batches[last].Tokens)+len(row) > similarityTokens {
			a.batches = append(a.batches, &transformer.Batch{})
			a.rows, a.next, a.of = append(a.rows, nil), append(a.next, nil), append(a.of, nil)
			last++
		}
		first := len(a.batches[last].Tokens) + len(it.Context) - 1
		a.batches[last].Add(row, nil)
		for k, token := range it.Target {
			a.rows[last], a.next[last], a.of[last] = append(a.rows[last], int32(first+k)), append(a.next[last], token), append(a.of[last], i)
		}
		a.length = append(a.length, float64(len(it.Target)))
		a.targets += len(it.Target)
	}
	return a, nil
}

// loss returns each text's loss, summed over its targets, with another block at the place
// that the streams have come to.
func (a *answers) loss(ctx context.Context, t *through, block transformer.Block) ([]float64, error) {
	losses := make([]float64, len(a.length))
	err := t.with(ctx, block, func(k int, _ *transformer.Batch, x autograd.Var) {
		p := t.pass
		picked := a.decoder.Rows(p, x, a.rows[k])
		for from := 0; from < len(a.rows[k]); from += autograd.HeadRows {
			to := min(from+autograd.HeadRows, len(a.rows[k]))
			mark := p.Begin()
			logits := a.decoder.Logits(p, autograd.Var{T: picked.T.Slice(from, to)}).T
			next := p.New(tensor.I32, to-from)
			next.SetInts(a.next[k][from:to])
			each, lse := p.New(tensor.F32, to-from), p.New(tensor.F32, to-from)
			kernels.CrossEntropy(p.Backend, each, lse, logits, next)
			for i, v := range each.Float32s() {
				losses[a.of[k][from+i]] += float64(v)
			}
			p.End(mark, autograd.Var{})
		}
	})
	return losses, err
}

// effect compares the losses of the texts after a change with those before.
func (a *answers) effect(before, after []float64, of string) (e Effect, err error) {
	total := float64(a.targets)
	if e.Loss, err = finite(sum(after)/total, of); err != nil {
		return e, err
	}
	e.Change = e.Loss - sum(before)/total
	squares, n := 0.0, float64(len(before))
	for k, v := range after {
		r := v - before[k] - float64(e.Change*a.length[k])
		squares += float64(r * r)
	}
	if n > 1 {
		e.StdErr = math.Sqrt(n/(n-1)*squares) / total
	}
	return e, nil
}

// finite returns an error in place of a loss that is no number.
func finite(loss float64, of string) (float64, error) {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("the loss of %s is %v: are its weights finite?", of, loss)
	}
	return loss, nil
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}
