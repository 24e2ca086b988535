package study

import "lamina/crash/measure"

// PairSimilarity is the likeness of the states of two models.
type PairSimilarity struct {
	Names [2]string `json:"names"`
	measure.Cross
	Precision string `json:"precision"`
}

// Nearest returns, for each state of the first model, the state of the second that is most
// like it, the first of equal ones.
func (p PairSimilarity) Nearest() []int {
	nearest := make([]int, len(p.Matrix))
	for i, row := range p.Matrix {
		for j, v := range row {
			if v > row[nearest[i]] {
				nearest[i] = j
			}
		}
	}
	return nearest
}
