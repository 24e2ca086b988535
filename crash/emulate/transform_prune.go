package emulate

import (
	"lamina/crash/compress"
	"lamina/transformer"
)

// pruneByMagnitude is the transform prune: the share of each linear layer's weights that
// are smallest is 0. They take the room that they took: a study of what they say.
func pruneByMagnitude(f *fitting, _ int, block transformer.Block, share float64) error {
	return eachLinear(block, func(l linear) ([]float32, error) {
		w, out, in := l.matrix()
		return compress.Magnitude(w, out, in, share)
	}, f.putSame)
}

// pruneByInputs is the transform wanda: the same by weight times input, for each output by
// itself.
func pruneByInputs(f *fitting, place int, block transformer.Block, share float64) error {
	norms, err := f.norms(place, block)
	if err != nil {
		return err
	}
	return eachLinear(block, func(l linear) ([]float32, error) {
		w, out, _ := l.matrix()
		return compress.Wanda(w, out, share, norms[l.group])
	}, f.putSame)
}

// putSame puts a layer of other weights [out in], each of l's or 0, in l's place.
func (f *fitting) putSame(l linear, w []float32) error {
	in, out := l.Sizes()
	return f.putMatrix(l, exactType(l.Weight.Value.DType()), w, out, in, l.Bias)
}
