package transformer

import (
	"context"
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels"
)

// Generate continues prompt by up to maxTokens tokens and calls emit with each
// until it returns false. The prompt runs in one pass, each further token in a
// decoding pass over the cache: one copy to the device and one back a token. Logits that
// are not finite are an error, unless how removes them. ctx ends it early without an
// error. Nothing is held afterwards.
func (d *Decoder) Generate(ctx context.Context, be kernels.Backend, prompt []int32, maxTokens int, how Sampling, emit func(id int32) bool) error {
	if err := how.Validate(); err != nil {
		return err
	}
	if err := how.Rules.checkVocab(d.Config.Vocab); err != nil {
		return err
	}
	if len(prompt) == 0 || maxTokens < 0 {
		return fmt.Errorf("prompt of %d tokens and %d more: want a prompt of one or more, and no negative number", len(prompt), maxTokens)
	}
	if err := NewBatch(prompt).Validate(d.Config); err != nil {
		return err
	}
	if end := len(prompt) + maxTokens; end > d.Config.MaxPositions {
		return fmt.Errorf("prompt of %d tokens and %d more exceed the model's %d positions", len(prompt), maxTokens, d.Config.MaxPositions)
	}
	p := autograd.NewPass(be)
	defer p.Close()
	store, err := d.NewKVStore(be, len(prompt)+maxTokens)
	if err != nil {
		return err
	}
	defer store.Close()
	cache := store.Sequence(len(prompt) + maxTokens)
	rng := philox.New(how.Seed, 0)
	tokens, at := prompt, textState{slices.Clone(prompt), len(prompt), len(prompt) + maxTokens}
	for i := range maxTokens {
		b := &Batch{Store: true}
		b.Add(tokens, cache)
		p.Decoding = i > 0
		logits := d.lastLogits(p, b, len(tokens)).T.Float32s()
		if err := p.Sync(); err != nil {
			return err
		}
		p.Reset()
		if err := d.checkLogits(be, logits, at, how.Rules.RemoveInvalid); err != nil {
			return err
		}
		how.Rules.apply(logits, at)
		id := how.choose(logits, float64(rng.Float32(uint64(i))))
		if !emit(id) || ctx.Err() != nil {
			return nil
		}
		tokens, at.ids = []int32{id}, append(at.ids, id)
	}
	return nil
}

// lastLogits runs a batch of one sequence of n tokens and returns the logits [1 V] after
// the last. Decoding passes are steps that the device has seen before.
func (d *Decoder) lastLogits(p *autograd.Pass, b *Batch, n int) (logits autograd.Var) {
	run := func() {
		x := d.Forward(p, b, nil).T
		logits = d.Logits(p, p.Input(x.Slice(n-1, n)))
	}
	if !p.Decoding {
		run()
		return logits
	}
	kernels.Step(p.Backend, fmt.Sprintf("decode %d by %p", n, d), run)
	return logits
}
