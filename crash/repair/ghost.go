package repair

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

const (
	// FewRowsRidge is the least ridge at which fewer rows than channels are
	// accepted. Below it the map runs through all of its rows and says nothing of
	// others.
	FewRowsRidge = 1e-3
	// conditionLimit leaves a solution in float64 some four digits.
	conditionLimit = 1e12
)

// Map is a linear map of the stream, h ← h·W.
type Map struct {
	W    []float64 // [D D], row-major; its rows are channels that enter
	Left float64   // ‖XW-Y‖/‖Y-X‖
}

// SingularError says that the rows do not determine a map: they are too few or too much
// alike, and more text or a larger ridge is the remedy.
type SingularError struct{ text string }

// Error returns what is wrong.
func (e *SingularError) Error() string { return e.text }

func singular(format string, args ...any) error {
	return &SingularError{fmt.Sprintf(format, args...)}
}

// Ghost returns the map of Ghosted Layers (arXiv 2605.15491),
//
//	W = I + (XᵀX + λI)⁻¹XᵀD,  λ = ridge·trace(XᵀX)/D
//
// which minimises ‖XW-Y‖² + λ‖W-I‖². The paper has an absolute λ of 1e-6; here it is
// relative to the mean squared channel, so that it means the same for any scale and
// number of rows. Fewer rows than channels (below [FewRowsRidge]) and a matrix that
// is singular to working precision are a [SingularError].
func Ghost(m *Moments, ridge float64) (Map, error) {
	delta, err := m.solve("Ghost", ridge, mat.NewDense(m.width, m.width, m.cross))
	if err != nil {
		return Map{}, err
	}
	left := m.left(delta)
	addIdentity(delta, 1)
	return Map{W: delta.RawMatrix().Data, Left: left}, nil
}

// solve returns (ZᵀZ + λI)⁻¹·right.
func (s *sums) solve(op string, ridge float64, right mat.Matrix) (*mat.Dense, error) {
	if err := s.ready(op); err != nil {
		return nil, err
	}
	if !(ridge >= 0) || math.IsInf(ridge, 0) {
		return nil, fmt.Errorf("repair: %s: ridge %v: want a finite number, 0 or more", op, ridge)
	}
	if s.rows < s.width && ridge < FewRowsRidge {
		return nil, singular("repair: %s: %d rows for width %d at ridge %v: give more text, at least %d tokens, or a ridge of %v or more", op, s.rows, s.width, ridge, s.width, FewRowsRidge)
	}
	normal := mat.NewSymDense(s.width, nil)
	normal.CopySym(mat.NewSymDense(s.width, s.gram))
	lambda := ridge * s.trace() / float64(s.width)
	for i := range s.width {
		normal.SetSym(i, i, normal.At(i, i)+lambda)
	}
	var factor mat.Cholesky
	if ok := factor.Factorize(normal); !ok || !(factor.Cond() <= conditionLimit) {
		condition := math.Inf(1)
		if ok {
			condition = factor.Cond()
		}
		return nil, singular("repair: %s: the sums of %d rows of width %d are singular at ridge %v (condition %.2g, at most %.0e): give more text or a larger ridge", op, s.rows, s.width, ridge, condition, conditionLimit)
	}
	solution := mat.NewDense(s.width, s.width, nil)
	if err := factor.SolveTo(solution, right); err != nil {
		return nil, singular("repair: %s: %d rows of width %d at ridge %v: %v: give more text or a larger ridge", op, s.rows, s.width, ridge, err)
	}
	return solution, nil
}

// left returns ‖Zδ-D‖/‖D‖ of a map δ = W - I, from the sums:
// ‖Zδ-D‖² = tr δᵀ(ZᵀZ)δ - 2·tr δᵀ(ZᵀD) + ‖D‖².
func (s *sums) left(delta *mat.Dense) float64 {
	var product mat.Dense
	product.Mul(mat.NewSymDense(s.width, s.gram), delta)
	square := s.change
	for i, v := range delta.RawMatrix().Data {
		square += v * (product.RawMatrix().Data[i] - 2*s.cross[i])
	}
	return share(square, s.change)
}

// share returns √(square/whole), of a square that rounding may have left below 0.
func share(square, whole float64) float64 { return math.Sqrt(max(0, square) / whole) }

func addIdentity(m *mat.Dense, scale float64) {
	for i := range m.RawMatrix().Rows {
		m.Set(i, i, m.At(i, i)+scale)
	}
}
