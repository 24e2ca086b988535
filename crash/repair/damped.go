package repair

import (
	"fmt"
	"math"
)

// DampedMoments are the sums that Damped is computed from.
type DampedMoments struct {
	width, rows           int
	branch, along, change float64 // ‖f‖², <f, D>, ‖D‖²
}

// NewDampedMoments returns the moments of no rows yet. It panics if width is below 1.
func NewDampedMoments(width int) *DampedMoments {
	if width < 1 {
		panic(fmt.Sprintf("repair: NewDampedMoments: width %d", width))
	}
	return &DampedMoments{width: width}
}

// Rows returns how many rows were added, those of weight 0 not among them.
func (m *DampedMoments) Rows() int { return m.rows }

// Add takes rows f [N D], what the repeated block adds to x: its output less its
// input. x, y and weights are as in [Moments.Add].
func (m *DampedMoments) Add(f, x, y []float32, weights []float64) error {
	roots, err := weightRoots("DampedMoments.Add", m.width, weights, stream{"of what the block adds", f}, stream{"entering the gap", x}, stream{"leaving the gap", y})
	if err != nil {
		return err
	}
	for row, root := range roots {
		if root == 0 {
			continue
		}
		m.rows++
		for i := row * m.width; i < (row+1)*m.width; i++ {
			f, d := root*float64(f[i]), root*(float64(y[i])-float64(x[i]))
			m.branch += f * f
			m.along += f * d
			m.change += d * d
		}
	}
	return nil
}

// Sharing is a repeated block whose part is scaled, h ← h + S·f(h).
type Sharing struct {
	S      float64
	Left   float64 // ‖X+S·f-Y‖/‖Y-X‖: at most 1, which is removing, and at most Repeat
	Repeat float64 // the same for S = 1, the block as it is
}

// Damped returns S = <f, D>/‖f‖², the best scale of a repeated block on the rows
// given. A block that adds nothing has none and is an error.
func Damped(m *DampedMoments) (Sharing, error) {
	switch {
	case m.rows == 0:
		return Sharing{}, fmt.Errorf("repair: Damped: no rows of width %d: give some text", m.width)
	case math.IsInf(m.branch, 0) || math.IsInf(m.change, 0):
		return Sharing{}, fmt.Errorf("repair: Damped: sums of %d rows of width %d overflow: use smaller weights", m.rows, m.width)
	case m.change == 0:
		return Sharing{}, fmt.Errorf("repair: Damped: %d rows leave the gap as they entered it: there is nothing to repair", m.rows)
	case m.branch == 0:
		return Sharing{}, fmt.Errorf("repair: Damped: the block adds nothing in all %d rows of width %d: remove it instead", m.rows, m.width)
	}
	s := m.along / m.branch
	return Sharing{
		S:      s,
		Left:   share(m.change-s*m.along, m.change),
		Repeat: share(m.branch-2*m.along+m.change, m.change),
	}, nil
}
