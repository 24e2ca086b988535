package plot

import (
	"fmt"
	"math"
	"strings"
)

// Dendrogram draws a tree of clusters: leaves below, and for each join a bracket at the
// height of its distance.
type Dendrogram struct {
	Title      string
	AxisLabel  string // what the leaves are
	ValueLabel string // what a height is
	Leaves     []string
	// Joins are the rows of a linkage as scipy.cluster.hierarchy has them: clusters below
	// len(Leaves) are leaves, len(Leaves)+i is the one that row i makes. There is one row less
	// than leaves.
	Joins []Join
}

// Join is two clusters that become one.
type Join struct {
	A, B     int
	Distance float64
}

const (
	dendrogramHeight = 240
	leafWidth        = 18 // at least as wide as an upright name is high
)

// bracket is a join as it stands: from the foot of its left leg over its top to the foot of
// its right one. Leaf k of the drawing is at x = k.
type bracket struct {
	x, y [4]float64
}

// Draw lays the tree out. It panics where the joins are no tree of the leaves.
func (d Dendrogram) Draw() *Picture {
	order, brackets := d.layout()
	p, top := newPicture(d.Title)
	p.values = d.words()
	room := 0.0
	for _, s := range d.Leaves {
		room = max(room, textWidth(cut(s, maxName), tickSize))
	}
	upright := room > leafWidth
	if !upright {
		room = tickSize
	}
	y := axis{lo: 0, hi: math.SmallestNonzeroFloat64}
	for _, j := range d.Joins {
		y.lo, y.hi = min(y.lo, j.Distance), max(y.hi, j.Distance)
	}
	y.lo, y.hi = spread(y.lo, y.hi*1.04)
	y.from, y.to = top+dendrogramHeight, top
	ticks, widest := y.ticks(6), 0.0
	for _, t := range ticks {
		widest = max(widest, textWidth(t.label, tickSize))
	}
	left := margin + labelSize + 10 + widest + 7
	width := max(leafWidth*float64(len(order)), 120)
	step := width / float64(len(order))
	at := func(x float64) float64 { return left + (x+0.5)*step }
	for _, t := range ticks {
		h := math.Round(y.at(t.value)) + 0.5
		p.line(left, h, left+width, h, stroke{paint: themed(grid), width: 1})
		p.add(text{x: left - 7, y: h + 4, s: t.label, size: tickSize, anchor: end, fill: themed(ink)})
	}
	for i, b := range brackets {
		l := poly{stroke: stroke{paint: solid(seriesColour(0)), width: 1.8}, tip: d.tip(i)}
		for k := range b.x {
			l.points = append(l.points, point{at(b.x[k]), y.at(b.y[k])})
		}
		p.add(l)
	}
	for k, leaf := range order {
		t := text{x: at(float64(k)), y: y.from + 4 + tickSize, s: cut(d.Leaves[leaf], maxName), size: tickSize, anchor: middle, fill: themed(ink)}
		if upright {
			t.x, t.y, t.anchor, t.upward = t.x+4, y.from+6, end, true
		}
		p.add(t)
	}
	bottom := y.from + 12 + room + labelSize
	p.add(text{x: left + width/2, y: bottom, s: cut(d.AxisLabel, 60), size: labelSize, anchor: middle, fill: themed(ink)},
		text{x: margin + labelSize - 2, y: top + dendrogramHeight/2, s: cut(d.ValueLabel, 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
	return p.finish(left+width+margin, bottom+margin)
}

// layout returns the leaves from left to right and the brackets, row by row: the left leg
// of a bracket is the cluster A of its row, as scipy's dendrogram has it.
func (d Dendrogram) layout() (order []int, brackets []bracket) {
	n := len(d.Leaves)
	if n < 1 || len(d.Joins) != n-1 {
		panic(fmt.Sprintf("plot: Dendrogram: %d joins of %d leaves", len(d.Joins), n))
	}
	used := make([]bool, 2*n-1)
	for i, j := range d.Joins {
		if !finite(j.Distance) {
			panic(fmt.Sprintf("plot: Dendrogram: row %d joins at a height of %v", i, j.Distance))
		}
		for _, c := range []int{j.A, j.B} {
			if c < 0 || c >= n+i || used[c] {
				panic(fmt.Sprintf("plot: Dendrogram: row %d joins %d and %d: no clusters that are free", i, j.A, j.B))
			}
			used[c] = true
		}
	}
	x, y := make([]float64, 2*n-1), make([]float64, 2*n-1)
	var place func(c int)
	place = func(c int) {
		if c < n {
			x[c] = float64(len(order))
			order = append(order, c)
			return
		}
		j := d.Joins[c-n]
		place(j.A)
		place(j.B)
		x[c], y[c] = (x[j.A]+x[j.B])/2, j.Distance
	}
	place(2*n - 2)
	for _, j := range d.Joins {
		brackets = append(brackets, bracket{[4]float64{x[j.A], x[j.A], x[j.B], x[j.B]}, [4]float64{y[j.A], j.Distance, j.Distance, y[j.B]}})
	}
	return order, brackets
}

// members returns the leaves of a cluster, from left to right.
func (d Dendrogram) members(c int) []string {
	if c < len(d.Leaves) {
		return []string{cut(d.Leaves[c], maxName)}
	}
	j := d.Joins[c-len(d.Leaves)]
	return append(d.members(j.A), d.members(j.B)...)
}

// tip is what a row joins.
func (d Dendrogram) tip(row int) string {
	j := d.Joins[row]
	return cut(fmt.Sprintf("%.4g: %s with %s", j.Distance, strings.Join(d.members(j.A), " "), strings.Join(d.members(j.B), " ")), 200)
}

// words are all joins.
func (d Dendrogram) words() string {
	var rows []string
	for i := range d.Joins {
		rows = append(rows, d.tip(i))
	}
	return strings.Join(rows, "; ")
}
