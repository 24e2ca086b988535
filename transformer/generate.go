package transformer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels"
)

// Sampling says how the next token is chosen. The zero value is greedy.
type Sampling struct {
	Temperature float64 // 0: the most likely token
	TopK        int     // 0: all
	TopP        float64 // 0 or 1: all
	Seed        uint64
}

// Validate returns an error naming the field that makes no sense.
func (s Sampling) Validate() error {
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature %v: want 0 (greedy) or more", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top-k %d: want 0 (all) or more", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return fmt.Errorf("top-p %v: want 0 to 1", s.TopP)
	}
	return nil
}

// Generate continues prompt by up to maxTokens tokens and calls emit with each
// until it returns false. The prompt runs in one pass, each further token in a
// decoding pass over the cache: one copy to the device and one back a token. ctx ends
// it early without an error. Nothing is held afterwards.
func (d *Decoder) Generate(ctx context.Context, be kernels.Backend, prompt []int32, maxTokens int, how Sampling, emit func(id int32) bool) error {
	if err := how.Validate(); err != nil {
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
	tokens := prompt
	for i := range maxTokens {
		b := &Batch{Store: true}
		b.Add(tokens, cache)
		p.Decoding = i > 0
		x := d.Forward(p, b, nil).T
		last := p.Input(x.Slice(len(tokens)-1, len(tokens)))
		logits := d.Logits(p, last).T.Float32s()
		if err := p.Sync(); err != nil {
			return err
		}
		p.Reset()
		id := how.choose(logits, float64(rng.Float32(uint64(i))))
		if !emit(id) || ctx.Err() != nil {
			return nil
		}
		tokens = []int32{id}
	}
	return nil
}

// choose picks a token: temperature, then the top K, then the smallest set of
// likeliest tokens whose probability reaches P (transformers' order of logits
// warpers). u in [0, 1) is the random number.
func (s Sampling) choose(logits []float32, u float64) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	if s.Temperature == 0 {
		return int32(best)
	}
	order := make([]int32, len(logits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	if s.TopK > 0 && s.TopK < len(order) {
		order = order[:s.TopK]
	}
	weights := make([]float64, len(order))
	total := 0.0
	for i, id := range order {
		weights[i] = math.Exp(float64(logits[id]-logits[best]) / s.Temperature)
		total += weights[i]
	}
	if s.TopP > 0 && s.TopP < 1 {
		sum := 0.0
		for i, w := range weights {
			if sum += w; sum >= s.TopP*total {
				weights, total = weights[:i+1], sum
				break
			}
		}
	}
	u *= total
	for i, w := range weights {
		if u -= w; u < 0 {
			return order[i]
		}
	}
	return order[len(weights)-1]
}
