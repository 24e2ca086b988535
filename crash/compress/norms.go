package compress

import "fmt"

// Norms are the sums of squares of each number of rows x, in float64: the diagonal of
// [Moments], for what needs no more.
type Norms struct {
	rows    int
	squares []float64
}

// NewNorms returns norms of no rows yet, which will be so wide.
func NewNorms(width int) *Norms {
	wantSizes("NewNorms", width, width)
	return &Norms{squares: make([]float64, width)}
}

// Width returns the width of a row.
func (n *Norms) Width() int { return len(n.squares) }

// Rows returns how many rows have been added.
func (n *Norms) Rows() int { return n.rows }

// Add adds rows [N Width]. One that is not finite is an error; none is added then.
func (n *Norms) Add(rows []float32) error {
	if err := wantRows(rows, len(n.squares), n.rows); err != nil {
		return err
	}
	for len(rows) > 0 {
		for i, v := range rows[:len(n.squares)] {
			square := float64(v) * float64(v)
			n.squares[i] += square
		}
		rows, n.rows = rows[len(n.squares):], n.rows+1
	}
	return nil
}

// Norms returns the diagonal of m.
func (m *Moments) Norms() *Norms {
	n := NewNorms(m.width)
	n.rows = m.rows
	for i := range n.squares {
		n.squares[i] = m.sum.Data[i*m.width+i]
	}
	return n
}

// wantRows holds rows of activations, which come after so many others, to their width and
// to be finite.
func wantRows(rows []float32, width, before int) error {
	if len(rows)%width != 0 {
		panic(fmt.Sprintf("compress: Add: %d numbers, want rows of %d", len(rows), width))
	}
	for i, v := range rows {
		if infinite(float64(v)) {
			return fmt.Errorf("compress: Add: number %d of row %d is %v: want finite activations", i%width, before+i/width, v)
		}
	}
	return nil
}
