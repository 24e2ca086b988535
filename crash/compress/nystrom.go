package compress

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Narrowed says how an MLP of fewer channels is made.
type Narrowed struct {
	Kept   []int     // the channels that stay, ascending
	Down   []float64 // weight of its last layer [out len(Kept)]; the bias stays
	Scores []float64 // of every channel: the highest stay
}

// Nystrom keeps some channels of an MLP and lets its last layer, of weight W [out
// channels], make up for the others: with C = mean of a·aᵀ of the last layer's inputs a, λ the
// ridge, k the kept and r the other channels,
//
//	Down = W_k + W_r·C_rk·(C_kk + λI)⁻¹,
//
// the least squares of what the removed channels gave. Kept are the channels of highest
// [Leverage], the lower one among equals. The layers before (up, and gate if there is one) and
// their biases keep the same rows, see [Rows].
//
// keep is 1 to channels = hidden.Width(); keeping all returns W.
func Nystrom[F Float](w []F, out, keep int, hidden *Moments, ridge float64) (Narrowed, error) {
	const op = "Nystrom"
	n := hidden.width
	down, err := matrix(op, w, out, n)
	if err != nil {
		return Narrowed{}, err
	}
	if keep < 1 || keep > n {
		return Narrowed{}, fmt.Errorf("compress: %s: %d of %d channels: want 1 to %d", op, keep, n, n)
	}
	scores, err := leverage(op, hidden, ridge)
	if err != nil {
		return Narrowed{}, err
	}
	kept := highest(scores, keep)
	narrow, err := made(op, down, kept, hidden, ridge)
	if err != nil {
		return Narrowed{}, err
	}
	return Narrowed{kept, narrow.RawMatrix().Data, scores}, nil
}

// highest returns the places of the highest scores, ascending; the first among equals.
func highest(scores []float64, keep int) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
	kept := order[:keep]
	slices.Sort(kept)
	return kept
}

// made returns the weight of a layer that makes up for the inputs it is not given:
// W_k + W_r·C_rk·(C_kk + λI)⁻¹ of [Nystrom].
func made(op string, w *mat.Dense, kept []int, inputs *Moments, ridge float64) (*mat.Dense, error) {
	narrow := columns(w, kept)
	rest := make([]int, 0, inputs.width-len(kept))
	for i := range inputs.width {
		if _, stays := slices.BinarySearch(kept, i); !stays {
			rest = append(rest, i)
		}
	}
	if len(rest) == 0 {
		return narrow, nil
	}
	share, err := regression(op, inputs, ridge, kept, rest)
	if err != nil {
		return nil, err
	}
	var others mat.Dense
	others.Mul(columns(w, rest), share.T())
	narrow.Add(narrow, &others)
	return narrow, nil
}

// Leverage returns for each channel i how much of it the others do not say, between 0 and
// 1: [C·(C + λI)⁻¹]_ii with C the moments' mean and λ the ridge. A ridge of 0 would give
// every channel 1, and is an error.
func Leverage(m *Moments, ridge float64) ([]float64, error) { return leverage("Leverage", m, ridge) }

func leverage(op string, m *Moments, ridge float64) ([]float64, error) {
	if ridge == 0 {
		return nil, fmt.Errorf("compress: %s: a ridge of 0 gives every channel the same leverage: want more, such as 1e-3", op)
	}
	c, added, err := m.regular(op, ridge)
	if err != nil {
		return nil, err
	}
	var inverse mat.SymDense
	if err := c.InverseTo(&inverse); err != nil {
		return nil, m.singular(op, ridge)
	}
	scores := make([]float64, m.width)
	for i := range scores {
		scores[i] = 1 - added*inverse.At(i, i) // C = (C + λI) - λI
	}
	return scores, nil
}

// regression returns (C_kk + λI)⁻¹·C_kr [kept rest].
func regression(op string, m *Moments, ridge float64, kept, rest []int) (*mat.Dense, error) {
	c, _, err := m.ridged(op, ridge)
	if err != nil {
		return nil, err
	}
	among := mat.NewSymDense(len(kept), nil)
	across := mat.NewDense(len(kept), len(rest), nil)
	for i, k := range kept {
		for j, other := range kept[i:] {
			among.SetSym(i, i+j, c.At(k, other))
		}
		for j, other := range rest {
			across.Set(i, j, c.At(k, other))
		}
	}
	var f mat.Cholesky
	var share mat.Dense
	if !f.Factorize(among) || f.SolveTo(&share, across) != nil {
		return nil, m.singular(op, ridge)
	}
	return &share, nil
}

// columns returns the given columns of m.
func columns(m *mat.Dense, which []int) *mat.Dense {
	rows, _ := m.Dims()
	some := mat.NewDense(rows, len(which), nil)
	for j, from := range which {
		for i := range rows {
			some.Set(i, j, m.At(i, from))
		}
	}
	return some
}

// CountFor returns how many of n heads or channels are at most a share of them:
// ⌊share·n⌋. A share outside of (0, 1], or of less than one, is an error.
func CountFor(share float64, n int) (int, error) {
	if n < 1 {
		panic(fmt.Sprintf("compress: CountFor: a share of %d", n))
	}
	if !(share > 0 && share <= 1) {
		return 0, fmt.Errorf("compress: CountFor: share %v of %d: want more than 0 and at most 1", share, n)
	}
	count := whole(share * float64(n))
	if count == 0 {
		return 0, fmt.Errorf("compress: CountFor: share %v of %d is less than one, which is a share of %.3g", share, n, 1/float64(n))
	}
	return count, nil
}

// whole returns ⌊x⌋ of a share of something: a product such as 0.29·100, which is 29 and
// rounds to less, is 29.
func whole(x float64) int {
	const rounding = 1e-9
	return int(x + rounding)
}

// Rows returns the given rows of w, which has so many: of a weight [channels in] or a bias
// [channels].
func Rows[F Float](w []F, channels int, which []int) []F {
	if channels < 1 || len(w)%channels != 0 {
		panic(fmt.Sprintf("compress: Rows: %d numbers, want those of %d rows", len(w), channels))
	}
	width := len(w) / channels
	some := make([]F, 0, len(which)*width)
	for _, i := range which {
		some = append(some, w[i*width:(i+1)*width]...)
	}
	return some
}
