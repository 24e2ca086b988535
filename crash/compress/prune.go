package compress

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Magnitude returns W [out in] with ⌊share·out·in⌋ of its numbers 0: those of smallest
// |w|, compared over the matrix, the first in row order among equals. The others keep
// their value. So the baseline of Wanda (arXiv 2306.11695) prunes each layer.
//
// A share outside of (0, 1], one of less than a number, and weights that are not finite
// are errors.
func Magnitude(w []float32, out, in int, share float64) ([]float32, error) {
	const op = "Magnitude"
	m, err := matrix(op, w, out, in)
	if err != nil {
		return nil, err
	}
	remove, err := countOf(op, share, out*in, "a matrix")
	if err != nil {
		return nil, err
	}
	values := m.RawMatrix().Data
	scores := make([]float64, len(values))
	for i, v := range values {
		scores[i] = math.Abs(v)
	}
	clearLowest(values, scores, remove)
	return singles(m), nil
}

// Wanda returns W [out in], in = inputs.Width(), with ⌊share·in⌋ numbers of each row 0:
// those of smallest
//
//	|w_ij|·‖x_j‖₂
//
// where ‖x_j‖₂ is the norm of input j over the rows that inputs were given, the first among
// equals. Scores are compared within a row, that is for each output, and the others keep
// their value (Sun et al., "A Simple and Effective Pruning Approach for Large Language
// Models", arXiv 2306.11695).
//
// Shares and weights are those of [Magnitude]; norms of no rows, or all 0, are an error.
func Wanda(w []float32, out int, share float64, inputs *Norms) ([]float32, error) {
	const op = "Wanda"
	in := inputs.Width()
	m, err := matrix(op, w, out, in)
	if err != nil {
		return nil, err
	}
	remove, err := countOf(op, share, in, "a row")
	switch {
	case err != nil:
		return nil, err
	case inputs.rows == 0:
		return nil, fmt.Errorf("compress: %s: norms of no rows: add some first", op)
	case slices.Max(inputs.squares) == 0:
		return nil, fmt.Errorf("compress: %s: all inputs of %d rows are 0: want other rows", op, inputs.rows)
	}
	scores := make([]float64, in)
	for i := range out {
		row := m.RawRowView(i)
		for j, v := range row {
			scores[j] = math.Abs(v) * math.Sqrt(inputs.squares[j])
		}
		clearLowest(row, scores, remove)
	}
	return singles(m), nil
}

// countOf returns ⌊share·n⌋, at least 1.
func countOf(op string, share float64, n int, of string) (int, error) {
	if !(share > 0 && share <= 1) {
		return 0, fmt.Errorf("compress: %s: share %v of the weights: want more than 0 and at most 1", op, share)
	}
	count := whole(share * float64(n))
	if count == 0 {
		return 0, fmt.Errorf("compress: %s: share %v of %s of %d weights is less than one of them, which is a share of %.3g", op, share, of, n, 1/float64(n))
	}
	return count, nil
}

// clearLowest makes so many values 0: those of lowest score, the first among equals.
func clearLowest(values, scores []float64, count int) {
	sorted := slices.Clone(scores)
	slices.Sort(sorted)
	limit := sorted[count-1]
	below, _ := slices.BinarySearch(sorted, limit)
	ties := count - below
	for i, s := range scores {
		switch {
		case s < limit:
			values[i] = 0
		case s == limit && ties > 0:
			values[i] = 0
			ties--
		}
	}
}

// singles returns the numbers of m, which came from weights, as float32.
func singles(m *mat.Dense) []float32 {
	values := m.RawMatrix().Data
	all := make([]float32, len(values))
	for i, v := range values {
		all[i] = float32(v)
	}
	return all
}
