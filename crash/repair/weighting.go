package repair

import (
	"fmt"
	"strings"
)

// Weighting says how much each token counts in a fit. The zero value is [ByRMS].
type Weighting int

// The ways; the words in quotes are their text forms.
const (
	ByRMS     Weighting = iota // "rms": 1/rms², so that every token counts alike ([InverseSquareRMS])
	DropFirst                  // "drop-first": the first token of a text does not count ([WithoutFirst])
	Plain                      // "plain": as they are: the longest decide
)

var weightings = [...]string{ByRMS: "rms", DropFirst: "drop-first", Plain: "plain"}

// String returns the text form.
func (w Weighting) String() string {
	if w < 0 || int(w) >= len(weightings) {
		return fmt.Sprintf("Weighting(%d)", int(w))
	}
	return weightings[w]
}

// ParseWeighting reads a text form.
func ParseWeighting(text string) (Weighting, error) {
	for w, name := range weightings {
		if text == name {
			return Weighting(w), nil
		}
	}
	return 0, fmt.Errorf("repair: weighting %.64q is unknown: want %s", text, strings.Join(weightings[:], ", "))
}

// Of returns the weights of rows x [N D] whose tokens stand at positions of their texts;
// nil: all 1.
func (w Weighting) Of(x []float32, width int, positions []int) ([]float64, error) {
	switch w {
	case ByRMS:
		return InverseSquareRMS(x, width)
	case DropFirst:
		return WithoutFirst(positions), nil
	}
	return nil, nil
}
