package emulate

import (
	"fmt"

	"lamina/crash/compress"
	"lamina/tensor"
	"lamina/transformer"
)

// narrow is the transform width: the share of the MLP's channels stays, and its last layer
// makes up for the others on the emulator's own stream. Attention stays as it is. A share
// of 1 leaves the block.
func narrow(f *fitting, place int, block transformer.Block, share float64) error {
	if share == 1 {
		return nil
	}
	all, err := linearsOf(block)
	if err != nil {
		return err
	}
	down := all[len(all)-1]
	w, out, channels := down.matrix()
	keep := int(share * float64(channels))
	if keep == 0 {
		return fmt.Errorf("%s: share %v of %d channels is less than one", down.name, share, channels)
	}
	moments, err := f.moments(place, block, down.group)
	if err != nil {
		return err
	}
	n, err := compress.Nystrom(w, out, keep, moments[down.group], f.opt.Ridge)
	if err != nil {
		return fmt.Errorf("%s: %w", down.name, err)
	}
	for _, l := range all {
		if l.group != down.group-1 {
			continue
		}
		if err := f.keepRows(l, n.Kept); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	made := make([]float32, len(n.Down))
	for i, v := range n.Down {
		made[i] = float32(v)
	}
	return f.putMatrix(down, tensor.F32, made, out, keep, down.Bias)
}

// keepRows puts a layer of some of l's outputs in l's place.
func (f *fitting) keepRows(l linear, kept []int) error {
	w, out, in := l.matrix()
	bias := l.Bias
	if bias != nil {
		values := compress.Rows(bias.Value.Float32s(), out, kept)
		var err error
		if bias, err = f.stored(bias.Name, exactType(bias.Value.DType()), values, len(kept)); err != nil {
			return err
		}
	}
	return f.putMatrix(l, exactType(l.Weight.Value.DType()), compress.Rows(w, out, kept), len(kept), in, bias)
}
