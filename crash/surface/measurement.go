package surface

import (
	"context"

	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// Measurement measures the loss at points of spaces, each once.
type Measurement struct {
	Backend kernels.Backend
	Rows    *Rows
	Points  *Points // what is measured already, and goes there
	Memory  int     // bytes of streams below the lowest place that moves, at the most; 0: they run at each point

	// Tell, if not nil, is told after each point how many are done of those that the line
	// or plane asks for.
	Tell func(done, total int)
}

// walk measures the points of one space in turn.
type walk struct {
	*Measurement
	space *Space
	name  string
	kept  *transformer.Kept
	arena *tensor.Arena
	done  int
	total int
}

// walkOn begins a walk, of which coordinates says how many a point has.
func (m *Measurement) walkOn(s *Space, name string, total int) (*walk, error) {
	if err := m.Points.load(name, len(s.directions)); err != nil {
		return nil, err
	}
	w := &walk{Measurement: m, space: s, name: name, total: total, arena: tensor.NewArena(m.Backend)}
	if m.Memory > 0 {
		w.kept = &transformer.Kept{Place: s.Place, Memory: m.Memory}
	}
	return w, nil
}

func (w *walk) close() {
	w.kept.Close()
	w.arena.Close()
}

// at returns the point of coordinates, which it measures unless it was measured before.
func (w *walk) at(ctx context.Context, at ...float64) (Point, error) {
	q, ok := w.Points.get(w.name, at)
	if !ok {
		if err := ctx.Err(); err != nil {
			return q, err
		}
		w.space.Move(at...)
		m, err := w.Rows.Measure(ctx, w.Backend, w.space.Decoder, w.kept, w.arena)
		if err == nil {
			q, err = w.Points.note(w.name, at, m)
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

// count tells of a point of the line or plane.
func (w *walk) count() {
	w.done++
	if w.Tell != nil {
		w.Tell(w.done, w.total)
	}
}
