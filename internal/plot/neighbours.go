package plot

import (
	"fmt"
	"math"
	"strings"
)

const (
	neighbourHeight = 90 // of the line below a heat map
	neighbourText   = 40 // below it, room for upright values
)

// adjacent returns the values of indices i and i+1.
func (h HeatMap) adjacent() []float64 {
	var out []float64
	if h.square() {
		for i := range len(h.Matrix) - 1 {
			out = append(out, h.Matrix[i][i+1])
		}
	}
	return out
}

// neighbours draws the values beside the diagonal as a line, each below the border of
// its two columns, on a scale of their own: they differ less than the matrix does. It
// returns the height below.
func (h HeatMap) neighbours(p *Picture, left, top, size float64) float64 {
	values := h.adjacent()
	side := size * float64(len(h.Matrix))
	lo, hi := spread(bounds(math.Inf(1), math.Inf(-1), finite, values...))
	room := (hi - lo) * 0.08
	y := axis{lo: lo - room, hi: hi + room, from: top + neighbourHeight, to: top}
	for _, t := range y.ticks(4) {
		at := math.Round(y.at(t.value)) + 0.5
		p.line(left, at, left+side, at, stroke{paint: themed(grid), width: 1})
		p.add(text{x: left + side + 7, y: at + 4, s: t.label, size: tickSize, fill: themed(ink)})
	}
	every := intervalTicks(len(values), size, smallSize+2)
	line := stroke{paint: solid(seriesColour(0)), width: 1.6}
	for i, v := range values {
		x := left + float64(i+1)*size
		if i > 0 && finite(v) && finite(values[i-1]) {
			p.line(x-size, y.at(values[i-1]), x, y.at(v), line)
		}
		if i%every == 0 {
			p.add(text{x: x + 3.5, y: y.from + neighbourText/2 + 4, s: strings.TrimPrefix(formatValue(v), "0"), size: smallSize, anchor: middle, upward: true, fill: themed(ink)})
		}
	}
	for i, v := range values {
		if finite(v) {
			p.add(marker(0, left+float64(i+1)*size, y.at(v), min(3.5, size/4), seriesColour(0), fmt.Sprintf("%d, %d: %s", i, i+1, formatValue(v))))
		}
	}
	bottom := y.from + neighbourText + labelSize + 4
	p.add(text{x: left + side/2, y: bottom, s: "neighbours: i and i+1", size: labelSize, anchor: middle, fill: themed(ink)})
	return bottom
}

// words are the map's values for those who hear it: all of a map with names; else all that
// stand beside the diagonal of a square one, and the least of all.
func (h HeatMap) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d by %d values.", len(h.Matrix), len(h.Matrix[0]))
	if h.Names != nil {
		for i, row := range h.Matrix {
			for j, v := range row {
				fmt.Fprintf(&b, " %s and %s %s,", h.name(i), h.name(j), formatValue(v))
			}
		}
		return strings.TrimRight(b.String(), ",") + "."
	}
	if at := h.adjacent(); len(at) > 0 {
		b.WriteString(" Neighbours:")
		for i, v := range at {
			fmt.Fprintf(&b, " %d and %d %s,", i, i+1, formatValue(v))
		}
	}
	least, row, column := math.Inf(1), 0, 0
	for i, r := range h.Matrix {
		for j, v := range r {
			if v < least {
				least, row, column = v, i, j
			}
		}
	}
	if finite(least) {
		fmt.Fprintf(&b, " least of all: %d and %d %s.", row, column, formatValue(least))
	}
	return b.String()
}
