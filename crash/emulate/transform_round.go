package emulate

import (
	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// roundWeights is the transform int: the weights of each linear layer are what so many
// bits in groups of [compress.Group] inputs say of them, as F32.
func roundWeights(f *fitting, _ int, block transformer.Block, bits float64) error {
	return eachLinear(block, func(l linear) ([]float32, error) {
		w, out, in := l.matrix()
		return compress.Quantise(w, out, in, int(bits), compress.Group)
	}, func(l linear, w []float32) error {
		in, out := l.Sizes()
		return f.putMatrix(l, tensor.F32, w, out, in, l.Bias)
	})
}

// storeAs is a transform to GGUF's blocks: the weights of each linear layer are stored in
// type d, along the rows that they have in memory.
func storeAs(d tensor.DType) func(*fitting, int, transformer.Block, float64) error {
	return func(f *fitting, _ int, block transformer.Block, _ float64) error {
		return eachLinear(block, func(l linear) ([]byte, error) {
			w := l.Weight.Value
			return tensor.EncodeRows(w.Float32s(), w.Cols(), d)
		}, func(l linear, blocks []byte) error {
			w := l.Weight
			t, err := tensor.Wrap(f.be, d, blocks, w.Value.Shape()...)
			if err != nil {
				return err
			}
			f.e.own = append(f.e.own, t)
			*l.field = &nn.Linear{Weight: &autograd.Parameter{Name: w.Name, Value: t}, Bias: l.Bias, InOut: l.InOut}
			return nil
		})
	}
}
