package emulate

import (
	"lamina/crash/compress"
	"lamina/nn"
	"lamina/transformer"
)

// factorPlain is the transform svd: two factors in place of each linear layer, by its
// singular values, of at most the share of its weights. A share of 1 leaves the layers,
// for factors of as many weights would say less.
func factorPlain(f *fitting, _ int, block transformer.Block, share float64) error {
	return f.factor(block, share, func(_ linear, w []float32, out, in, rank int) (compress.Factors, error) {
		return compress.SVD(w, out, in, rank)
	})
}

// factorByInputs is the transform asvd: the same by what each layer is given.
func factorByInputs(f *fitting, place int, block transformer.Block, share float64) error {
	if share == 1 {
		return nil
	}
	moments, err := f.moments(place, block)
	if err != nil {
		return err
	}
	return f.factor(block, share, func(l linear, w []float32, out, _, rank int) (compress.Factors, error) {
		return compress.ActivationSVD(w, out, rank, moments[l.group], f.opt.Ridge)
	})
}

// factor puts low-rank pairs where the linear layers of a block stand.
func (f *fitting) factor(block transformer.Block, share float64, of func(l linear, w []float32, out, in, rank int) (compress.Factors, error)) error {
	if share == 1 {
		return nil
	}
	return eachLinear(block, func(l linear) (compress.Factors, error) {
		w, out, in := l.matrix()
		rank, err := compress.RankFor(share, out, in)
		if err != nil {
			return compress.Factors{}, err
		}
		return of(l, w, out, in, rank)
	}, f.putFactors)
}

// putFactors puts a low-rank pair where a linear layer stands.
func (f *fitting) putFactors(l linear, factors compress.Factors) error {
	down, err := f.parameter(l.name+".down.weight", factors.Down, factors.Rank, factors.In)
	if err != nil {
		return err
	}
	up, err := f.parameter(l.name+".up.weight", factors.Up, factors.Out, factors.Rank)
	if err == nil {
		*l.field = &nn.LowRank{Down: &nn.Linear{Weight: down}, Up: &nn.Linear{Weight: up, Bias: l.Bias}}
	}
	return err
}
