package emulate

import (
	"fmt"
	"slices"

	"lamina/crash/compress"
	"lamina/tensor"
	"lamina/transformer"
)

// fewerHeads is the transform heads: the share of the key/value heads stays, each with all
// its query heads, and the output projection makes up for the others on the emulator's own
// stream. The MLP stays as it is. A share of 1 leaves the block.
func fewerHeads(f *fitting, place int, block transformer.Block, share float64) error {
	c := f.full.Config
	all, err := linearsOf(block)
	if err != nil {
		return err
	}
	output := all[slices.IndexFunc(all, func(l linear) bool { return l.group == outputGroup })]
	keep, err := compress.CountFor(share, c.KVHeads)
	if err != nil {
		return fmt.Errorf("%s, of key/value heads: %w", output.name, err)
	}
	if keep == c.KVHeads {
		return nil
	}
	moments, err := f.moments(place, block, outputGroup)
	if err != nil {
		return err
	}
	w, out, _ := output.matrix()
	n, err := compress.NystromHeads(w, out, c.Heads, c.KVHeads, keep, moments[outputGroup], f.opt.Ridge)
	if err != nil {
		return fmt.Errorf("%s: %w", output.name, err)
	}
	rows := transformer.HeadRows(block, c, n.Heads, n.KVHeads)
	for i, l := range all[:len(rows)] { // those of attendGroup
		if err := f.keepRows(l, rows[i]); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	transformer.KeepHeads(block, n.Heads)
	return f.putMatrix(output, tensor.F32, singles(n.Out), out, len(n.Kept), output.Bias)
}
