package measure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/internal/philox"
)

// BlockStructure says in how far a matrix of similarities falls into squares: runs of
// neighbouring states that are like each other and unlike those of other runs (the paper's
// first claim, figures 1 and 2: the larger the model, the clearer). The outputs of all
// blocks but the last one count: the embeddings are no output of a block, and the last
// state went through the final norm. For a cut of these S states into runs
//
//	index = mean of Mᵢⱼ, i < j in one run  -  mean of Mᵢⱼ, i < j in two
//
// and the cut is the one of two to four runs, of two states or more each, with the largest
// index. A matrix that falls off with the distance |i - j| alone has no squares and an index
// above 0 all the same. So it is held against two controls of that kind.
type BlockStructure struct {
	Runs  [][2]int `json:"runs"` // first and last state of each run
	Index float64  `json:"index"`
	// Banded is the index of the matrix whose every value is the mean of its diagonal, and
	// Excess is Index - Banded: about 0 of a smooth band.
	Banded float64 `json:"banded"`
	Excess float64 `json:"excess"`
	// P is the share of matrices whose diagonals are in another order each, the draws and
	// the matrix itself, that have an index at least as large.
	P     float64 `json:"p"`
	Draws int     `json:"draws"`
}

// Cut shows the runs: 1-4 | 5-9.
func (b BlockStructure) Cut() string {
	var texts []string
	for _, r := range b.Runs {
		texts = append(texts, fmt.Sprintf("%d-%d", r[0], r[1]))
	}
	return strings.Join(texts, " | ")
}

// Limits of the search for a cut.
const (
	mostRuns     = 4
	leastRun     = 2
	blockDraws   = 999
	leastBlocked = 4 // states
)

// BlockStructure returns that of the similarity, nil for a model of fewer than five layers.
func (s Similarity) BlockStructure() *BlockStructure {
	n := len(s.Matrix) - 2
	if n < leastBlocked {
		return nil
	}
	inner := make([][]float64, n)
	for i := range inner {
		inner[i] = s.Matrix[i+1][1 : n+1]
	}
	b := &BlockStructure{Draws: blockDraws}
	var cuts []int
	b.Index, cuts = bestCut(inner)
	first := 0
	for _, end := range append(cuts, n) {
		b.Runs = append(b.Runs, [2]int{first + 1, end})
		first = end
	}
	b.Banded, _ = bestCut(byDiagonal(inner, func(_ int, values []float64) {
		m := mean(values)
		for i := range values {
			values[i] = m
		}
	}))
	b.Excess = b.Index - b.Banded
	least := b.Index - 1e-12*math.Abs(b.Index) // sums in another order
	as := 1
	for draw := range blockDraws {
		rng := philox.New(shuffleSeed, uint64(draw)).Sequence()
		other, _ := bestCut(byDiagonal(inner, func(_ int, values []float64) {
			was := slices.Clone(values)
			for i, from := range rng.Perm(len(values)) {
				values[i] = was[from]
			}
		}))
		if other >= least {
			as++
		}
	}
	b.P = float64(as) / (blockDraws + 1)
	return b
}

// byDiagonal returns a symmetric matrix made of m's diagonals above the main one, each
// changed.
func byDiagonal(m [][]float64, change func(distance int, values []float64)) [][]float64 {
	n := len(m)
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, n)
		out[i][i] = m[i][i]
	}
	for d := 1; d < n; d++ {
		values := make([]float64, n-d)
		for i := range values {
			values[i] = m[i][i+d]
		}
		change(d, values)
		for i, v := range values {
			out[i][i+d], out[i+d][i] = v, v
		}
	}
	return out
}

// bestCut returns the largest index of a cut of the states of a symmetric matrix, and where
// the later runs begin; of equal ones the first that is met, earlier ends before later.
func bestCut(m [][]float64) (index float64, cuts []int) {
	n := len(m)
	// within[i][j] is the sum of the pairs i ≤ a < b < j.
	within := make([][]float64, n+1)
	for i := range within {
		within[i] = make([]float64, n+1)
	}
	for i := n - 1; i >= 0; i-- {
		row := 0.0
		for j := i + 1; j <= n; j++ {
			if j-1 > i {
				row += m[i][j-1]
			}
			within[i][j] = within[i+1][j] + row
		}
	}
	all, pairs := within[0][n], n*(n-1)/2
	index = math.Inf(-1)
	best := 0
	var ends, found [mostRuns - 1]int
	var try func(from, runs int, sum float64, count int)
	try = func(from, runs int, sum float64, count int) {
		if runs > 0 { // the rest is the last run
			length := n - from
			inside, number := sum+within[from][n], count+length*(length-1)/2
			if v := inside/float64(number) - (all-inside)/float64(pairs-number); v > index {
				index, best, found = v, runs, ends
			}
		}
		if runs == len(ends) {
			return
		}
		for end := from + leastRun; end+leastRun <= n; end++ {
			length := end - from
			ends[runs] = end
			try(end, runs+1, sum+within[from][end], count+length*(length-1)/2)
		}
	}
	try(0, 0, 0, 0)
	return index, found[:best]
}
