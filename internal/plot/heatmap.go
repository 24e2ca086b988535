package plot

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// HeatMap is a matrix drawn as coloured cells, row 0 on top; made for layer × layer
// similarity.
type HeatMap struct {
	Title      string
	AxisLabel  string      // what the columns count, and the rows too if RowLabel is ""
	RowLabel   string      // what the rows count
	ValueLabel string      // what a value is, at the colour scale
	Matrix     [][]float64 // [rows][columns]; NaN and Inf are drawn as missing

	// Names stand at rows and columns of a square matrix in place of their numbers; nil:
	// 0, 1, 2, ….
	Names []string

	// Min and Max are the ends of the colour scale, values outside take the
	// end's colour. Both 0: the matrix's own range, rounded outwards.
	Min, Max float64

	// Groups are drawn as squares around their rows and columns, of a square matrix.
	Groups []Span

	// Neighbours adds a line below: the values of indices i and i+1 of a square matrix.
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

// Draw lays the map out. It panics where the matrix is empty or its rows are of
// different lengths, and where names, groups or neighbours do not fit it.
func (h HeatMap) Draw() *Picture {
	h.check()
	rows, columns := len(h.Matrix), len(h.Matrix[0])
	most := float64(max(rows, columns))
	size := math.Floor(min(max(520/most, 6), max(36, 240/most)))
	if h.Names != nil {
		size = max(size, 56)
	}
	p, top := newPicture(h.Title)
	p.values = h.words()
	left := margin + labelSize + 10 + max(24, h.nameRoom()) // axis label, tick labels
	wide, high := size*float64(columns), size*float64(rows)
	colours := h.axis(top+high, top)

	grid := cells{x: left, y: top, size: size, rows: make([][]paint, rows)}
	if rows*columns <= maxTips {
		grid.tip = func(i, j int) string {
			return fmt.Sprintf("%s, %s: %s", h.name(i), h.name(j), formatValue(h.Matrix[i][j]))
		}
	} else {
		grid.values = h.Matrix
	}
	for i, row := range h.Matrix {
		grid.rows[i] = make([]paint, columns)
		for j, v := range row {
			grid.rows[i][j] = h.colour(colours, v)
		}
	}
	p.add(grid)
	if size >= valueCell {
		h.values(p, grid)
	}
	h.groups(p, left, top, size)
	bottom := h.indices(p, left, top, size)
	right := h.scale(p, colours, left+wide+22, top)
	if h.Neighbours && columns > 1 {
		bottom = h.neighbours(p, left, bottom+16, size)
	}
	return p.finish(right+margin, bottom+margin)
}

// square reports whether the map has as many columns as rows.
func (h HeatMap) square() bool { return len(h.Matrix) == len(h.Matrix[0]) }

// name is what a row or column is called.
func (h HeatMap) name(i int) string {
	if h.Names == nil {
		return strconv.Itoa(i)
	}
	return cut(h.Names[i], maxName)
}

// nameRoom is how wide the widest name is; 0 without names.
func (h HeatMap) nameRoom() (widest float64) {
	for i := range h.Names {
		widest = max(widest, textWidth(h.name(i), tickSize)+8)
	}
	return widest
}

func (h HeatMap) check() {
	n := len(h.Matrix)
	if n == 0 || len(h.Matrix[0]) == 0 {
		panic("plot: HeatMap: empty matrix")
	}
	for i, row := range h.Matrix {
		if len(row) != len(h.Matrix[0]) {
			panic(fmt.Sprintf("plot: HeatMap: row %d has %d of %d columns", i, len(row), len(h.Matrix[0])))
		}
	}
	if square := h.square(); !square && (h.Groups != nil || h.Neighbours || h.Names != nil) || h.Names != nil && len(h.Names) != n {
		panic(fmt.Sprintf("plot: HeatMap: not square: [%d %d], %d names, %d groups, neighbours %v", n, len(h.Matrix[0]), len(h.Names), len(h.Groups), h.Neighbours))
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

// indices draws the names or numbers of rows and columns, and what they are, and returns the
// height below.
func (h HeatMap) indices(p *Picture, left, top, size float64) (bottom float64) {
	rows, columns := len(h.Matrix), len(h.Matrix[0])
	wide, high := size*float64(columns), size*float64(rows)
	room := 8.0
	if every := intervalTicks(columns, size, 20); h.Names == nil {
		for j := 0; j < columns; j += every {
			p.add(text{x: left + (float64(j)+0.5)*size, y: top + high + 14, s: h.name(j), size: tickSize, anchor: middle, fill: themed(ink)})
		}
	} else {
		room = h.nameRoom()
		for j := range columns {
			p.add(text{x: left + (float64(j)+0.5)*size + 4, y: top + high + 6, s: h.name(j), size: tickSize, anchor: end, upward: true, fill: themed(ink)})
		}
	}
	every := intervalTicks(rows, size, 20)
	if h.Names != nil {
		every = 1
	}
	for i := 0; i < rows; i += every {
		p.add(text{x: left - 5, y: top + (float64(i)+0.5)*size + 4, s: h.name(i), size: tickSize, anchor: end, fill: themed(ink)})
	}
	label := cut(h.AxisLabel, 60)
	p.add(text{x: left + wide/2, y: top + high + 14 + room + labelSize, s: label, size: labelSize, anchor: middle, fill: themed(ink)},
		text{x: margin + labelSize - 2, y: top + high/2, s: cut(cmp.Or(h.RowLabel, h.AxisLabel), 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
	return top + high + 16 + room + labelSize
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
