package surface

import "context"

// Plane is the loss on a grid of two coordinates.
type Plane struct {
	Names [2]string `json:"to"` // where (1, 0) and (0, 1) are
	A     []Number  `json:"a"`  // first coordinates
	B     []Number  `json:"b"`  // second ones
	// Loss and Accuracy have a row for each of B, with a number for each of A.
	Loss     [][]Number `json:"loss"`
	Accuracy [][]Number `json:"accuracy"`
	// Corners are (0, 0), (1, 0), (0, 1), (1, 1): the first three are the checkpoints.
	Corners [4]Point `json:"corners"`
}

var corners = [4][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}}

// Plane measures a space of two directions on a grid, coarse to fine: the corners of the
// unit square, then a coarse grid, of all of which level is told as if it were the whole,
// then ever finer ones. The numbers are those of measuring the grid row by row. After ctx
// has ended the error is its own, and what was measured is kept.
func (m *Measurement) Plane(ctx context.Context, s *Space, name string, a, b Axis, level func(Plane) error) (Plane, error) {
	p := Plane{Names: [2]string{s.directions[0].Name, s.directions[1].Name}}
	w, err := m.walkOn(s, name, a.Points*b.Points+len(corners))
	if err != nil {
		return p, err
	}
	defer w.close()
	for i, at := range corners {
		if p.Corners[i], err = w.at(ctx, at[0], at[1]); err != nil {
			return p, err
		}
		w.count()
	}
	columns, rows := a.levels(), b.levels()
	have := map[[2]int]bool{}
	steps := max(len(columns), len(rows))
	for k := range steps {
		// The shorter axis is at its coarsest until the other has as many levels left.
		js, is := columns[max(k-steps+len(columns), 0)], rows[max(k-steps+len(rows), 0)]
		if err := p.measure(ctx, w, a, b, js, is, have); err != nil {
			return p, err
		}
		if level != nil && k < steps-1 {
			if err := level(p); err != nil {
				return p, err
			}
		}
	}
	return p, m.Points.Save()
}

// measure fills the plane with the grid of some places of each axis.
func (p *Plane) measure(ctx context.Context, w *walk, a, b Axis, columns, rows []int, have map[[2]int]bool) error {
	p.A, p.B, p.Loss, p.Accuracy = nil, nil, nil, nil
	for _, j := range columns {
		p.A = append(p.A, Number(a.At(j)))
	}
	for _, i := range rows {
		p.B = append(p.B, Number(b.At(i)))
		var loss, accuracy []Number
		for _, j := range columns {
			q, err := w.at(ctx, a.At(j), b.At(i))
			if err != nil {
				return err
			}
			if at := [2]int{i, j}; !have[at] {
				have[at] = true
				w.count()
			}
			loss, accuracy = append(loss, q.Loss), append(accuracy, q.Accuracy)
		}
		p.Loss, p.Accuracy = append(p.Loss, loss), append(p.Accuracy, accuracy)
	}
	return nil
}
