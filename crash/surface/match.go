package surface

import (
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/tensor"
	"lamina/transformer"
)

// Checkpoint is a decoder with the name that errors and results call it by.
type Checkpoint struct {
	Name    string
	Decoder *transformer.Decoder
}

func (c Checkpoint) weights() []*autograd.Parameter { return slices.Collect(c.Decoder.Params()) }

// Match returns an error, in a line, unless b has what a has: the architecture and sizes,
// and each weight by name and shape. How they are stored may differ.
func Match(a, b Checkpoint) error {
	x, y := a.Decoder.Config, b.Decoder.Config
	for _, same := range []struct {
		what string
		a, b any
	}{
		{"architecture", x.Family, y.Family}, {"number of layers", len(a.Decoder.Blocks), len(b.Decoder.Blocks)},
		{"vocabulary", x.Vocab, y.Vocab}, {"width of the stream", x.Width, y.Width}, {"number of heads", x.Heads, y.Heads},
		{"number of key and value heads", x.KVHeads, y.KVHeads}, {"width of the feed-forward part", x.FeedForward, y.FeedForward},
		{"activation", x.Activation, y.Activation}, {"rotary embedding", x.RoPE, y.RoPE}, {"epsilon of norms", x.Eps, y.Eps},
	} {
		if got, want := fmt.Sprintf("%v", same.b), fmt.Sprintf("%v", same.a); got != want {
			return fmt.Errorf("%s: %s %.80s, and %s has %.80s: nothing lies between two models that differ in it", b.Name, same.what, got, a.Name, want)
		}
	}
	shapes := map[string][]int{}
	for _, w := range b.weights() {
		shapes[w.Name] = w.Value.Shape()
	}
	for _, w := range a.weights() {
		got, ok := shapes[w.Name]
		switch {
		case !ok:
			return fmt.Errorf("%s: has no tensor %s, and %s has: nothing lies between the two", b.Name, w.Name, a.Name)
		case !slices.Equal(got, w.Value.Shape()):
			return fmt.Errorf("%s: tensor %s has shape %v, and in %s %v: nothing lies between the two", b.Name, w.Name, got, a.Name, w.Value.Shape())
		}
		delete(shapes, w.Name)
	}
	for _, w := range b.weights() { // in their order
		if _, more := shapes[w.Name]; more {
			return fmt.Errorf("%s: has a tensor %s that %s lacks (what stands beside the weights, or a head of its own): nothing lies between the two; lamina plug writes an adapter into the weights", b.Name, w.Name, a.Name)
		}
	}
	return nil
}

// pieceLen is how many weights are looked at at once, about: a copy of a whole table may be
// larger than all the rest.
const pieceLen = 1 << 18

// pieces calls f with runs of rows of a tensor, and the first element of each.
func pieces(t tensor.Tensor, f func(piece tensor.Tensor, first int) error) error {
	if t.Rank() == 0 || t.Len() == 0 {
		return f(t, 0)
	}
	rows := t.Dim(0)
	step := max(pieceLen*rows/t.Len(), 1)
	for from := 0; from < rows; from += step {
		if err := f(t.Slice(from, min(from+step, rows)), from*(t.Len()/rows)); err != nil {
			return err
		}
	}
	return nil
}

// compared is what two checkpoints have of one weight.
type compared struct {
	same       bool    // type and bits
	norm, diff float64 // ‖A‖², ‖B-A‖²
}

// compare looks at a weight of two checkpoints, row by row.
func compare(a, b Checkpoint, x, y *autograd.Parameter) (compared, error) {
	c := compared{same: x.Value.DType() == y.Value.DType()}
	err := pieces(x.Value, func(p tensor.Tensor, first int) error {
		q := y.Value
		if q.Rank() > 0 && q.Len() > 0 {
			at := first / (q.Len() / q.Dim(0))
			q = q.Slice(at, at+p.Dim(0))
		}
		c.same = c.same && slices.Equal(p.Raw(), q.Raw())
		u, v := p.Float32s(), q.Float32s()
		if err := wantFinite(a, x.Name, u, first); err != nil {
			return err
		}
		if err := wantFinite(b, y.Name, v, first); err != nil {
			return err
		}
		for i := range u {
			d := float64(v[i]) - float64(u[i])
			c.norm += float64(float64(u[i]) * float64(u[i]))
			c.diff += float64(d * d)
		}
		return nil
	})
	return c, err
}

// wantFinite returns an error that names the first weight which is no number.
func wantFinite(c Checkpoint, name string, values []float32, first int) error {
	for i, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("%s: tensor %s has %v at element %d: its loss is no number anywhere near: take another checkpoint", c.Name, name, v, first+i)
		}
	}
	return nil
}
