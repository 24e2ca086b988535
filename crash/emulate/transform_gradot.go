package emulate

import (
	"fmt"
	"slices"

	"lamina/crash/compress"
	"lamina/transformer"
)

// preserveGradient is the transform gradot: the matrices of attention keep the share of
// their weights in singular directions, the MLP that of its channels, each those without
// which the gradient of the full model's loss on the texts would move most, less
// [FitOptions].Lambda times what the loss would rise. A share of 1 leaves the block.
func preserveGradient(f *fitting, place int, block transformer.Block, share float64) error {
	if share == 1 {
		return nil
	}
	all, err := linearsOf(block)
	if err != nil {
		return err
	}
	mlp := slices.IndexFunc(all, func(l linear) bool { return l.group == widenGroup })
	down := all[len(all)-1]
	channels, _ := down.Sizes()
	keep, err := compress.CountFor(share, channels)
	if err != nil {
		return fmt.Errorf("%s, of channels: %w", down.name, err)
	}
	c, err := f.curvatureOf(place)
	if err != nil {
		return err
	}
	err = each(all[:mlp], func(i int, l linear) (compress.Factors, error) {
		in, out := l.Sizes()
		rank, err := compress.RankFor(share, out, in)
		if err != nil {
			return compress.Factors{}, err
		}
		r, err := compress.GradOTRanks(c.layer(i, l), rank, f.opt.Lambda)
		return r.Factors, err
	}, f.putFactors)
	if err != nil {
		return err
	}
	var into []compress.CurvedLayer
	for i, l := range all[mlp : len(all)-1] {
		into = append(into, c.layer(mlp+i, l))
	}
	n, err := compress.GradOTChannels(into, c.layer(len(all)-1, down), keep, f.opt.Lambda)
	if err != nil {
		return fmt.Errorf("%s: %w", down.name, err)
	}
	for _, l := range all[mlp : len(all)-1] {
		if err := f.keepRows(l, n.Kept); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	_, out := down.Sizes()
	return f.putMatrix(down, exactType(down.Weight.Value.DType()), singles(n.Down), out, keep, down.Bias)
}

// layer returns a block's layer as the loss sees it.
func (c *curvature) layer(i int, l linear) compress.CurvedLayer {
	w, out, in := l.matrix()
	return compress.CurvedLayer{Out: out, In: in, Weight: w, Gradient: c.gradient[i], Inputs: c.inputs[l.group], Outputs: c.outputs[i]}
}
