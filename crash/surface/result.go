package surface

import (
	"fmt"

	"lamina/eval"
)

// About says what a line or plane was measured on: all that its numbers depend on, and how
// much of the decoder moved.
type About struct {
	Model     string        `json:"model"` // the origin
	Digests   []string      `json:"fingerprints"`
	Task      string        `json:"task,omitempty"`
	Data      eval.Identity `json:"data"`
	Documents int           `json:"documents"`
	Answers   int           `json:"answer_tokens"` // that the loss is the mean of
	Tokens    int           `json:"tokens"`        // that run at each point
	Precision string        `json:"precision"`
	Seed      uint64        `json:"seed"`     // of random directions
	Random    bool          `json:"random"`   // the directions are random, and lead to no checkpoint
	Place     int           `json:"place"`    // the lowest where a weight moves
	Places    int           `json:"places"`   // that the decoder has
	Moving    int           `json:"moving"`   // weights that move
	Complete  bool          `json:"complete"` // false: a coarse grid, of a call that was not done
}

// Interpolation is the result of a line.
type Interpolation struct {
	About
	Distance *Compared `json:"distance,omitempty"` // of the ends; none of a random direction
	Length   Number    `json:"length"`             // ‖d‖ of the direction
	Line
	Controls []Line `json:"controls,omitempty"` // random directions of equal norm in each tensor, from the origin
}

// Landscape is the result of a plane.
type Landscape struct {
	About
	Distances []Compared `json:"distances,omitempty"` // of the origin to each checkpoint
	Lengths   [2]Number  `json:"lengths"`
	Plane
}

// Validate returns an error that names what of a result, which may come from a file, cannot
// be shown.
func (r *Interpolation) Validate() error {
	for k, l := range append([]Line{r.Line}, r.Controls...) {
		name := "points"
		if k > 0 {
			name = fmt.Sprintf("controls[%d].points", k-1)
		}
		if len(l.Points) < 2 || len(l.Points) > MostPoints {
			return fmt.Errorf("%s: %d of them, want 2 to %d", name, len(l.Points), MostPoints)
		}
		for i, p := range l.Points {
			if !p.X.Finite() || i > 0 && p.X <= l.Points[i-1].X {
				return fmt.Errorf("%s[%d]: x is %v, want rising numbers", name, i, float64(p.X))
			}
		}
	}
	return nil
}

// Validate is that of [Interpolation].
func (r *Landscape) Validate() error {
	for k, axis := range [][]Number{r.A, r.B} {
		name := [...]string{"a", "b"}[k]
		if len(axis) < 2 || len(axis) > MostPoints {
			return fmt.Errorf("%s: %d coordinates, want 2 to %d", name, len(axis), MostPoints)
		}
		for i, x := range axis {
			if !x.Finite() || i > 0 && x <= axis[i-1] {
				return fmt.Errorf("%s[%d] is %v, want rising numbers", name, i, float64(x))
			}
		}
	}
	for k, grid := range [][][]Number{r.Loss, r.Accuracy} {
		name := [...]string{"loss", "accuracy"}[k]
		if len(grid) != len(r.B) {
			return fmt.Errorf("%s: %d rows for %d coordinates b", name, len(grid), len(r.B))
		}
		for i, row := range grid {
			if len(row) != len(r.A) {
				return fmt.Errorf("%s[%d]: %d numbers for %d coordinates a", name, i, len(row), len(r.A))
			}
		}
	}
	for i, p := range r.Corners {
		if len(p.At) != 2 {
			return fmt.Errorf("corners[%d]: %d coordinates, want 2", i, len(p.At))
		}
	}
	return nil
}
