package compress

import (
	"fmt"
	"math"
)

// Group is how many neighbours in a row of a weight share a step where nothing else is
// said: the widths of common models are multiples of it.
const Group = 64

// Quantise returns W [out in] with its numbers rounded to so many bits, from 2 to 8, as
// float32: what a quantised layer would compute with, for a study of what it loses. Each
// run of group numbers along a row (the last may be shorter) has a step of its own, the
// signed integers of so many bits without the lowest, symmetric about 0:
//
//	n = 2^(bits-1) - 1, s = max|w| / n, w' = s·round(w/s), halves to even
//
// so that |w - w'| ≤ s/2, the largest number of a run stays, and so does 0; 2 bits are
// -s, 0 and s. Steps are not rounded: with steps of 16 bits it would take bits + 16/group
// bits a weight. This is round-to-nearest (RTN), against which other ways are measured
// (GPTQ, arXiv 2210.17323). Of blocks that are stored so, see tensor.EncodeRows.
//
// Weights that are not finite, and bits and groups that there are not, are errors.
func Quantise(w []float32, out, in, bits, group int) ([]float32, error) {
	const op = "Quantise"
	m, err := matrix(op, w, out, in)
	switch {
	case err != nil:
		return nil, err
	case bits < 2 || bits > 8:
		return nil, fmt.Errorf("compress: %s: %d bits: want 2 to 8", op, bits)
	case group < 1:
		return nil, fmt.Errorf("compress: %s: steps for groups of %d weights: want 1 or more, such as %d", op, group, Group)
	}
	rounded := make([]float32, 0, out*in)
	most := float64(int(1)<<(bits-1) - 1)
	for i := range out {
		row := m.RawRowView(i)
		for len(row) > 0 {
			run := row[:min(group, len(row))]
			row = row[len(run):]
			top := 0.0
			for _, v := range run {
				top = max(top, math.Abs(v))
			}
			step := top / most
			for _, v := range run {
				if step > 0 {
					v = step * math.RoundToEven(v/step)
				}
				rounded = append(rounded, float32(v))
			}
		}
	}
	return rounded, nil
}
