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
	down := all[len(all)-1] // of narrowGroup
	w, out, channels := down.matrix()
	keep, err := compress.CountFor(share, channels)
	if err != nil {
		return fmt.Errorf("%s, of channels: %w", down.name, err)
	}
	moments, err := f.moments(place, block, narrowGroup)
	if err != nil {
		return err
	}
	n, err := compress.Nystrom(w, out, keep, moments[narrowGroup], f.opt.Ridge)
	if err != nil {
		return fmt.Errorf("%s: %w", down.name, err)
	}
	for _, l := range all {
		if l.group != widenGroup {
			continue
		}
		if err := f.keepRows(l, n.Kept); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return f.putMatrix(down, tensor.F32, singles(n.Down), out, keep, down.Bias)
}
