package plot

import (
	"fmt"
	"math"
	"strings"
)

// Surface draws values over a plane: as a landscape seen from the side, and as a map with
// lines of equal value.
type Surface struct {
	Title          string
	XLabel, YLabel string
	ValueLabel     string
	X, Y           []float64   // coordinates, rising, two or more each
	Values         [][]float64 // a row for each of Y, a value for each of X; NaN and Inf are missing
	Spots          []Spot      // places to name
}

// Spot is a named place of the plane.
type Spot struct {
	Name string
	X, Y float64
	// Value is that of the place, which the grid may not have; it is not drawn where it is
	// not finite.
	Value float64
}

const (
	mapSide      = 340 // of the map
	reliefWidth  = 460 // of the landscape
	reliefHeight = 360
)

// Draw lays the surface out. It panics where the axes do not rise or the values are not a
// number for each place.
func (s Surface) Draw() *Picture {
	s.check()
	p, top := newPicture(s.Title)
	p.values = s.words()
	values := s.axis()
	s.relief(p, values, margin, top)
	left := margin + reliefWidth + 40.0
	right := s.chart(p, values, left, top+8)
	bottom := p.legend(s.keys(), margin, top+max(reliefHeight, mapSide+60)+4, right-margin)
	return p.finish(right+margin, bottom+margin)
}

func (s Surface) check() {
	for _, axis := range [][]float64{s.X, s.Y} {
		if len(axis) < 2 {
			panic(fmt.Sprintf("plot: Surface: an axis of %d places, want 2 or more", len(axis)))
		}
		for i, v := range axis {
			if !finite(v) || i > 0 && v <= axis[i-1] {
				panic(fmt.Sprintf("plot: Surface: place %d of an axis does not rise: %v", i, axis))
			}
		}
	}
	if len(s.Values) != len(s.Y) {
		panic(fmt.Sprintf("plot: Surface: %d rows of values for %d places", len(s.Values), len(s.Y)))
	}
	for i, row := range s.Values {
		if len(row) != len(s.X) {
			panic(fmt.Sprintf("plot: Surface: row %d has %d values for %d places", i, len(row), len(s.X)))
		}
	}
}

// axis returns the range of values; pixels are set by who draws it.
func (s Surface) axis() axis {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range s.Values {
		lo, hi = bounds(lo, hi, finite, row...)
	}
	for _, spot := range s.Spots {
		lo, hi = bounds(lo, hi, finite, spot.Value)
	}
	lo, hi = spread(lo, hi)
	return axis{lo: lo, hi: hi}
}

// colour is that of a value.
func (s Surface) colour(a axis, v float64) rgb { return scale((v - a.lo) / (a.hi - a.lo)) }

// words are the least and the greatest value and the named places.
func (s Surface) words() string {
	least, most := Spot{Value: math.Inf(1)}, Spot{Value: math.Inf(-1)}
	for i, row := range s.Values {
		for j, v := range row {
			if finite(v) && v < least.Value {
				least = Spot{X: s.X[j], Y: s.Y[i], Value: v}
			}
			if finite(v) && v > most.Value {
				most = Spot{X: s.X[j], Y: s.Y[i], Value: v}
			}
		}
	}
	parts := []string{fmt.Sprintf("%d by %d values", len(s.Y), len(s.X))}
	if finite(least.Value) {
		parts = append(parts, fmt.Sprintf("least %.4g at (%.3g, %.3g)", least.Value, least.X, least.Y), fmt.Sprintf("greatest %.4g at (%.3g, %.3g)", most.Value, most.X, most.Y))
	}
	for _, spot := range s.Spots {
		parts = append(parts, spot.tip())
	}
	return strings.Join(parts, "; ")
}

func (s Spot) tip() string {
	return fmt.Sprintf("%s at (%.3g, %.3g): %s", cut(s.Name, maxName), s.X, s.Y, formatValue(s.Value))
}

func (s Surface) keys() []key {
	var keys []key
	for i, spot := range s.Spots {
		keys = append(keys, key{fmt.Sprintf("%s (%.3g, %.3g)", cut(spot.Name, maxName), spot.X, spot.Y), func(p *Picture, x, y float64) {
			p.add(spotMark(i, x+keyWidth/2, y, ""))
		}})
	}
	return keys
}

// spotMark is the marker of a place: white with a dark edge, so that it shows on every
// colour, and of a shape of its own.
func spotMark(i int, x, y float64, tip string) poly {
	m := marker(i, x, y, 5, white, tip)
	m.stroke = stroke{paint: solid(black), width: 1.4}
	return m
}

// inside reports whether a place lies on the plane that is drawn.
func (s Surface) inside(spot Spot) bool {
	return spot.X >= s.X[0] && spot.X <= s.X[len(s.X)-1] && spot.Y >= s.Y[0] && spot.Y <= s.Y[len(s.Y)-1]
}
