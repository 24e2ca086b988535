package nn

import (
	"hash/fnv"
	"strings"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/tensor"
)

// Init is a [Source] of fresh weights: matrices are normal with standard
// deviation Std, gains are 1, biases 0, as transformers initialises OPT and
// LLaMA. Values depend on Seed and the parameter's name only.
type Init struct {
	Device tensor.Device
	Seed   uint64
	Std    float64
}

// Parameter returns a new F32 parameter.
func (s Init) Parameter(name string, shape ...int) *autograd.Parameter {
	t := tensor.New(s.Device, tensor.F32, shape...)
	values := make([]float32, t.Len())
	switch {
	case len(shape) > 1:
		h := fnv.New64a()
		h.Write([]byte(name))
		philox.New(s.Seed, h.Sum64()).FillNormal(values, 0, 0, s.Std)
	case strings.HasSuffix(name, "weight"):
		for i := range values {
			values[i] = 1
		}
	}
	t.SetFloat32s(values)
	return &autograd.Parameter{Name: name, Value: t}
}
