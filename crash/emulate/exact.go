package emulate

import (
	"math"
	"slices"

	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// ExactShare returns the share of the full model's weights that can be read off the
// emulator as it is, before training: those that stand in it to the bit, under the same
// name, however the emulator was made. Of a matrix that lost rows or columns the others
// count, in their order; a weight that stands twice counts once. What was changed, such as
// weights that were quantised or factored, counts where a value is still the same by
// chance. Weights that both share cost nothing to compare; of others one parameter at a
// time is decoded, 8 bytes a weight.
func (e *Emulator) ExactShare(full *transformer.Decoder) float64 {
	held := map[string][]*autograd.Parameter{}
	for w := range e.Decoder.Params() {
		held[w.Name] = append(held[w.Name], w)
	}
	exact := 0
	for w := range full.Params() {
		most := 0
		for _, own := range held[w.Name] { // a trained copy and a frozen one
			if most < w.Value.Len() {
				most = max(most, exactIn(w.Value, own.Value))
			}
		}
		exact += most
	}
	return float64(exact) / float64(nn.Count(full.Params()))
}

// StartShare is [Emulator.ExactShare] of the trainable weights alone, among themselves: 1
// unless their owner trained them before he hands them out.
func (e *Emulator) StartShare(full *transformer.Decoder) float64 {
	own, exact := map[string]tensor.Tensor{}, 0
	for w := range full.Params() {
		own[w.Name] = w.Value
	}
	for w := range e.Params() {
		exact += exactIn(own[w.Name], w.Value)
	}
	return float64(exact) / float64(nn.Count(e.Params()))
}

// exactIn counts the elements of w that own has to the bit.
func exactIn(w, own tensor.Tensor) int {
	if w.DType() == own.DType() && w.SameShape(own) && w.SameMemory(own) {
		return w.Len()
	}
	a, b := w.Float32s(), own.Float32s()
	switch {
	case w.SameShape(own):
		return equalBits(a, b)
	case w.Rank() != 2 || own.Rank() != 2:
		return 0
	case w.Cols() == own.Cols():
		return w.Cols() * found(w.Rows(), own.Rows(), func(i, j int) bool {
			return slices.EqualFunc(a[i*w.Cols():(i+1)*w.Cols()], b[j*w.Cols():(j+1)*w.Cols()], sameBits)
		})
	case w.Rows() == own.Rows():
		return w.Rows() * found(w.Cols(), own.Cols(), func(i, j int) bool {
			for row := range w.Rows() {
				if !sameBits(a[row*w.Cols()+i], b[row*own.Cols()+j]) {
					return false
				}
			}
			return true
		})
	}
	return 0
}

// found counts the parts of an own list of n that stand in one of m, both in order: each is
// looked for behind the one before.
func found(m, n int, same func(i, j int) bool) int {
	count, from := 0, 0
	for j := range n {
		for i := from; i < m; i++ {
			if same(i, j) {
				count, from = count+1, i+1
				break
			}
		}
	}
	return count
}

func equalBits(a, b []float32) (n int) {
	for i, v := range a {
		if sameBits(v, b[i]) {
			n++
		}
	}
	return n
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
