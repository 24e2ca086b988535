package plot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// HeatMap is a square matrix drawn as coloured cells, row 0 on top; made for
// layer × layer similarity.
type HeatMap struct {
	Title      string
	AxisLabel  string      // what the indices 0 … len(Matrix)-1 count, on both axes
	ValueLabel string      // what a value is, at the colour scale
	Matrix     [][]float64 // [S][S]; NaN and Inf are drawn as missing

	// Min and Max are the ends of the colour scale, values outside take the
	// end's colour. Both 0: the matrix's own range, rounded outwards.
	Min, Max float64

	// Groups are drawn as squares around their rows and columns.
	Groups []Span

	// Neighbours adds a line below: the values of indices i and i+1.
	Neighbours bool
}

// Span is a run of indices, both ends included.
type Span struct{ From, To int }

const (
	// maxTips bounds the cells that carry a tip with their value: past it
	// (80-layer models) the tips would be most of a report.
	maxTips = 1200
	// valueCell is the least cell size in which a value can be read.
	valueCell = 26
)

// Draw lays the map out. It panics where the matrix is empty or not square, or
// a group does not lie inside it.
func (h HeatMap) Draw() *Picture {
	h.check()
	n := len(h.Matrix)
	size := math.Floor(min(max(520/float64(n), 6), max(36, 240/float64(n))))
	p, top := newPicture(h.Title)
	p.values = h.words()
	left := float64(margin + labelSize + 10 + 24) // axis label, tick labels
	side := size * float64(n)
	colours := h.axis(top+side, top)

	grid := cells{x: left, y: top, size: size, rows: make([][]paint, n)}
	if n*n <= maxTips {
		grid.tip = func(i, j int) string { return fmt.Sprintf("%d, %d: %s", i, j, formatValue(h.Matrix[i][j])) }
	}
	for i, row := range h.Matrix {
		grid.rows[i] = make([]paint, n)
		for j, v := range row {
			grid.rows[i][j] = h.colour(colours, v)
		}
	}
	p.add(grid)
	if size >= valueCell {
		h.values(p, grid)
	}
	h.groups(p, left, top, size)
	h.indices(p, left, top, size)
	right := h.scale(p, colours, left+side+22, top)
	bottom := top + side + 24 + labelSize
	if h.Neighbours && n > 1 {
		bottom = h.neighbours(p, left, bottom+16, size)
	}
	return p.finish(right+margin, bottom+margin)
}

func (h HeatMap) check() {
	n := len(h.Matrix)
	if n == 0 {
		panic("plot: HeatMap: empty matrix")
	}
	for i, row := range h.Matrix {
		if len(row) != n {
			panic(fmt.Sprintf("plot: HeatMap: not square: row %d has %d of %d columns", i, len(row), n))
		}
	}
	for _, g := range h.Groups {
		if g.From < 0 || g.To < g.From || g.To >= n {
			panic(fmt.Sprintf("plot: HeatMap: group [%d %d] not inside %d indices", g.From, g.To, n))
		}
	}
}

// axis returns the map from values to the pixels of the colour scale.
func (h HeatMap) axis(from, to float64) axis {
	lo, hi := h.Min, h.Max
	if lo == 0 && hi == 0 {
		lo, hi = math.Inf(1), math.Inf(-1)
		for _, row := range h.Matrix {
			lo, hi = bounds(lo, hi, finite, row...)
		}
		lo, hi = spread(lo, hi)
		step, _ := niceStep((hi - lo) / 10)
		lo, hi = math.Floor(lo/step+1e-9)*step, math.Ceil(hi/step-1e-9)*step
	}
	if !(lo < hi) {
		panic(fmt.Sprintf("plot: HeatMap: Min %g is not below Max %g", lo, hi))
	}
	return axis{lo: lo, hi: hi, from: from, to: to}
}

func (h HeatMap) colour(a axis, v float64) paint {
	if !finite(v) {
		return themed(grid)
	}
	return solid(scale((v - a.lo) / (a.hi - a.lo)))
}

func (h HeatMap) values(p *Picture, g cells) {
	for i, row := range h.Matrix {
		for j, v := range row {
			s, c := "–", themed(ink)
			if finite(v) {
				s, c = shortValue(v), solid(over(g.rows[i][j].fixed))
			}
			p.add(text{x: g.x + (float64(j)+0.5)*g.size, y: g.y + (float64(i)+0.5)*g.size + 3.5, s: s, size: smallSize, anchor: middle, fill: c})
		}
	}
}

// groups outlines each group twice, so that it shows on dark and light cells.
func (h HeatMap) groups(p *Picture, left, top, size float64) {
	for _, g := range h.Groups {
		at, side := float64(g.From)*size, float64(g.To-g.From+1)*size
		r := rect{x: left + at, y: top + at, w: side, h: side}
		r.stroke = stroke{paint: solid(white), width: 4}
		p.add(r)
		r.stroke = stroke{paint: solid(rgb{0xc8, 0x10, 0x2e}), width: 2}
		p.add(r)
	}
}

func (h HeatMap) indices(p *Picture, left, top, size float64) {
	n := len(h.Matrix)
	side := size * float64(n)
	every := intervalTicks(n, size, 20)
	for i := 0; i < n; i += every {
		at, s := (float64(i)+0.5)*size, strconv.Itoa(i)
		p.add(text{x: left + at, y: top + side + 14, s: s, size: tickSize, anchor: middle, fill: themed(ink)},
			text{x: left - 5, y: top + at + 4, s: s, size: tickSize, anchor: end, fill: themed(ink)})
	}
	label := cut(h.AxisLabel, 60)
	p.add(text{x: left + side/2, y: top + side + 22 + labelSize, s: label, size: labelSize, anchor: middle, fill: themed(ink)},
		text{x: margin + labelSize - 2, y: top + side/2, s: label, size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
}

// scale draws the colour scale and returns its right edge.
func (h HeatMap) scale(p *Picture, a axis, x, top float64) float64 {
	const width, steps = 16, 64
	high := a.from - top
	for i := range steps {
		y0 := top + math.Round(high*float64(i)/steps*pngDensity)/pngDensity
		y1 := top + math.Round(high*float64(i+1)/steps*pngDensity)/pngDensity
		// Reach half a pixel into the next step: no seam of paper between two.
		p.add(rect{x: x, y: y0, w: width, h: min(y1+0.5, a.from) - y0, fill: solid(scale(1 - (float64(i)+0.5)/steps))})
	}
	widest := 0.0
	for _, t := range a.ticks(max(2, int(high/60))) {
		y := a.at(t.value)
		p.line(x+width, y, x+width+4, y, stroke{paint: themed(ink), width: 1})
		p.add(text{x: x + width + 7, y: y + 4, s: t.label, size: tickSize, fill: themed(ink)})
		widest = max(widest, textWidth(t.label, tickSize))
	}
	right := x + width + 7 + widest + 8 + labelSize
	p.add(text{x: right, y: top + high/2, s: cut(h.ValueLabel, 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
	return right + 4
}

func formatValue(v float64) string {
	if !finite(v) {
		return "missing"
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

// shortValue fits a cell: ".93" instead of "0.93".
func shortValue(v float64) string {
	if math.Abs(v) >= 10 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	s := strconv.FormatFloat(v, 'f', 2, 64)
	if strings.HasPrefix(s, "0.") {
		return s[1:]
	}
	if strings.HasPrefix(s, "-0.") {
		return "−" + s[2:]
	}
	return s
}
