package distill

import (
	"maps"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/transformer"
)

// states returns the stream of a batch before some places of a decoder, which live as
// long as the pass; the number of its blocks stands for the last stream. Nothing behind
// the last of them runs.
func states(p *autograd.Pass, d *transformer.Decoder, b *transformer.Batch, at []int) []autograd.Var {
	before := map[int]autograd.Var{}
	for _, place := range at {
		before[place] = autograd.Var{}
	}
	x, from := autograd.Var{}, 0
	for _, place := range slices.Sorted(maps.Keys(before)) {
		x = d.ForwardBlocks(p, b, x, from, place)
		before[place], from = x, place
	}
	all := make([]autograd.Var, len(at))
	for i, place := range at {
		all[i] = before[place]
	}
	return all
}

// distance returns, summed over tokens, the mean over the states of ‖have - want‖²/‖want‖².
func distance(p *autograd.Pass, have, want []autograd.Var) (sum autograd.Var) {
	for i := range have {
		mark := p.Begin()
		apart := p.Sum(p.Unary(kernels.Square, p.Sub(have[i], want[i])), 1)
		one := p.End(mark, p.Sum(p.Div(apart, p.Sum(p.Unary(kernels.Square, want[i]), 1))))
		if sum.IsNone() {
			sum = one
			continue
		}
		sum = p.Add(sum, one)
	}
	return p.Scale(sum, 1/float64(len(have)))
}

func places(points []Point) []int {
	at := make([]int, len(points))
	for i, p := range points {
		at[i] = p.Place
	}
	return at
}

func layers(points []Point) []int {
	at := make([]int, len(points))
	for i, p := range points {
		at[i] = p.Layer
	}
	return at
}
