package results

import (
	"fmt"
	"math"

	"lamina/internal/units"
)

// Cells are a row of the table: task, metric, which direction is better, the number of
// documents that both runs have, A, B, their difference, its interval and p-value, and how
// that came about. What is not known is "".
func (r Row) Cells() []string {
	better, n, how := "lower", "", "unpaired: "+r.Why
	if r.HigherIsBetter {
		better = "higher"
	}
	if r.Paired {
		n, how = units.Count(r.Documents), "paired"
	}
	between, p := "", ""
	if !math.IsNaN(r.Low) && !math.IsNaN(r.High) {
		between = fmt.Sprintf("%s to %s", signed(r.Low), signed(r.High))
	}
	if !math.IsNaN(r.P) {
		p = fmt.Sprintf("%.4f", r.P)
	}
	return []string{r.Task, r.Metric, better, n, scoreText(r.A), scoreText(r.B), signed(r.Difference), between, p, how}
}

// scoreText shows a score: four places, or four digits where that says nothing.
func scoreText(v float64) string {
	if a := math.Abs(v); a >= 1e6 || a < 1e-3 && a > 0 {
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// signed shows a difference with its sign.
func signed(v float64) string {
	if v > 0 {
		return "+" + scoreText(v)
	}
	return scoreText(v)
}
