package emulate

import (
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/nn"
	"lamina/transformer"
)

// What a transform learns of the texts is what each linear layer of its block is given,
// with the emulator as it is below. Layers that are given one input (queries, keys and
// values; gate and up) are a group, and share what was learned.

// tap stands in a linear layer's place and sees its input.
type tap struct {
	nn.Projection
	see func(rows []float32, width int) error
}

// Forward shows x and runs the layer.
func (t *tap) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	rows := x.T.Float32s()
	if p.Err() == nil {
		if err := t.see(rows, x.T.Cols()); err != nil {
			p.Fail(err)
		}
	}
	return t.Projection.Forward(p, x)
}

// observe runs the streams through a copy of the block at a place and shows, in the order
// of the texts, the rows [N in] that each of some groups of linear layers is given. Each
// row is scaled by the root of its token's weight; those of weight 0 are left out. No
// groups are all of them.
func (f *fitting) observe(place int, block transformer.Block, groups []int, see func(group int, rows []float32) error) error {
	watched := block.Clone()
	all, err := linearsOf(watched)
	if err != nil {
		return err
	}
	var batch *transformer.Batch // that runs
	for i, l := range all {
		if i > 0 && all[i-1].group == l.group || len(groups) > 0 && !slices.Contains(groups, l.group) {
			continue
		}
		*l.field = &tap{l.Linear, func(rows []float32, width int) error {
			rows, err := f.weighed(batch, rows, width)
			if err == nil {
				err = see(l.group, rows)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			return nil
		}}
	}
	d := *f.e.Decoder
	d.Blocks = append(slices.Clone(d.Blocks), watched)
	for _, s := range f.streams {
		batch = s.batch
		if _, err := f.run(&d, s.batch, s.x, place); err != nil {
			return err
		}
	}
	return nil
}

// weighed returns rows of activations times the roots of their tokens' weights, which are
// those of the rows themselves: by their own rms, every token says as much to a layer. Rows
// of weight 0 and rows of zeros, which say nothing, are left out.
func (f *fitting) weighed(b *transformer.Batch, rows []float32, width int) ([]float32, error) {
	left, positions := make([]float32, 0, len(rows)), make([]int, 0, len(rows)/width)
	for _, seg := range b.Segments {
		for j := range seg.Len {
			row := rows[(seg.Start+j)*width : (seg.Start+j+1)*width]
			if slices.ContainsFunc(row, func(v float32) bool { return v != 0 }) {
				left, positions = append(left, row...), append(positions, j)
			}
		}
	}
	weights, err := f.opt.Tokens.Of(left, width, positions)
	if err != nil || weights == nil {
		return left, err
	}
	rows = left
	left = left[:0]
	for i, weight := range weights {
		if weight == 0 {
			continue
		}
		root := math.Sqrt(weight)
		for _, v := range rows[i*width : (i+1)*width] {
			left = append(left, float32(root*float64(v)))
		}
	}
	return left, nil
}

// moments returns the second moments of what some groups of a block's linear layers are
// given, by group; those of all if none are named.
func (f *fitting) moments(place int, block transformer.Block, groups ...int) (map[int]*compress.Moments, error) {
	return gathered(f, place, block, groups, compress.NewMoments)
}

// norms returns the norms of what each group of a block's linear layers is given.
func (f *fitting) norms(place int, block transformer.Block) (map[int]*compress.Norms, error) {
	return gathered(f, place, block, nil, compress.NewNorms)
}

// gathered observes groups of a block's linear layers with one gatherer each.
func gathered[T interface{ Add(rows []float32) error }](f *fitting, place int, block transformer.Block, groups []int, begin func(width int) T) (map[int]T, error) {
	all, err := linearsOf(block)
	if err != nil {
		return nil, err
	}
	made := map[int]T{}
	for _, l := range all {
		if _, ok := made[l.group]; !ok && (len(groups) == 0 || slices.Contains(groups, l.group)) {
			in, _ := l.Sizes()
			made[l.group] = begin(in)
		}
	}
	return made, f.observe(place, block, groups, func(group int, rows []float32) error { return made[group].Add(rows) })
}
