package results

import (
	"fmt"
	"math"
)

// Better is the direction of the metric: "higher" or "lower".
func (r Row) Better() string {
	if r.HigherIsBetter {
		return "higher"
	}
	return "lower"
}

// How says how the row's interval came about.
func (r Row) How() string {
	if r.Paired {
		return "paired"
	}
	return "unpaired: " + r.Why
}

// Numbers are A, B, their difference, its interval and p-value as a table shows them; ""
// where one is not known.
func (r Row) Numbers() []string {
	between, p := "", ""
	if !math.IsNaN(r.Low) && !math.IsNaN(r.High) {
		between = fmt.Sprintf("%s to %s", signed(r.Low), signed(r.High))
	}
	if !math.IsNaN(r.P) {
		p = fmt.Sprintf("%.4f", r.P)
	}
	return []string{scoreText(r.A), scoreText(r.B), signed(r.Difference), between, p}
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
