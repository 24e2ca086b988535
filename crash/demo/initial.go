package demo

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// initStd is the standard deviation of fresh matrices: about 1/sqrt(width), as
// published OPT's 0.006 is for its width of 12,288.
const initStd = 0.1

// initial is the source of a fresh short decoder. It differs from [nn.Init] in
// two places: positions begin as sines and cosines, so that looking some words
// back need not be learned place by place; and what a block adds to the stream is
// scaled by one over the root of the number of blocks, as GPT-2 has it.
type initial struct{ dev tensor.Device }

// Parameter returns a new F32 parameter.
func (s initial) Parameter(name string, begin nn.Initial, shape ...int) *autograd.Parameter {
	w := nn.Init{Device: s.dev, Seed: seed, Std: initStd}.Parameter(name, begin, shape...)
	switch {
	case strings.HasSuffix(name, "embed_positions.weight"):
		values := make([]float32, 0, w.Value.Len())
		for pos := range shape[0] {
			for j := range shape[1] {
				values = append(values, wave(pos, j, shape[1]))
			}
		}
		w.Value.SetFloat32s(values)
	case strings.HasSuffix(name, "out_proj.weight"), strings.HasSuffix(name, "fc2.weight"):
		scale(w, 1/math.Sqrt(float64(defaultRecipe().blocks)))
	}
	return w
}

// wave is feature j of position pos: sine and cosine in turn, of frequencies from
// 3 down by a factor of 100 in all, as large as a token's features are.
func wave(pos, j, width int) float32 {
	angle := float64(pos) * 3 / math.Pow(100, float64(j/2*2)/float64(width))
	if j%2 == 0 {
		return float32(initStd * math.Sin(angle))
	}
	return float32(initStd * math.Cos(angle))
}

// splitBlocks is the source of a deeper decoder that begins as nearly the same
// function as a short one: each block stands n times in a row and adds to the
// stream 1/n of what it did (growing by repetition: Gong et al. 2019,
// "Efficient Training of BERT by Progressively Stacking", with the copies side by
// side).
type splitBlocks struct {
	short *transformer.Decoder
	n     int
	be    kernels.Backend
}

// Parameter returns a copy of the short decoder's parameter.
func (s splitBlocks) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	from, adds := s.origin(name)
	for w := range s.short.Params() {
		if w.Name != from {
			continue
		}
		value, err := tensor.New(s.be, tensor.F32, shape...)
		if err != nil {
			return &autograd.Parameter{Name: name, Value: tensor.NoMemory(err, tensor.F32, shape...)}
		}
		own := &autograd.Parameter{Name: name, Value: value}
		kernels.Convert(s.be, own.Value, w.Value)
		if adds {
			scale(own, 1/float64(s.n))
		}
		return own
	}
	panic(fmt.Sprintf("demo: splitBlocks: %s: the short decoder has no %s", name, from))
}

// origin returns the short decoder's name for a parameter, and whether it scales
// what a block adds to the stream.
func (s splitBlocks) origin(name string) (from string, adds bool) {
	const layers = "model.decoder.layers."
	rest, ok := strings.CutPrefix(name, layers)
	if !ok {
		return name, false
	}
	number, leaf, _ := strings.Cut(rest, ".")
	i, err := strconv.Atoi(number)
	if err != nil {
		panic(fmt.Sprintf("demo: splitBlocks: %s: %v", name, err))
	}
	return fmt.Sprintf("%s%d.%s", layers, i/s.n, leaf), strings.Contains(leaf, "out_proj.") || strings.Contains(leaf, "fc2.")
}

func scale(w *autograd.Parameter, by float64) {
	values := w.Value.Float32s()
	for i := range values {
		values[i] *= float32(by)
	}
	w.Value.SetFloat32s(values)
}
