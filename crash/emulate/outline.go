package emulate

import (
	"fmt"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// OutlineOf returns the emulator of a plan over a full model, or over the outline of one
// ([transformer.Checkpoint.Outline]), in which nothing is fitted or computed: its weights
// have the shapes and storage types of [Fit]'s, and those that Fit makes have no memory. It
// is for counting, and for passes on [dry.Backend].
func OutlineOf(full *transformer.Decoder, p plan.Plan) (*Emulator, error) {
	sizes, err := Outline(full.Config, p)
	if err != nil {
		return nil, err
	}
	d := *full
	d.Blocks = slices.Clone(sizes.Blocks)
	typed := map[transformer.Block]bool{}
	for place, s := range p {
		block := d.Blocks[place]
		if scaled, ok := block.(*transformer.Scaled); ok {
			block = scaled.Block
		}
		switch {
		case s.IsMap() || typed[block]:
		case s.Trainable:
			d.Blocks[place] = full.Blocks[s.Layer].Clone()
		case s.Plain():
			d.Blocks[place] = full.Blocks[s.Layer]
		default:
			if err := typeAs(block, full.Blocks[s.Layer], transforms[s.Transform.Name]); err != nil {
				return nil, fmt.Errorf("place %d, %s: %w", place, s, err)
			}
			typed[block] = true
		}
	}
	e := &Emulator{Plan: slices.Clone(p), Decoder: &d}
	e.collect()
	return e, nil
}

// typeAs gives the parameters of a transformed block's outline the storage types that the
// transform makes of the layer's. What the layer does not have, such as factors, is F32.
func typeAs(block, layer transformer.Block, by transform) error {
	was := map[string]tensor.Tensor{}
	for w := range nn.ParamsOf(layer) {
		was[w.Name] = w.Value
	}
	weights := map[*autograd.Parameter]int{} // of linear layers, by the layer's group
	if all, err := linearsOf(block); err == nil {
		for _, l := range all {
			weights[l.Weight] = l.group
		}
	}
	for w := range nn.ParamsOf(block) {
		before, ok := was[strings.Replace(w.Name, ".up.bias", ".bias", 1)] // a pair has its layer's bias
		if !ok {
			continue
		}
		d := before.DType()
		if group, ok := weights[w]; ok && by.stores != nil {
			d = by.stores(group, d)
		} else if !w.Value.SameShape(before) {
			d = exactType(d)
		}
		if w.Value.Cols()%d.BlockLen() != 0 {
			_, err := tensor.EncodeRows(make([]float32, w.Value.Cols()), w.Value.Cols(), d) // says why
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		w.Value = tensor.NoMemory(nil, d, w.Value.Shape()...)
	}
	return nil
}

// The storage types that transforms give the weights of linear layers, by group and the
// type they had.

// storesAs is that of what stores all of them in one type.
func storesAs(d tensor.DType) func(int, tensor.DType) tensor.DType {
	return func(int, tensor.DType) tensor.DType { return d }
}

// storesExact is that of what sets some weights to 0.
func storesExact(_ int, was tensor.DType) tensor.DType { return exactType(was) }

// storesFitted is that of what solves for the weights of one group, and takes rows out of
// those of the group before, if any.
func storesFitted(fitted, cut int) func(int, tensor.DType) tensor.DType {
	return func(group int, was tensor.DType) tensor.DType {
		switch group {
		case fitted:
			return tensor.F32
		case cut:
			return exactType(was)
		}
		return was
	}
}
