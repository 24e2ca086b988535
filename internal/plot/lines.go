package plot

import (
	"fmt"
	"math"
	"strings"
)

// Lines draws values against a coordinate, a line for each series.
type Lines struct {
	Title          string
	XLabel, YLabel string
	Series         []Series
	Rise           *Rise  // or nil
	Marks          []Mark // upright lines at coordinates
}

// Series is one line. NaN and Inf leave a gap in it.
type Series struct {
	Name   string
	Points []Point
	Dash   bool // dashed, without markers: what a line is held against
}

// Rise is an upright bar at a coordinate, from one value to another.
type Rise struct {
	X, From, To float64
	Label       string
}

// Draw lays the lines out. A series without a drawable point only takes its place in the
// legend.
func (l Lines) Draw() *Picture {
	p, top := newPicture(l.Title)
	p.values = l.words()
	x, y := l.axes()
	yTicks := y.ticks(6)
	widest := 0.0
	for _, t := range yTicks {
		widest = max(widest, textWidth(t.label, tickSize))
	}
	left := margin + labelSize + 10 + widest + 7
	const names = 16 // height for those of marks
	if len(l.Marks) > 0 {
		top += names
	}
	x.from, x.to = left, left+curvesWidth
	y.from, y.to = top+curvesHeight, top
	frame(p, x, y, x.ticks(8), yTicks, l.XLabel, l.YLabel)
	for _, m := range l.Marks {
		if at := x.at(m.Value); finite(at) && at >= x.from && at <= x.to {
			p.line(at, top, at, y.from, stroke{paint: themed(muted), width: 1, dash: true})
			half := textWidth(cut(m.Name, maxName), smallSize) / 2
			p.add(text{x: min(max(at, x.from+half), x.to-half), y: top - 5, s: cut(m.Name, maxName), size: smallSize, anchor: middle, fill: themed(muted)})
		}
	}
	for i, s := range l.Series {
		l.series(p, x, y, i, s)
	}
	if r := l.Rise; r != nil && finite(r.X) && finite(r.From) && finite(r.To) {
		p.rise(x, y, *r)
	}
	bottom := p.legend(l.keys(), left, y.from+22+labelSize+10, curvesWidth)
	return p.finish(left+curvesWidth+margin+10, bottom+margin)
}

// series draws line i.
func (l Lines) series(p *Picture, x, y axis, i int, s Series) {
	line := stroke{paint: solid(seriesColour(i)), width: 2, dash: s.Dash}
	for _, part := range gapless(s.Points) {
		drawLine(p, x, y, part, line, "")
		if s.Dash {
			continue
		}
		for _, v := range part {
			p.add(marker(i, x.at(v.X), y.at(v.Y), 3.6, seriesColour(i), fmt.Sprintf("%s: %s %.4g: %.4f", cut(s.Name, maxName), cut(l.XLabel, 20), v.X, v.Y)))
		}
	}
}

// rise draws a bar with feet, and its label beside it where there is room.
func (p *Picture) rise(x, y axis, r Rise) {
	at, a, b := x.at(r.X), y.at(r.From), y.at(r.To)
	line := stroke{paint: themed(ink), width: 1.6}
	p.line(at, a, at, b, line)
	p.line(at-4, a, at+4, a, line)
	p.line(at-4, b, at+4, b, line)
	label := text{x: at + 8, y: (a+b)/2 + 4, s: cut(r.Label, 60), size: smallSize, fill: themed(ink)}
	if at+8+textWidth(label.s, smallSize) > x.to {
		label.x, label.anchor = at-8, end
	}
	p.add(label)
}

// gapless splits points where one cannot be drawn.
func gapless(points []Point) [][]Point { return Curves{}.parts(points) }

// axes returns the ranges of values; pixels are set by Draw.
func (l Lines) axes() (x, y axis) {
	x = axis{lo: math.Inf(1), hi: math.Inf(-1)}
	y = x
	for _, s := range l.Series {
		for _, part := range gapless(s.Points) {
			for _, v := range part {
				x.lo, x.hi = bounds(x.lo, x.hi, finite, v.X)
				y.lo, y.hi = bounds(y.lo, y.hi, finite, v.Y)
			}
		}
	}
	if r := l.Rise; r != nil {
		y.lo, y.hi = bounds(y.lo, y.hi, finite, r.From, r.To)
	}
	x.lo, x.hi = spread(x.lo, x.hi)
	y.lo, y.hi = spread(y.lo, y.hi)
	const room = 0.05 // of the range, above and below
	d := (y.hi - y.lo) * room
	y.lo, y.hi = y.lo-d, y.hi+d
	return x, y
}

// words are the ends of the lines, and how high each goes.
func (l Lines) words() string {
	var all []string
	for _, s := range l.Series {
		parts := gapless(s.Points)
		if len(parts) == 0 {
			continue
		}
		last := parts[len(parts)-1]
		from, to, high := parts[0][0], last[len(last)-1], parts[0][0]
		for _, part := range parts {
			for _, v := range part {
				if v.Y > high.Y {
					high = v
				}
			}
		}
		all = append(all, fmt.Sprintf("%s: %.4g at %.4g, %.4g at %.4g, highest %.4g at %.4g", cut(s.Name, maxName), from.Y, from.X, to.Y, to.X, high.Y, high.X))
	}
	if r := l.Rise; r != nil {
		all = append(all, cut(r.Label, 60))
	}
	return strings.Join(all, "; ")
}

func (l Lines) keys() []key {
	var keys []key
	for i, s := range l.Series {
		keys = append(keys, key{cut(s.Name, maxName), func(p *Picture, x, y float64) {
			p.line(x, y, x+keyWidth, y, stroke{paint: solid(seriesColour(i)), width: 2, dash: s.Dash})
			if !s.Dash {
				p.add(marker(i, x+keyWidth/2, y, 4, seriesColour(i), ""))
			}
		}})
	}
	return keys
}
