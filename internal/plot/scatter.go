package plot

import (
	"fmt"
	"math"
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
}

const (
	scatterWidth  = 560
	scatterHeight = 420
)

// Draw lays the points out. It panics where names are not as many as points.
func (s Scatter) Draw() *Picture {
	for _, series := range s.Series {
		if series.Names != nil && len(series.Names) != len(series.Points) {
			panic(fmt.Sprintf("plot: Scatter: %d names of %d points", len(series.Names), len(series.Points)))
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
			if series.Names != nil {
				name = cut(series.Names[k], maxName)
				p.add(text{x: x.at(v.X) + 7, y: y.at(v.Y) - 5, s: name, size: smallSize, fill: themed(ink)})
			}
			p.add(marker(i, x.at(v.X), y.at(v.Y), r, colour, fmt.Sprintf("%s: %.4g, %.4g", name, v.X, v.Y)))
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

func (s Scatter) drawable(v Point) bool { return finite(v.X) && finite(v.Y) && (!s.LogX || v.X > 0) }

// axes returns the ranges of all points; pixels are set by Draw.
func (s Scatter) axes() (x, y axis) {
	x, y = axis{lo: math.Inf(1), hi: math.Inf(-1), log: s.LogX}, axis{lo: math.Inf(1), hi: math.Inf(-1)}
	for _, series := range s.Series {
		for _, v := range series.Points {
			if s.drawable(v) {
				x.lo, x.hi = bounds(x.lo, x.hi, finite, v.X)
				y.lo, y.hi = bounds(y.lo, y.hi, finite, v.Y)
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
				out = append(out, fmt.Sprintf("%s at %.4g, %.4g", cut(series.Names[k], maxName), v.X, v.Y))
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
