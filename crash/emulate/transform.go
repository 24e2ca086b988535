package emulate

import (
	"fmt"

	"lamina/crash/compress"
	"lamina/nn"
	"lamina/transformer"
)

// transform is how a transform of plans is carried out: it changes a block that is a copy
// of the full model's, over the same values. fits says that it reads the streams.
type transform struct {
	fits  bool
	apply func(f *fitting, place int, block transformer.Block, amount float64) error
}

// transforms are those of [plan.Transforms], by name.
var transforms = map[string]transform{
	"svd": {apply: factorPlain},
}

// factorPlain puts two factors in place of each linear layer.
func factorPlain(f *fitting, _ int, block transformer.Block, share float64) error {
	for name, field := range nn.ProjectionsOf(block) {
		l := (*field).(*nn.Linear)
		in, out := l.Sizes()
		rank, err := compress.RankFor(share, out, in)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		factors, err := compress.SVD(weightOf(l), out, in, rank)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := f.putFactors(field, name, factors); err != nil {
			return err
		}
	}
	return nil
}

// putFactors puts a low-rank pair where a linear layer stands.
func (f *fitting) putFactors(field *nn.Projection, name string, factors compress.Factors) error {
	l := (*field).(*nn.Linear)
	in, out := l.Sizes()
	down, err := f.parameter(name+".down.weight", factors.Down, factors.Rank, in)
	if err != nil {
		return err
	}
	up, err := f.parameter(name+".up.weight", factors.Up, out, factors.Rank)
	if err != nil {
		return err
	}
	*field = &nn.LowRank{Down: &nn.Linear{Weight: down}, Up: &nn.Linear{Weight: up, Bias: l.Bias}}
	return nil
}

// weightOf returns a layer's weight as [out in], whatever its storage.
func weightOf(l *nn.Linear) []float32 {
	w := l.Weight.Value.Float32s()
	if !l.InOut {
		return w
	}
	in, out := l.Sizes()
	turned := make([]float32, len(w))
	for i := range in {
		for j := range out {
			turned[j*in+i] = w[i*out+j]
		}
	}
	return turned
}
