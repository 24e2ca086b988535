package transformer

import (
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/kernels"
)

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// checkLogits returns an error where a logit is not finite, and says where in the
// decoder that began.
func (d *Decoder) checkLogits(be kernels.Backend, logits []float32, at textState, pass bool) error {
	for id, v := range logits {
		if !finite(v) && !pass {
			return fmt.Errorf("token %d of the answer: logit %d is %v, %w%s", len(at.ids)-at.prompt, id, v, errNotFinite, d.whence(be, at.ids))
		}
	}
	return nil
}

// whence says where in the decoder a text's hidden states cease to be finite, "" where
// they do not.
func (d *Decoder) whence(be kernels.Backend, ids []int32) string {
	p := autograd.NewPass(be)
	defer p.Close()
	first := -1
	d.Forward(p, NewBatch(ids), func(state int, x autograd.Var) {
		if first >= 0 || x.IsNone() {
			return
		}
		for _, v := range x.T.Float32s() {
			if !finite(v) {
				first = state
				return
			}
		}
	})
	if err := p.Sync(); err != nil {
		return ""
	}
	switch {
	case first < 0:
		return ": the weights of the head, or the product with them"
	case first == 0:
		return ": the embedding is not"
	case first == len(d.Blocks):
		return fmt.Sprintf(": from block %d or the final norm on", first-1)
	}
	return fmt.Sprintf(": from block %d on", first-1)
}
