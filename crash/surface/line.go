package surface

import (
	"context"
	"slices"
)

// LinePoint is a point of a line.
type LinePoint struct {
	X Number `json:"x"`
	Measured
}

// Line is the loss along a direction.
type Line struct {
	To     string      `json:"to"` // where x = 1 is
	Points []LinePoint `json:"points"`
	// Ends are x = 0 and x = 1, whether or not they are among the points.
	Ends    [2]LinePoint `json:"ends"`
	Barrier Barrier      `json:"barrier"`
}

// Barrier is how far the loss rises above the chord of its ends between them:
//
//	max over 0 ≤ x ≤ 1 of L(x) - ((1-x)·L(0) + x·L(1))
//
// in nats a token, of the points that were measured; it is 0 where the loss nowhere rises
// above the chord. Null where an end, or every point between, has no loss.
type Barrier struct {
	Height Number `json:"height"`
	X      Number `json:"x"` // where
}

// BarrierOf is that of points and ends.
func BarrierOf(points []LinePoint, ends [2]LinePoint) Barrier {
	l0, l1 := float64(ends[0].Loss), float64(ends[1].Loss)
	if !ends[0].Loss.Finite() || !ends[1].Loss.Finite() {
		return Barrier{ends[0].Loss + ends[1].Loss, ends[0].Loss + ends[1].Loss}
	}
	var b Barrier // 0 at x = 0
	for _, p := range points {
		if p.X < 0 || p.X > 1 || !p.Loss.Finite() {
			continue
		}
		x := float64(p.X)
		if h := float64(p.Loss) - (float64((1-x)*l0) + float64(x*l1)); h > float64(b.Height) {
			b = Barrier{Number(h), p.X}
		}
	}
	return b
}

// Line measures a space of one direction on an axis, coarse to fine: the ends first, then
// ever finer grids, of which level, if not nil, is told each as if it were the whole. name
// is that of the line among the points that are kept. After ctx has ended the error is its
// own, and what was measured is kept.
func (m *Measurement) Line(ctx context.Context, s *Space, name string, a Axis, level func(Line) error) (Line, error) {
	l := Line{To: s.directions[0].Name}
	w, err := m.walkOn(s, name, a.Points+2)
	if err != nil {
		return l, err
	}
	defer w.close()
	for i := range l.Ends {
		q, err := w.at(ctx, float64(i))
		if err != nil {
			return l, err
		}
		l.Ends[i] = LinePoint{Number(i), q.Measured}
		w.count()
	}
	have := map[int]bool{}
	levels := a.levels()
	for k, places := range levels {
		l.Points = nil
		for _, i := range places {
			q, err := w.at(ctx, a.At(i))
			if err != nil {
				return l, err
			}
			if !have[i] {
				have[i] = true
				w.count()
			}
			l.Points = append(l.Points, LinePoint{q.At[0], q.Measured})
		}
		l.Barrier = BarrierOf(l.Points, l.Ends)
		if level != nil && k < len(levels)-1 {
			if err := level(Line{l.To, slices.Clone(l.Points), l.Ends, l.Barrier}); err != nil {
				return l, err
			}
		}
	}
	return l, m.Points.Save()
}
