package surface

import (
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Space is the line or plane θ(c) = θ_0 + Σ_k c_k·d_k, and a decoder that is moved on it.
type Space struct {
	Decoder *transformer.Decoder // at the coordinates of the last Move; frozen
	Place   int                  // the lowest that moves: below it all coordinates have one stream

	directions []*Direction
	moved      []moved
}

// moved is a weight that some direction moves.
type moved struct {
	field   *autograd.Parameter // of the decoder that is moved
	index   int                 // among all weights
	origin  tensor.Tensor
	between tensor.Tensor // F32, for where no checkpoint's own value is; its memory is the space's
}

// NewSpace makes a space of an origin and directions from it, all of the same weights, at
// the origin. It takes 4 bytes for each weight that moves, until Close; the error is that of
// memory.
func NewSpace(be kernels.Backend, origin Checkpoint, directions ...*Direction) (*Space, error) {
	s := &Space{Decoder: origin.Decoder.Clone(), directions: directions}
	var fields []*autograd.Parameter
	for i, w := range slices.Collect(s.Decoder.Params()) {
		if !slices.ContainsFunc(directions, func(d *Direction) bool { return d.moves[i] }) {
			continue
		}
		m := moved{field: w, index: i, origin: w.Value}
		var err error
		if m.between, err = tensor.New(be, tensor.F32, w.Value.Shape()...); err != nil {
			s.Close()
			return nil, fmt.Errorf("weights between the checkpoints: %w", err)
		}
		s.moved = append(s.moved, m)
		fields = append(fields, w)
	}
	var err error
	if s.Place, err = s.Decoder.Below(nn.List(fields...)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close gives the memory of moved weights back; the decoder is not to be used then.
func (s *Space) Close() {
	for _, m := range s.moved {
		m.between.Free()
	}
	s.moved = nil
}

// Weights counts those that move.
func (s *Space) Weights() (n int) {
	for _, m := range s.moved {
		n += m.origin.Len()
	}
	return n
}

// Move gives the decoder the weights at coordinates, one for each direction. A weight that
// no coordinate but 0 moves is the origin's, and one that a 1 alone moves towards a
// checkpoint is the checkpoint's, both as they are stored.
func (s *Space) Move(at ...float64) {
	if len(at) != len(s.directions) {
		panic(fmt.Sprintf("surface: Move: %d coordinates in a space of %d directions", len(at), len(s.directions)))
	}
	for _, m := range s.moved {
		var by []int // directions that move it
		for k, d := range s.directions {
			if d.moves[m.index] && at[k] != 0 {
				by = append(by, k)
			}
		}
		switch {
		case len(by) == 0:
			m.field.Value = m.origin
		case len(by) == 1 && at[by[0]] == 1 && s.directions[by[0]].ends != nil:
			m.field.Value = s.directions[by[0]].ends[m.index]
		default:
			s.fill(m, by, at)
			m.field.Value = m.between
		}
	}
}

// fill computes a weight between: Σ in float64, in the order of the directions, rounded once.
func (s *Space) fill(m moved, by []int, at []float64) {
	var sum []float64
	_ = pieces(m.origin, func(p tensor.Tensor, first int) error {
		values := p.Float32s()
		sum = slices.Grow(sum[:0], len(values))[:len(values)]
		for j, v := range values {
			sum[j] = float64(v)
		}
		for _, k := range by {
			s.directions[k].addTo(sum, m.index, first, at[k], values)
		}
		for j, v := range sum {
			values[j] = float32(v)
		}
		row := m.origin.Len() / m.origin.Dim(0)
		m.between.Slice(first/row, (first+len(values))/row).SetFloat32s(values)
		return nil
	})
}
