package report

import (
	"encoding/json"
	"math"
)

// Surface is values over a plane, for the page's script to draw: its JSON is a [Figure]'s
// Data.
type Surface struct {
	X, Y                       []float64    // rising
	Values                     [][]*float64 // a row for each of Y, a value for each of X; nil is missing
	XLabel, YLabel, ValueLabel string
	Spots                      []Spot
}

// Spot is a named place of the plane, with its value, nil where it has none.
type Spot struct {
	Name  string   `json:"name"`
	X     float64  `json:"x"`
	Y     float64  `json:"y"`
	Value *float64 `json:"value"`
}

// JSON is the surface as the script reads it: values rounded to a ten-thousandth of their
// range, which is less than a pixel.
func (s Surface) JSON() (string, error) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range s.Values {
		for _, v := range row {
			if v != nil {
				lo, hi = min(lo, *v), max(hi, *v)
			}
		}
	}
	unit := 1.0
	if hi > lo {
		unit = math.Pow(10, math.Floor(math.Log10((hi-lo)/1e4)))
	}
	values := make([][]*float64, len(s.Values))
	for i, row := range s.Values {
		values[i] = make([]*float64, len(row))
		for j, v := range row {
			if v != nil {
				r := rounded(*v, unit)
				values[i][j] = &r
			}
		}
	}
	text, err := json.Marshal(struct {
		X      []float64    `json:"x"`
		Y      []float64    `json:"y"`
		Values [][]*float64 `json:"values"`
		XLabel string       `json:"xlabel"`
		YLabel string       `json:"ylabel"`
		Label  string       `json:"label"`
		Spots  []Spot       `json:"spots"`
	}{s.X, s.Y, values, s.XLabel, s.YLabel, s.ValueLabel, s.Spots})
	return string(text), err
}

// rounded returns v to a multiple of a power of ten, as short as it can be written.
func rounded(v, unit float64) float64 {
	if unit < 1 {
		by := math.Round(1 / unit)
		if r := math.Round(v * by); math.Abs(r) < 1e15 {
			return r / by
		}
		return v
	}
	return math.Round(v/unit) * unit
}
