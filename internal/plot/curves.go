package plot

import (
	"fmt"
	"math"
	"strings"
)

// Curves draws training and validation loss against the step.
type Curves struct {
	Title          string
	XLabel, YLabel string
	Log            bool // logarithmic y; values ≤ 0 are then left out
	Runs           []Run
}

// Run is the two lines of one run; either may be empty.
type Run struct {
	Name  string
	Train []Point // thin line; thinned to what the width can show
	Valid []Point // thick line with a marker at each point
}

// Point is a value at a step. NaN and Inf leave a gap in the line.
type Point struct{ X, Y float64 }

const (
	curvesWidth  = 680
	curvesHeight = 320
	// buckets is how many columns a long line is thinned to. A column keeps
	// its first, least, greatest and last point, so no spike is lost.
	buckets = 340
)

// Draw lays the curves out. Runs without a drawable point only take their
// place in the legend.
func (c Curves) Draw() *Picture {
	p, top := newPicture(c.Title)
	p.values = c.words()
	x, y := c.axes()
	yTicks := y.ticks(6)
	widest := 0.0
	for _, t := range yTicks {
		widest = max(widest, textWidth(t.label, tickSize))
	}
	left := margin + labelSize + 10 + widest + 7
	x.from, x.to = left, left+curvesWidth
	y.from, y.to = top+curvesHeight, top
	frame(p, x, y, x.ticks(8), yTicks, c.XLabel, c.YLabel)
	for i, run := range c.Runs {
		s := stroke{paint: solid(seriesColour(i)), width: 1.2, alpha: 0.45}
		for _, part := range c.parts(run.Train) {
			drawLine(p, x, y, thin(part), s, fmt.Sprintf("%s, training, at %s", cut(run.Name, maxName), cut(c.XLabel, 20)))
		}
	}
	for i, run := range c.Runs { // above every training line
		colour := seriesColour(i)
		for _, part := range c.parts(run.Valid) {
			drawLine(p, x, y, part, stroke{paint: solid(colour), width: 2.2}, "")
			for _, v := range part {
				p.add(marker(i, x.at(v.X), y.at(v.Y), 4, colour, fmt.Sprintf("%s: %s %g: %.4f", cut(run.Name, maxName), cut(c.XLabel, 20), v.X, v.Y)))
			}
		}
	}
	bottom := p.legend(c.keys(), left, y.from+22+labelSize+10, curvesWidth)
	return p.finish(left+curvesWidth+margin+10, bottom+margin)
}

// words are the ends of the lines.
func (c Curves) words() string {
	var b strings.Builder
	for _, run := range c.Runs {
		fmt.Fprintf(&b, "%s:", cut(run.Name, maxName))
		for _, l := range []struct {
			name   string
			points []Point
		}{{"training", run.Train}, {"validation", run.Valid}} {
			parts := c.parts(l.points)
			if len(parts) == 0 {
				continue
			}
			last := parts[len(parts)-1]
			from, to := parts[0][0], last[len(last)-1]
			fmt.Fprintf(&b, " %s %.4g at %s %g to %.4g at %g,", l.name, from.Y, cut(c.XLabel, 20), from.X, to.Y, to.X)
		}
		b.WriteString(" ")
	}
	return strings.TrimRight(b.String(), " ,")
}

func (c Curves) drawable(v Point) bool {
	return finite(v.X) && finite(v.Y) && (!c.Log || v.Y > 0)
}

// axes returns the value ranges; pixels are set by Draw.
func (c Curves) axes() (x, y axis) {
	x = axis{lo: math.Inf(1), hi: math.Inf(-1)}
	y = axis{lo: math.Inf(1), hi: math.Inf(-1), log: c.Log}
	for _, run := range c.Runs {
		for _, points := range [][]Point{run.Train, run.Valid} {
			for _, v := range points {
				if c.drawable(v) {
					x.lo, x.hi = bounds(x.lo, x.hi, finite, v.X)
					y.lo, y.hi = bounds(y.lo, y.hi, finite, v.Y)
				}
			}
		}
	}
	if c.Log && y.lo > y.hi {
		y.lo, y.hi = 1, 10
	}
	x.lo, x.hi = spread(x.lo, x.hi)
	y.lo, y.hi = spread(y.lo, y.hi)
	const room = 0.05 // of the range, above and below
	if c.Log {
		r := math.Pow(y.hi/y.lo, room)
		y.lo, y.hi = y.lo/r, y.hi*r
	} else {
		d := (y.hi - y.lo) * room
		y.lo, y.hi = y.lo-d, y.hi+d
	}
	return x, y
}

// parts splits points where one cannot be drawn.
func (c Curves) parts(points []Point) [][]Point {
	var out [][]Point
	begin := 0
	for i := 0; i <= len(points); i++ {
		if i < len(points) && c.drawable(points[i]) {
			continue
		}
		if i > begin {
			out = append(out, points[begin:i])
		}
		begin = i + 1
	}
	return out
}

// thin keeps first, least, greatest and last point of each of equal runs.
func thin(points []Point) []Point {
	if len(points) <= 4*buckets {
		return points
	}
	var out []Point
	for b := range buckets {
		part := points[b*len(points)/buckets : (b+1)*len(points)/buckets]
		least, greatest := 0, 0
		for i, v := range part {
			if v.Y < part[least].Y {
				least = i
			}
			if v.Y > part[greatest].Y {
				greatest = i
			}
		}
		last := -1
		for _, i := range []int{0, min(least, greatest), max(least, greatest), len(part) - 1} {
			if i > last {
				out = append(out, part[i])
				last = i
			}
		}
	}
	return out
}

// drawLine draws a line through points; one with a tip, what it is, can be read at each.
func drawLine(p *Picture, x, y axis, points []Point, s stroke, tip string) {
	l := poly{stroke: s, tip: tip}
	if tip != "" {
		l.values = points
	}
	for _, v := range points {
		l.points = append(l.points, point{x.at(v.X), y.at(v.Y)})
	}
	if len(l.points) > 1 {
		p.add(l)
	}
}

func (c Curves) keys() []key {
	var keys []key
	train, valid := false, false
	for i, run := range c.Runs {
		train, valid = train || len(run.Train) > 0, valid || len(run.Valid) > 0
		keys = append(keys, key{cut(run.Name, maxName), func(p *Picture, x, y float64) {
			p.line(x, y, x+keyWidth, y, stroke{paint: solid(seriesColour(i)), width: 2.2})
			p.add(marker(i, x+keyWidth/2, y, 4, seriesColour(i), ""))
		}})
	}
	if train && valid {
		keys = append(keys, key{"thin: training", func(p *Picture, x, y float64) {
			p.line(x, y, x+keyWidth, y, stroke{paint: themed(muted), width: 1.2, alpha: 0.7})
		}}, key{"marked: validation", func(p *Picture, x, y float64) {
			p.line(x, y, x+keyWidth, y, stroke{paint: themed(muted), width: 2.2})
			p.add(rect{x: x + keyWidth/2 - 3.5, y: y - 3.5, w: 7, h: 7, fill: themed(muted)})
		}})
	}
	return keys
}

// frame draws grid lines, tick labels and axis labels of a plot whose y axis
// has ticks; both axes know their pixels.
func frame(p *Picture, x, y axis, xTicks, yTicks []tick, xLabel, yLabel string) {
	for _, t := range yTicks {
		at := math.Round(y.at(t.value)) + 0.5
		p.line(x.from, at, x.to, at, stroke{paint: themed(grid), width: 1})
		p.add(text{x: x.from - 7, y: at + 4, s: t.label, size: tickSize, anchor: end, fill: themed(ink)})
	}
	base := math.Round(y.from) + 0.5
	p.line(x.from, base, x.to, base, stroke{paint: themed(ink), width: 1})
	for _, t := range xTicks {
		at := x.at(t.value)
		p.line(at, base, at, base+4, stroke{paint: themed(ink), width: 1})
		p.add(text{x: at, y: base + 16, s: t.label, size: tickSize, anchor: middle, fill: themed(ink)})
	}
	p.add(text{x: (x.from + x.to) / 2, y: base + 22 + labelSize, s: cut(xLabel, 60), size: labelSize, anchor: middle, fill: themed(ink)},
		text{x: margin + labelSize - 2, y: (y.from + y.to) / 2, s: cut(yLabel, 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
}
