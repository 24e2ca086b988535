package transformer

import (
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
)

// given notes what its layer is given.
type given struct {
	nn.Projection
	x *[]float32
}

func (g given) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	*g.x = x.T.Float32s()
	return g.Projection.Forward(p, x)
}

// TestSublayersAreGivenOneInput: every linear layer of a block stands in one group, in
// order, and those of a group are given the same numbers, of the next group others.
func TestSublayersAreGivenOneInput(t *testing.T) {
	be := ref.New()
	for _, family := range families {
		c := Config{
			Family: family.name, Layers: 1, Width: 24, EmbedWidth: 24, Heads: 4, KVHeads: 4, HeadDim: 6, FeedForward: 40,
			Vocab: 61, MaxPositions: 64, Eps: 1e-5, Activation: kernels.ReLU, Tied: true, NormAffine: true, Bias: true, MLPBias: true,
			RoPE: nn.RoPE{Dim: 6, Theta: 10000},
		}
		if family.name != "llama" {
			c.RoPE = nn.RoPE{}
		}
		d := New(c, nn.Init{Device: be, Seed: 3, Std: 0.15})
		s, ok := SublayersOf(d.Blocks[0])
		if !ok {
			t.Fatalf("%s: no sublayers", family.name)
		}
		var fields []*nn.Projection
		for _, field := range nn.ProjectionsOf(d.Blocks[0]) {
			fields = append(fields, field)
		}
		if all := slices.Concat(s.Groups()...); !slices.Equal(all, fields) {
			t.Errorf("%s: %d fields in groups, %d in the block, or another order", family.name, len(all), len(fields))
		}
		seen := map[*nn.Projection]*[]float32{}
		for _, field := range fields {
			seen[field] = new([]float32)
			*field = given{*field, seen[field]}
		}
		d.Forward(autograd.NewPass(be), NewBatch([]int32{3, 1, 4}, []int32{1, 5}), nil)
		var before []float32
		for i, group := range s.Groups() {
			x := *seen[group[0]]
			for _, field := range group {
				if len(x) == 0 || !slices.Equal(*seen[field], x) {
					t.Errorf("%s: group %d is given several inputs", family.name, i)
				}
			}
			if slices.Equal(x, before) {
				t.Errorf("%s: groups %d and %d are given the same", family.name, i-1, i)
			}
			before = x
		}
	}
	if _, ok := SublayersOf(NewDiagonalMap(nil, "")); ok {
		t.Error("a map has sublayers")
	}
}
