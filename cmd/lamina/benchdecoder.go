package main

import (
	"lamina/autograd"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// benchConfig has the shapes of OPT-125m in a third of its layers.
const benchConfig = `{"model_type": "opt", "vocab_size": 50272, "hidden_size": 768, "num_hidden_layers": 4, "num_attention_heads": 12,
	"ffn_dim": 3072, "max_position_embeddings": 2048, "word_embed_proj_dim": 768, "dropout": 0}`

const (
	benchShape  = "opt-125m, 4 blocks, "
	benchTokens = 512 // of a pass, in sequences of benchLength
	benchLength = 128
	benchRows   = 32 // with a target
)

// decoder measures a decoder with random weights: scoring's forward pass, a
// training step with all blocks trained, and decoding. Limits are the operations
// of the products alone (2 a weight and token forward, 6 in training; the head
// only at rows with a target) at the machine's peak, and for decoding one read of
// every weight.
func (b *bench) decoder(threads int) error {
	const (
		forward = benchShape + "4x128 tokens"
		decode  = benchShape + "1 sequence"
	)
	if !b.wanted("forward", forward) && !b.wanted("train", forward) && !b.wanted("decode", decode) {
		return nil
	}
	c, err := transformer.ParseConfig([]byte(benchConfig))
	if err != nil {
		return err
	}
	d := transformer.New(c, nn.Init{Device: b.be, Seed: b.s.Seed, Std: 0.02})
	blocks, head := float64(c.Layers*c.BlockParams()), float64(c.Vocab*c.EmbedWidth)
	batch, rows, targets := benchBatch(c)
	if b.wanted("forward", forward) {
		p := autograd.NewPass(b.be)
		seconds := fastest(func() {
			d.Logits(p, d.Rows(p, d.Forward(p, batch, nil), rows))
			p.Reset()
		})
		flop := 2*blocks*benchTokens + 2*head*benchRows
		b.add("forward", forward, threads, benchTokens/seconds, "tokens/s", benchTokens*b.peak[threads]/flop)
	}
	if err := b.s.ctx.Err(); err != nil {
		return err
	}
	if b.wanted("decode", decode) {
		seconds := b.decodeSeconds(d)
		b.add("decode", decode, threads, 1/seconds, "tokens/s", b.read[threads]/(4*(blocks+head)))
	}
	if b.wanted("train", forward) {
		seconds := b.trainSeconds(d, batch, rows, targets)
		flop := 6*blocks*benchTokens + 4*head*benchRows
		b.add("train", forward, threads, benchTokens/seconds, "tokens/s", benchTokens*b.peak[threads]/flop)
	}
	return nil
}

// benchBatch returns sequences, the rows with a target and the targets.
func benchBatch(c transformer.Config) (b *transformer.Batch, rows, targets []int32) {
	b = &transformer.Batch{}
	for s := range benchTokens / benchLength {
		tokens := make([]int32, benchLength)
		for i := range tokens {
			tokens[i] = int32((s*7919 + i*104729) % c.Vocab)
		}
		b.Add(tokens, nil)
	}
	for i := range benchRows {
		rows = append(rows, int32((i+1)*benchTokens/benchRows-1))
		targets = append(targets, int32(i))
	}
	return b, rows, targets
}

// decodeSeconds times one token after benchLength others.
func (b *bench) decodeSeconds(d *transformer.Decoder) float64 {
	p := autograd.NewPass(b.be)
	store := d.NewKVStore(b.be, 2*benchLength)
	cache := store.Sequence(2 * benchLength)
	prompt := &transformer.Batch{Store: true}
	prompt.Add(make([]int32, benchLength), cache)
	d.Forward(p, prompt, nil)
	p.Reset()
	p.Decoding = true
	return fastest(func() {
		cache.Len = benchLength
		one := &transformer.Batch{Store: true}
		one.Add([]int32{5}, cache)
		d.Logits(p, d.Forward(p, one, nil))
		p.Reset()
	})
}

// trainSeconds times a step of AdamW on all blocks, with embedding and head frozen.
func (b *bench) trainSeconds(d *transformer.Decoder, batch *transformer.Batch, rows, targets []int32) float64 {
	trained := nn.Train(b.be, func(yield func(*autograd.Parameter) bool) {
		for _, block := range d.Blocks {
			for w := range block.Params() {
				if !yield(w) {
					return
				}
			}
		}
	})
	defer trained.Freeze()
	opt := optim.New(b.be, trained, optim.Config{LR: 1e-5, Clip: 1})
	p := autograd.NewPass(b.be)
	p.Tape = autograd.NewTape()
	return fastest(func() {
		x := d.Rows(p, d.Forward(p, batch, nil), rows)
		want := p.New(tensor.I32, len(targets))
		want.SetInts(targets)
		p.Backward(p.Sum(p.CrossEntropy(d.Logits(p, x), want)), 1/float64(len(targets)))
		p.Reset()
		opt.Step(1)
	})
}
