// Package transformer has decoders layer by layer: OPT, LLaMA, GPT-2 and BLOOM,
// reading them from checkpoints, running them with or without a cache, scoring and
// generating. It knows nothing of CRaSh; the packages under crash rearrange
// [Decoder.Blocks].
//
//	path, err := client.ModelPath(ctx, "facebook/opt-125m") // of a hub.Client; or a directory
//	ckpt, err := transformer.Open(path)
//	d, err := ckpt.Decoder(be)
//	p := autograd.NewPass(be)
//	x := d.Forward(p, transformer.NewBatch([]int32{2, 31414, 232}), nil) // [3 D]
//	logits := d.Logits(p, x)                                           // [3 V]
//
// What was trained since is written by [Decoder.Save].
//
// Invariants: blocks know neither their index nor their neighbours, so the same
// block may stand at several places, blocks may be left out, repeated and
// replaced by slice operations. A batch is ragged and unpadded. The final norm
// and the head run only on the rows they are given.
package transformer

import (
	"iter"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// Block is one decoder layer, or anything else that maps the stream to itself. Its
// parameters are those of its parts ([nn.ParamsOf]).
type Block interface {
	nn.Module
	// Forward maps the stream x [N D] to [N D].
	Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var
	// Clone returns a frozen block over the same values.
	Clone() Block
}

// Embedding maps tokens to the stream.
type Embedding interface {
	nn.Module
	// Forward returns the stream [N D].
	Forward(p *autograd.Pass, s *Stream) autograd.Var
	// TokenWeights is the table [V E] that a tied head shares.
	TokenWeights() *autograd.Parameter
	// Clone returns a frozen embedding over the same values.
	Clone() Embedding
}

// Decoder is a decoder-only language model.
type Decoder struct {
	Config Config
	Embed  Embedding
	Blocks []Block
	Norm   *nn.Norm            // final norm, or nil
	Out    nn.Projection       // to the width of the head (OPT-350m), or nil
	Head   *autograd.Parameter // [V E]

	checkpoint *Checkpoint // that it was made from, or nil
}

// Observer sees the hidden states of a pass: state 0 is the embedding output,
// state i the output of block i-1, and the last one also went through final
// norm and output projection, as transformers' hidden_states has them. x [N D]
// is valid during the call only.
type Observer func(state int, x autograd.Var)

// embeddingPlace is where the embedding stands for dropout, behind the last place that
// a decoder may have.
const embeddingPlace = 1<<16 - 1

// Forward runs embedding and blocks and returns the stream [N D] before the
// final norm. With an observer the final norm runs on all rows too.
func (d *Decoder) Forward(p *autograd.Pass, b *Batch, observe Observer) autograd.Var {
	s := d.newStream(p, b)
	mark := p.Begin()
	p.Dropout.At(embeddingPlace)
	x := p.End(mark, d.Embed.Forward(p, s))
	for i, block := range d.Blocks {
		if observe != nil {
			observe(i, x)
		}
		x = p.End(mark, through(p, block, x, Place{s, i}))
	}
	if observe != nil {
		observe(len(d.Blocks), d.Finish(p, x))
	}
	b.advance()
	return x
}

// ForwardBlocks runs the places [from, to) over the stream x [N D] alone; the embedding
// makes x if it is absent. Such calls in turn give what Forward gives, to the bit: for
// work that goes through a model block by block, or needs states of it for longer than an
// Observer has them: what is returned lives as long as the pass, or the scope it is in.
func (d *Decoder) ForwardBlocks(p *autograd.Pass, b *Batch, x autograd.Var, from, to int) autograd.Var {
	s := d.newStream(p, b)
	mark := p.Begin()
	if x.IsNone() {
		p.Dropout.At(embeddingPlace)
		x = p.End(mark, d.Embed.Forward(p, s))
	}
	for i, block := range d.Blocks[from:to] {
		x = p.End(mark, through(p, block, x, Place{s, from + i}))
	}
	return x
}

// through runs a block at its place, as the pass says.
func through(p *autograd.Pass, block Block, x autograd.Var, at Place) autograd.Var {
	p.Dropout.At(at.index)
	if !p.Recompute {
		return block.Forward(p, x, at)
	}
	return p.Recomputed(x, func(x autograd.Var) autograd.Var { return block.Forward(p, x, at) })
}

// Finish applies final norm and output projection to rows of the stream.
func (d *Decoder) Finish(p *autograd.Pass, x autograd.Var) autograd.Var {
	if d.Norm != nil {
		x = d.Norm.Forward(p, x)
	}
	if d.Out != nil {
		x = d.Out.Forward(p, x)
	}
	return x
}

// Logits returns the vocabulary scores [R V] of rows x [R D] of the stream.
func (d *Decoder) Logits(p *autograd.Pass, x autograd.Var) autograd.Var {
	return p.Linear(d.Finish(p, x), p.Param(d.Head), autograd.Var{})
}

// Loss returns Σ_r -log p(targets[r] | rows up to r), one number in nats, of rows x
// [R D] of the stream and the tokens that follow them, I32 [R]: final norm, head and
// cross-entropy without the logits of all rows; see [autograd.Pass.LinearCrossEntropy]
// for when it may be read.
func (d *Decoder) Loss(p *autograd.Pass, x autograd.Var, targets tensor.Tensor) autograd.Var {
	return p.LinearCrossEntropy(d.Finish(p, x), p.Param(d.Head), targets)
}

// LossAt is [Decoder.Loss] of the chosen rows of the stream x [N D]: targets[i] follows
// row rows[i].
func (d *Decoder) LossAt(p *autograd.Pass, x autograd.Var, rows, targets []int32) autograd.Var {
	picked, next := d.pick(p, x, rows, targets)
	return d.Loss(p, picked, next)
}

// MarginLossAt is [Decoder.LossAt], and beside it how far the logits of the targets are
// above the mean of their row, summed:
//
//	margin = Σ_r (logits[r,targets[r]] - mean_v logits[r,v]) = Σ_r h_r·(w[targets[r]] - mean_v w[v])
//
// of rows h_r that are at the head w: two products of a row, no logits. With it a loss can be
// smoothed, since (1-ε)·(-log p(t)) + ε·mean_v(-log p(v)) = -log p(t) + ε·margin.
func (d *Decoder) MarginLossAt(p *autograd.Pass, x autograd.Var, rows, targets []int32) (loss, margin autograd.Var) {
	picked, next := d.pick(p, x, rows, targets)
	h, w := d.Finish(p, picked), p.Param(d.Head)
	each := p.New(h.T.DType(), 1, d.Config.Vocab)
	kernels.Fill(p.Backend, each, 1/float64(d.Config.Vocab))
	mean := p.LinearFunc(kernels.Identity, p.Input(each), autograd.Affine{W: w, InOut: true})
	margin = p.Sum(p.Mul(h, p.Sub(p.Gather(w, next, h.T.DType()), mean)))
	return p.LinearCrossEntropy(h, w, next), margin
}

// pick takes the chosen rows of the stream and the tokens that follow them to the device.
func (d *Decoder) pick(p *autograd.Pass, x autograd.Var, rows, targets []int32) (picked autograd.Var, next tensor.Tensor) {
	n := len(rows)
	both := p.New(tensor.I32, n+len(targets)) // one copy to the device
	both.SetInts(slices.Concat(rows, targets))
	return p.Gather(x, both.Slice(0, n), x.T.DType()), both.Slice(n, n+len(targets))
}

// Rows returns the chosen rows of the stream, in that order.
func (d *Decoder) Rows(p *autograd.Pass, x autograd.Var, rows []int32) autograd.Var {
	ids := p.New(tensor.I32, len(rows))
	ids.SetInts(rows)
	return p.Gather(x, ids, x.T.DType())
}

// Parts shows embedding, blocks, final norm and projection, and a head of its own: the
// decoder is a [nn.Module].
func (d *Decoder) Parts(v nn.Visitor) {
	d.Embed.Parts(v)
	for _, b := range d.Blocks {
		b.Parts(v)
	}
	d.Config.family().ending(d, v)
	if !d.Config.Tied {
		v.Parameter(&d.Head, "lm_head.weight", nn.NormalOf(d.Config.EmbedWidth), d.Config.Vocab, d.Config.EmbedWidth)
	}
}

// Params yields every parameter once, in the order of the forward pass: one
// that is shared (a tied head, a repeated block) where it first stands.
func (d *Decoder) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		seen := map[*autograd.Parameter]bool{}
		for w := range nn.ParamsOf(d) {
			if !seen[w] {
				seen[w] = true
				if !yield(w) {
					return
				}
			}
		}
	}
}

// Linears yields the decoder's linear layers by their names in a checkpoint, such as
// "model.layers.3.self_attn.q_proj", in the order of the forward pass: a block that
// stands at several places once. Each comes as the field that holds it, so that another
// layer can be put there:
//
//	for name, field := range d.Linears() {
//		if strings.HasSuffix(name, ".q_proj") {
//			*field = withLoRA(*field)
//		}
//	}
//
// The head is none of them: it may be the table of the embedding. Two blocks of one
// layer, such as a frozen one and a copy that is trained, have the same names.
func (d *Decoder) Linears() iter.Seq2[string, *nn.Projection] {
	return func(yield func(string, *nn.Projection) bool) {
		seen := map[*nn.Projection]bool{}
		for name, field := range nn.ProjectionsOf(d) {
			if !seen[field] {
				seen[field] = true
				if !yield(name, field) {
					return
				}
			}
		}
	}
}

// Clone returns a frozen decoder over the same values: a place to start training
// from that leaves d as it is. A block that stands at several places of d, scaled or
// not, does so in the clone.
func (d *Decoder) Clone() *Decoder {
	c := *d
	c.Embed = d.Embed.Clone()
	c.Blocks = make([]Block, len(d.Blocks))
	copies := map[Block]Block{}
	copied := func(b Block) Block {
		if copies[b] == nil {
			copies[b] = b.Clone()
		}
		return copies[b]
	}
	for i, b := range d.Blocks {
		if s, ok := b.(*Scaled); ok {
			c.Blocks[i] = &Scaled{copied(s.Block), s.By}
			continue
		}
		c.Blocks[i] = copied(b)
	}
	if d.Norm != nil {
		c.Norm = d.Norm.Clone()
	}
	if d.Out != nil {
		c.Out = d.Out.Clone()
	}
	if d.Head == d.Embed.TokenWeights() {
		c.Head = c.Embed.TokenWeights()
	} else {
		c.Head = nn.Clone(d.Head)
	}
	return &c
}

// New builds a decoder of the configured family, of the forms of its places, over a source
// of weights.
func New(c Config, src nn.Source) *Decoder {
	f, err := familyNamed(c.Family)
	if err != nil {
		panic("transformer: New: " + err.Error())
	}
	shared := c // by embedding and blocks
	d := &Decoder{Config: c, Embed: &tableEmbedding{names: f.embedding, config: &shared}}
	for i := range c.Layers {
		d.Blocks = append(d.Blocks, shared.newBlock(i))
	}
	nn.BuildRanked(src, d, c.rankOf)
	if c.Tied {
		d.Head = d.Embed.TokenWeights()
	}
	return d
}

// addDropped returns residual + dropout(l(x)).
func addDropped(p *autograd.Pass, residual autograd.Var, l nn.Projection, x autograd.Var) autograd.Var {
	if p.Dropout.P == 0 {
		return nn.LinearAdd(p, residual, l, x)
	}
	return p.Add(residual, p.ApplyDropout(l.Forward(p, x)))
}
