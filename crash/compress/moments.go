package compress

import (
	"fmt"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Moments are the second moments of rows x: the sum of x·xᵀ, in float64.
type Moments struct {
	width, rows int
	sum         blas64.Symmetric // the upper triangle, its diagonal included
}

// NewMoments returns moments of no rows yet, which will be so wide.
func NewMoments(width int) *Moments {
	wantSizes("NewMoments", width, width)
	return &Moments{width: width, sum: blas64.Symmetric{N: width, Stride: width, Data: make([]float64, width*width), Uplo: blas.Upper}}
}

// Width returns the width of a row.
func (m *Moments) Width() int { return m.width }

// Rows returns how many rows have been added.
func (m *Moments) Rows() int { return m.rows }

// Add adds rows [N Width]. One that is not finite is an error; none is added then.
func (m *Moments) Add(rows []float32) error {
	if err := wantRows(rows, m.width, m.rows); err != nil {
		return err
	}
	const together = 64 // widened at a time; it does not touch the order of a sum
	wide := make([]float64, 0, min(len(rows), together*m.width))
	for len(rows) > 0 {
		some := rows[:min(len(rows), together*m.width)]
		wide = wide[:0]
		for _, v := range some {
			wide = append(wide, float64(v))
		}
		m.add(wide)
		rows, m.rows = rows[len(some):], m.rows+len(some)/m.width
	}
	return nil
}

// add adds a few rows. Every sum belongs to one goroutine, which adds row after row: the
// bits depend neither on the cut nor on how many there are.
func (m *Moments) add(rows []float64) {
	n := m.width
	workers := min(runtime.GOMAXPROCS(0), 1+n/64)
	var wg sync.WaitGroup
	for first := range workers {
		wg.Go(func() {
			for i := first; i < n; i += workers {
				sum := m.sum.Data[i*n+i : (i+1)*n]
				for t := 0; t < len(rows); t += n {
					floats.AddScaled(sum, rows[t+i], rows[t+i:t+n])
				}
			}
		})
	}
	wg.Wait()
}

// worstCondition is the largest condition number of moments that an inverse is taken of:
// beyond it two digits are right at best.
const worstCondition = 1e14

// regular returns the factorised mean of x·xᵀ with the ridge on its diagonal, and what was
// added there; or an error that says what to do if it is singular.
func (m *Moments) regular(op string, ridge float64) (*mat.Cholesky, float64, error) {
	c, added, err := m.ridged(op, ridge)
	if err != nil {
		return nil, 0, err
	}
	var f mat.Cholesky
	if !f.Factorize(c) || f.Cond() > worstCondition {
		return nil, 0, m.singular(op, ridge)
	}
	return &f, added, nil
}

// ridged returns the mean of x·xᵀ with the ridge on its diagonal, and what was added there.
func (m *Moments) ridged(op string, ridge float64) (*mat.SymDense, float64, error) {
	switch {
	case !(ridge >= 0) || infinite(ridge):
		return nil, 0, fmt.Errorf("compress: %s: ridge %v: want a finite number, 0 or more", op, ridge)
	case m.rows > 0 && m.rows < m.width && ridge == 0:
		return nil, 0, m.singular(op, ridge)
	}
	c, err := m.mean(op)
	if err != nil {
		return nil, 0, err
	}
	added := ridge * mat.Trace(c) / float64(m.width)
	for i := range m.width {
		c.SetSym(i, i, c.At(i, i)+added)
	}
	return c, added, nil
}

// mean returns the mean of x·xᵀ.
func (m *Moments) mean(op string) (*mat.SymDense, error) {
	if m.rows == 0 {
		return nil, fmt.Errorf("compress: %s: moments of no rows: add some first", op)
	}
	var c mat.SymDense
	c.ScaleSym(1/float64(m.rows), mat.NewSymDense(m.width, m.sum.Data))
	return &c, nil
}

// SingularError says that rows do not determine what is asked of their moments: more rows or
// a larger ridge are the remedy.
type SingularError struct{ text string }

// Error returns what is wrong.
func (e *SingularError) Error() string { return e.text }

func (m *Moments) singular(op string, ridge float64) error {
	remedy := "a larger ridge, such as 1e-6"
	if ridge >= 1e-6 {
		remedy = "other rows"
	}
	if m.rows < m.width {
		remedy = fmt.Sprintf("%d rows or more, or %s", m.width, remedy)
	}
	return &SingularError{fmt.Sprintf("compress: %s: moments of %d rows of %d numbers are singular with a ridge of %v: want %s", op, m.rows, m.width, ridge, remedy)}
}
