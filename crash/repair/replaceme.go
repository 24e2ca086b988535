package repair

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// FoldMoments are the sums that ReplaceMe is computed from.
type FoldMoments struct{ sums }

// NewFoldMoments returns the moments of no rows yet. It panics if width is below 1.
func NewFoldMoments(width int) *FoldMoments { return &FoldMoments{newSums("NewFoldMoments", width)} }

// Add takes rows mlp [N D], the MLP's output in the block before the gap, without the
// residual that it is added to, and x and y and weights as [Moments.Add] does.
func (m *FoldMoments) Add(mlp, x, y []float32, weights []float64) error {
	roots, err := weightRoots("FoldMoments.Add", m.width, weights, stream{"of the MLP's output", mlp}, stream{"entering the gap", x}, stream{"leaving the gap", y})
	if err != nil {
		return err
	}
	m.add(mlp, x, y, roots)
	return nil
}

// Fold is a linear map of an MLP's output, which its down projection takes up.
type Fold struct {
	A    []float64 // [D D], row-major; m ← m·A
	Left float64   // ‖X+M(A-I)-Y‖/‖Y-X‖
}

// ReplaceMe returns the least-squares map of ReplaceMe (arXiv 2505.02819),
//
//	A = (MᵀM + λI)⁻¹Mᵀ(M + D),  λ = ridge·trace(MᵀM)/D
//
// with D = Y - X (in the paper's symbols L + M - Y is its right side: there Y enters
// the span and L leaves it). The ridge pulls A to 0 as theirs does, not to I. Errors
// are those of [Ghost].
func ReplaceMe(m *FoldMoments, ridge float64) (Fold, error) {
	var right mat.Dense
	right.Add(mat.NewSymDense(m.width, m.gram), mat.NewDense(m.width, m.width, m.cross))
	a, err := m.solve("ReplaceMe", ridge, &right)
	if err != nil {
		return Fold{}, err
	}
	addIdentity(a, -1)
	left := m.left(a)
	addIdentity(a, 1)
	return Fold{A: a.RawMatrix().Data, Left: left}, nil
}

// Down returns the down projection Aᵀ·w that takes the place of w [D F], its rows the
// MLP's outputs: sums in float64, rounded once. A bias [D] is a w of F = 1. It panics
// if w is not [D inner].
func (f Fold) Down(w []float32, inner int) []float32 {
	if inner < 1 || len(w)%inner != 0 || len(w)/inner*(len(w)/inner) != len(f.A) {
		panic(fmt.Sprintf("repair: Fold.Down: %d weights of %d columns for a map of %d values", len(w), inner, len(f.A)))
	}
	width := len(w) / inner
	wide := make([]float64, len(w))
	for i, v := range w {
		wide[i] = float64(v)
	}
	var folded mat.Dense
	folded.Mul(mat.NewDense(width, width, f.A).T(), mat.NewDense(width, inner, wide))
	narrow := make([]float32, len(w))
	for i, v := range folded.RawMatrix().Data {
		narrow[i] = float32(v)
	}
	return narrow
}
