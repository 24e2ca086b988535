package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Scatter draws points of several series, each with a marker of its own form.
type Scatter struct {
	Title          string
	XLabel, YLabel string
	LogX           bool // logarithmic x; points at x ≤ 0 are then left out
	Series         []Points
}

// Points are the points of a series.
type Points struct {
	Name   string
	Points []Point
	// Names stand beside the points; nil: none.
	Names []string
	// Errors are standard errors of both coordinates, drawn as bars where they are > 0; nil:
	// none. Names of points with errors stand where they cover no point with errors and no other name,
	// or not at all.
	Errors []Point
}

const (
	scatterWidth  = 560
	scatterHeight = 420
)

// Draw lays the points out. It panics where names or errors are not as many as points.
func (s Scatter) Draw() *Picture {
	for _, series := range s.Series {
		if series.Names != nil && len(series.Names) != len(series.Points) {
			panic(fmt.Sprintf("plot: Scatter: %d names of %d points", len(series.Names), len(series.Points)))
		}
		if series.Errors != nil && len(series.Errors) != len(series.Points) {
			panic(fmt.Sprintf("plot: Scatter: %d errors of %d points", len(series.Errors), len(series.Points)))
		}
	}
	p, top := newPicture(s.Title)
	p.values = s.words()
	x, y := s.axes()
	yTicks, widest := y.ticks(6), 0.0
	for _, t := range yTicks {
		widest = max(widest, textWidth(t.label, tickSize))
	}
	left := margin + labelSize + 10 + widest + 7
	x.from, x.to = left, left+scatterWidth
	y.from, y.to = top+scatterHeight, top
	frame(p, x, y, x.ticks(8), yTicks, s.XLabel, s.YLabel)
	var keys []key
	taken := s.marks(x, y)
	for i, series := range s.Series {
		colour, r := seriesColour(i), 4.0
		if len(series.Points) > 40 {
			r = 3
		}
		for k, v := range series.Points {
			if !s.drawable(v) {
				continue
			}
			name := cut(series.Name, maxName)
			label := text{x: x.at(v.X) + 7, y: y.at(v.Y) - 5, size: smallSize, fill: themed(ink)}
			if series.Names != nil {
				name = cut(series.Names[k], maxName)
				label.s = name
			}
			switch {
			case series.Errors != nil:
				taken = p.bars(x, y, v, series.Errors[k], colour, label, taken)
			case label.s != "":
				p.add(label)
			}
			p.add(marker(i, x.at(v.X), y.at(v.Y), r, colour, fmt.Sprintf("%s: %s, %s", name, withError(v.X, series.error(k).X), withError(v.Y, series.error(k).Y))))
		}
		keys = append(keys, key{cut(series.Name, maxName), func(p *Picture, x, y float64) {
			p.add(marker(i, x+keyWidth/2, y, 4, colour, ""))
		}})
	}
	bottom := y.from + 22 + labelSize + 10
	if len(keys) > 1 {
		bottom = p.legend(keys, left, bottom, scatterWidth)
	}
	return p.finish(left+scatterWidth+margin+10, bottom+margin)
}

// marks are the places of the markers of points with errors, which no name is to cover.
func (s Scatter) marks(x, y axis) (taken []rect) {
	const r = 4
	for _, series := range s.Series {
		for _, v := range series.Points {
			if series.Errors != nil && s.drawable(v) {
				taken = append(taken, rect{x: x.at(v.X) - r, y: y.at(v.Y) - r, w: 2 * r, h: 2 * r})
			}
		}
	}
	return taken
}

// error returns the errors of a point, 0 where there are none to draw.
func (s Points) error(k int) Point {
	if s.Errors == nil {
		return Point{}
	}
	return Point{Estimate{StdErr: s.Errors[k].X}.whisker(), Estimate{StdErr: s.Errors[k].Y}.whisker()}
}

// withError is a number with its error, if it has one.
func withError(v, e float64) string {
	if e > 0 {
		return fmt.Sprintf("%.4g ± %.2g", v, e)
	}
	return fmt.Sprintf("%.4g", v)
}

// bars draws the errors of a point and its name where that covers none of the places that are
// taken, which it returns with its own.
func (p *Picture) bars(x, y axis, v, e Point, colour rgb, name text, taken []rect) []rect {
	line := stroke{paint: solid(colour), width: 1.2, alpha: 0.6}
	const foot = 3
	if d := (Estimate{StdErr: e.X}).whisker(); d > 0 {
		a, b, at := max(x.at(v.X-d), x.from), min(x.at(v.X+d), x.to), y.at(v.Y)
		p.line(a, at, b, at, line)
		p.line(a, at-foot, a, at+foot, line)
		p.line(b, at-foot, b, at+foot, line)
	}
	if d := (Estimate{StdErr: e.Y}).whisker(); d > 0 {
		a, b, at := y.at(v.Y-d), y.at(v.Y+d), x.at(v.X)
		p.line(at, a, at, b, line)
		p.line(at-foot, a, at+foot, a, line)
		p.line(at-foot, b, at+foot, b, line)
	}
	if name.s == "" {
		return taken
	}
	const beside, height = 7, smallSize + 1
	px, py, w := x.at(v.X), y.at(v.Y), textWidth(name.s, smallSize)
	for _, place := range []point{{px + beside, py - 5}, {px + beside, py + height + 2}, {px - beside - w, py - 5}, {px - beside - w, py + height + 2}} {
		box := rect{x: place.x, y: place.y - height, w: w, h: height}
		free := box.x >= x.from && box.x+box.w <= x.to+margin && !slices.ContainsFunc(taken, func(o rect) bool {
			return box.x < o.x+o.w && o.x < box.x+box.w && box.y < o.y+o.h && o.y < box.y+box.h
		})
		if free {
			name.x, name.y = place.x, place.y
			p.add(name)
			return append(taken, box)
		}
	}
	return taken
}

func (s Scatter) drawable(v Point) bool { return finite(v.X) && finite(v.Y) && (!s.LogX || v.X > 0) }

// axes returns the ranges of all points; pixels are set by Draw.
func (s Scatter) axes() (x, y axis) {
	x, y = axis{lo: math.Inf(1), hi: math.Inf(-1), log: s.LogX}, axis{lo: math.Inf(1), hi: math.Inf(-1)}
	for _, series := range s.Series {
		for k, v := range series.Points {
			if s.drawable(v) {
				e, positive := series.error(k), func(x float64) bool { return !s.LogX || x > 0 }
				x.lo, x.hi = bounds(x.lo, x.hi, positive, v.X, v.X-e.X, v.X+e.X)
				y.lo, y.hi = bounds(y.lo, y.hi, finite, v.Y, v.Y-e.Y, v.Y+e.Y)
			}
		}
	}
	const room = 0.06 // of the range, at each end
	if x.lo > x.hi && s.LogX {
		x.lo, x.hi = 1, 10
	}
	x.lo, x.hi = spread(x.lo, x.hi)
	y.lo, y.hi = spread(y.lo, y.hi)
	if s.LogX {
		r := math.Pow(x.hi/x.lo, room)
		x.lo, x.hi = x.lo/r, x.hi*r
	} else {
		d := (x.hi - x.lo) * room
		x.lo, x.hi = x.lo-d, x.hi+d
	}
	d := (y.hi - y.lo) * room
	y.lo, y.hi = y.lo-d, y.hi+d
	return x, y
}

// words are the named points, and the middle of each series.
func (s Scatter) words() string {
	var out []string
	for _, series := range s.Series {
		var middle Point
		n := 0.0
		for k, v := range series.Points {
			if !s.drawable(v) {
				continue
			}
			if series.Names != nil {
				out = append(out, fmt.Sprintf("%s at %s, %s", cut(series.Names[k], maxName), withError(v.X, series.error(k).X), withError(v.Y, series.error(k).Y)))
			}
			middle.X, middle.Y = middle.X+v.X, middle.Y+v.Y
			n++
		}
		if series.Names == nil && n > 0 {
			out = append(out, fmt.Sprintf("%s: %.0f points around %.4g, %.4g", cut(series.Name, maxName), n, middle.X/n, middle.Y/n))
		}
	}
	return strings.Join(out, "; ")
}
