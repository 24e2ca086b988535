package workload

import (
	"fmt"

	"lamina/kernels"
	"lamina/tensor"
)

// Attention is causal attention of one sequence.
type Attention struct {
	Heads, KVHeads, HeadDim int
	Length                  int // tokens
	Backward                bool
}

// String is "T tokens of H heads of K", with those of keys and the direction behind it where
// they differ from all and forward.
func (a Attention) String() string {
	text := fmt.Sprintf("%d tokens, %dx%d", a.Length, a.Heads, a.HeadDim)
	if a.KVHeads != a.Heads {
		text += fmt.Sprintf(" of %d", a.KVHeads)
	}
	if a.Backward {
		text += " backward"
	}
	return text
}

// Attentions returns those of OPT-125M's heads, both ways, and of SmolLM2's.
func Attentions() []Attention {
	var all []Attention
	for _, length := range []int{512, 1024, 2048} {
		all = append(all, Attention{12, 12, 64, length, false}, Attention{9, 3, 64, length, false}, Attention{12, 12, 64, length, true})
	}
	return all
}

// FLOP returns the operations: causal scores and their values; backward, which computes the
// scores again, five products for the two.
func (a Attention) FLOP() float64 {
	t := float64(a.Length)
	forward := 2 * float64(a.Heads*a.HeadDim) * t * (t + 1)
	if a.Backward {
		return 2.5 * forward
	}
	return forward
}

// Work returns the attention on a backend.
func (a Attention) Work(be kernels.Backend) Work {
	of := func(heads int) tensor.Tensor { return values(be, a.Length, heads*a.HeadDim) }
	args := kernels.AttentionArgs{
		Out: of(a.Heads), Q: of(a.Heads), K: of(a.KVHeads), V: of(a.KVHeads), Segments: []kernels.Segment{{Len: a.Length}},
		Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Scale: 0.125,
	}
	if !a.Backward {
		return Work{Cost: Cost{FLOP: a.FLOP()}, Run: func() { kernels.Attention(be, args) }}
	}
	g := kernels.AttentionGrads{DQ: of(a.Heads), DK: of(a.KVHeads), DV: of(a.KVHeads), DOut: of(a.Heads), Fwd: args}
	return Work{Cost: Cost{FLOP: a.FLOP()}, Run: func() { kernels.AttentionBackward(be, g) }}
}
