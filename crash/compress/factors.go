package compress

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Float is what a matrix is given in.
type Float interface{ ~float32 | ~float64 }

// Factors stand for a matrix [Out In]: Up [Out Rank] times Down [Rank In].
type Factors struct {
	Out, Rank, In int
	Up, Down      []float64
}

// Product returns Up·Down [Out In], the matrix that the factors stand for.
func (f Factors) Product() []float64 {
	var w mat.Dense
	w.Mul(mat.NewDense(f.Out, f.Rank, f.Up), mat.NewDense(f.Rank, f.In, f.Down))
	return w.RawMatrix().Data
}

// RankFor returns the largest rank r whose factors have at most the given share of the
// weights of a matrix [out in]: r·(out + in) ≤ share·out·in. A share outside of (0, 1],
// or one too small for rank 1, is an error.
func RankFor(share float64, out, in int) (int, error) {
	wantSizes("RankFor", out, in)
	if !(share > 0 && share <= 1) {
		return 0, fmt.Errorf("compress: RankFor: share %v of the weights: want more than 0 and at most 1", share)
	}
	rank := whole(share * float64(out) * float64(in) / float64(out+in))
	if rank == 0 {
		return 0, fmt.Errorf("compress: RankFor: share %v of a matrix [%d %d] is less than rank 1, which has a share of %.3g", share, out, in, float64(out+in)/float64(out)/float64(in))
	}
	return rank, nil
}

// SVD returns the best factors of W [out in] by the sum of squared differences of their
// product: W = U·Σ·Vᵀ, of which the largest singular values stay,
//
//	Up = U_r·√Σ_r, Down = √Σ_r·V_rᵀ.
//
// A rank below 1 or above min(out, in) is an error.
func SVD[F Float](w []F, out, in, rank int) (Factors, error) {
	const op = "SVD"
	m, err := matrix(op, w, out, in)
	if err != nil {
		return Factors{}, err
	}
	return truncated(op, m, rank)
}

// ActivationSVD returns the best factors of W [out in], in = inputs.Width(), by what the
// layer makes of its inputs: those that minimise the sum of |W·x - Up·Down·x|² over the
// rows x, and the ridge's part of |W - Up·Down|². With the Cholesky factor S of
// inputs' mean of x·xᵀ, ridge included, that is the SVD of W·S = U·Σ·Vᵀ:
//
//	Up = U_r·√Σ_r, Down = √Σ_r·V_rᵀ·S⁻¹.
//
// Their error over the rows is at most that of [SVD], whatever the ridge. Ranks are those
// of SVD; moments that are singular, ridge included, are an error.
func ActivationSVD[F Float](w []F, out, rank int, inputs *Moments, ridge float64) (Factors, error) {
	const op = "ActivationSVD"
	m, err := matrix(op, w, out, inputs.width)
	if err != nil {
		return Factors{}, err
	}
	c, _, err := inputs.regular(op, ridge)
	if err != nil {
		return Factors{}, err
	}
	var s mat.TriDense
	c.LTo(&s)
	var scaled mat.Dense
	scaled.Mul(m, &s)
	f, err := truncated(op, &scaled, rank)
	if err != nil {
		return Factors{}, err
	}
	// Down·S = D is Sᵀ·Downᵀ = Dᵀ.
	var down mat.Dense
	if err := s.SolveTo(&down, true, mat.NewDense(f.Rank, f.In, f.Down).T()); err != nil {
		return Factors{}, inputs.singular(op, ridge)
	}
	f.Down = mat.DenseCopyOf(down.T()).RawMatrix().Data
	return f, nil
}

// truncated returns the factors of the rank largest singular values of m.
func truncated(op string, m *mat.Dense, rank int) (Factors, error) {
	s, err := decomposed(op, m, rank)
	if err != nil {
		return Factors{}, err
	}
	return s.factors(run(0, rank)), nil
}

// singular are the singular values of a matrix, the largest first, and their vectors.
type singular struct {
	values []float64
	u, v   mat.Dense
}

// decomposed returns the singular values of m, of which rank are wanted.
func decomposed(op string, m *mat.Dense, rank int) (*singular, error) {
	out, in := m.Dims()
	if rank < 1 || rank > min(out, in) {
		return nil, fmt.Errorf("compress: %s: rank %d of a matrix [%d %d]: want 1 to %d", op, rank, out, in, min(out, in))
	}
	var svd mat.SVD
	if slices.ContainsFunc(m.RawMatrix().Data, infinite) || !svd.Factorize(m, mat.SVDThin) {
		return nil, fmt.Errorf("compress: %s: the singular values of a matrix [%d %d] do not converge: its numbers are too large or too different in size", op, out, in)
	}
	s := &singular{values: svd.Values(nil)}
	svd.UTo(&s.u)
	svd.VTo(&s.v)
	return s, nil
}

// factors returns U_k·√Σ_k and √Σ_k·V_kᵀ for the directions k.
func (s *singular) factors(kept []int) Factors {
	out, _ := s.u.Dims()
	in, _ := s.v.Dims()
	rank := len(kept)
	f := Factors{out, rank, in, make([]float64, out*rank), make([]float64, rank*in)}
	for r, k := range kept {
		root := math.Sqrt(s.values[k])
		for i := range out {
			f.Up[i*rank+r] = s.u.At(i, k) * root
		}
		for j := range in {
			f.Down[r*in+j] = s.v.At(j, k) * root
		}
	}
	return f
}

// matrix copies w [rows cols] into float64; a number that is not finite is an error.
func matrix[F Float](op string, w []F, rows, cols int) (*mat.Dense, error) {
	wantSizes(op, rows, cols)
	if len(w) != rows*cols {
		panic(fmt.Sprintf("compress: %s: %d numbers, want those of a matrix [%d %d]", op, len(w), rows, cols))
	}
	values := make([]float64, len(w))
	for i, v := range w {
		if values[i] = float64(v); infinite(values[i]) {
			return nil, fmt.Errorf("compress: %s: element [%d %d] of the matrix [%d %d] is %v: want finite weights", op, i/cols, i%cols, rows, cols, v)
		}
	}
	return mat.NewDense(rows, cols, values), nil
}

func wantSizes(op string, rows, cols int) {
	if rows < 1 || cols < 1 {
		panic(fmt.Sprintf("compress: %s: a matrix [%d %d], want at least one row and column", op, rows, cols))
	}
}

func infinite(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
