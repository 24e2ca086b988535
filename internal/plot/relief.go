package plot

import (
	"math"
	"strconv"
)

// The landscape is seen from above the near edge, turned
// by reliefTurn, from reliefTilt above the plane, without perspective: equal heights look
// equal wherever they are.
const (
	reliefTurn = -40 * math.Pi / 180
	reliefTilt = 33 * math.Pi / 180
	// reliefMesh is the most places a side that the landscape has: finer ones cannot be
	// told apart at this size.
	reliefMesh = 40
)

// view turns places of the unit cube to pixels.
type view struct {
	x, y  float64 // of the middle of the floor
	scale float64
}

// at returns the pixels of u, v in [-1/2, 1/2] and the height h in [0, 1].
func (w view) at(u, v, h float64) point {
	a := u*math.Cos(reliefTurn) - v*math.Sin(reliefTurn)
	b := u*math.Sin(reliefTurn) + v*math.Cos(reliefTurn) // away from the eye
	const high = 0.6                                     // of the cube, beside its width
	return point{w.x + a*w.scale, w.y - (b*math.Sin(reliefTilt)+h*high*math.Cos(reliefTilt))*w.scale}
}

// relief draws the landscape with its floor and axes.
func (s Surface) relief(p *Picture, values axis, left, top float64) {
	w := view{x: left + reliefWidth/2 + 8, y: top + reliefHeight*0.65, scale: 262}
	u := axis{lo: s.X[0], hi: s.X[len(s.X)-1], from: -0.5, to: 0.5}
	v := axis{lo: s.Y[0], hi: s.Y[len(s.Y)-1], from: -0.5, to: 0.5}
	h := axis{lo: values.lo, hi: values.hi, from: 0, to: 1}
	s.box(p, w, u, v, h)
	columns, rows := thinned(len(s.X)), thinned(len(s.Y))
	// From the far corner to the near one: nothing that is drawn covers what is before it.
	for i := len(rows) - 2; i >= 0; i-- {
		for j := range len(columns) - 1 {
			s.facet(p, w, u, v, h, rows[i], rows[i+1], columns[j], columns[j+1])
		}
	}
	for i, spot := range s.Spots {
		if !finite(spot.Value) || !s.inside(spot) {
			continue
		}
		a, b := u.at(spot.X), v.at(spot.Y)
		foot, head := w.at(a, b, 0), w.at(a, b, h.at(spot.Value))
		p.line(foot.x, foot.y, head.x, head.y, stroke{paint: themed(ink), width: 1, dash: true})
		p.add(spotMark(i, head.x, head.y, spot.tip()))
	}
}

// thinned returns places of an axis of n, the ends among them, at most reliefMesh.
func thinned(n int) (at []int) {
	step := (n + reliefMesh - 1) / reliefMesh
	for i := 0; i < n-1; i += step {
		at = append(at, i)
	}
	return append(at, n-1)
}

// facet draws the piece between two rows and two columns, none where a corner is missing.
func (s Surface) facet(p *Picture, w view, u, v, h axis, i0, i1, j0, j1 int) {
	corners := [4][2]int{{i0, j0}, {i0, j1}, {i1, j1}, {i1, j0}}
	f := poly{stroke: stroke{paint: solid(rgb{0x20, 0x20, 0x20}), width: 0.4, alpha: 0.45}}
	mean := 0.0
	for _, c := range corners {
		z := s.Values[c[0]][c[1]]
		if !finite(z) {
			return
		}
		mean += z / 4
		f.points = append(f.points, w.at(u.at(s.X[c[1]]), v.at(s.Y[c[0]]), h.at(z)))
	}
	f.fill = solid(s.colour(axis{lo: h.lo, hi: h.hi}, mean))
	p.add(f)
}

// box draws the floor, the upright axis and the labels.
func (s Surface) box(p *Picture, w view, u, v, h axis) {
	line := stroke{paint: themed(grid), width: 1}
	floor := poly{fill: themed(paper), stroke: line}
	for _, c := range [][2]float64{{-0.5, -0.5}, {0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}} {
		floor.points = append(floor.points, w.at(c[0], c[1], 0))
	}
	p.add(floor)
	for _, t := range h.ticks(5) { // on the two walls behind
		z := h.at(t.value)
		wall := []point{w.at(-0.5, -0.5, z), w.at(-0.5, 0.5, z), w.at(0.5, 0.5, z)}
		p.add(poly{points: wall, stroke: line})
		p.add(text{x: wall[0].x - 7, y: wall[0].y + 4, s: t.label, size: tickSize, anchor: end, fill: themed(ink)})
	}
	for _, t := range u.ticks(5) { // along the left near edge
		at := w.at(u.at(t.value), -0.5, 0)
		p.add(text{x: at.x - 5, y: at.y + 15, s: t.label, size: tickSize, anchor: middle, fill: themed(ink)})
	}
	for _, t := range v.ticks(5) { // along the right one
		at := w.at(0.5, v.at(t.value), 0)
		p.add(text{x: at.x + 7, y: at.y + 10, s: t.label, size: tickSize, fill: themed(ink)})
	}
	left, right := w.at(0, -0.5, 0), w.at(0.5, 0, 0)
	p.add(text{x: left.x - 20, y: left.y + 36, s: cut(s.XLabel, 28), size: labelSize, anchor: middle, fill: themed(ink)},
		text{x: right.x + 26, y: right.y + 30, s: cut(s.YLabel, 28), size: labelSize, fill: themed(ink)})
	front := []point{w.at(-0.5, -0.5, 1), w.at(-0.5, -0.5, 0), w.at(0.5, -0.5, 0), w.at(0.5, 0.5, 0)}
	p.add(poly{points: front, stroke: stroke{paint: themed(ink), width: 1}})
}

// level is how a value stands beside a line of equal value.
func level(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
