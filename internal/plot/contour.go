package plot

import (
	"math"
)

const (
	mapPixels = 128 // places a side that the map is filled at
	mapBands  = 14  // about how many colours it has
)

// segments are lines of two points each, in one stroke.
type segments struct {
	ends   []point // two for each
	stroke stroke
	tip    string
}

func (l segments) svg(w *svgWriter) {
	w.WriteString(`<path d="`)
	for i := 0; i+1 < len(l.ends); i += 2 {
		w.printf("M%s %sL%s %s", num(l.ends[i].x), num(l.ends[i].y), num(l.ends[i+1].x), num(l.ends[i+1].y))
	}
	w.WriteString(`"` + paintAttrs(paint{}, l.stroke))
	w.closeWithTip("path", l.tip)
}

func (l segments) raster(c *canvas) {
	for i := 0; i+1 < len(l.ends); i += 2 {
		c.paint(l.ends[i:i+2], false, paint{}, l.stroke)
	}
}

// chart draws the map with lines of equal value, named places and the scale, and returns its
// right edge.
func (s Surface) chart(p *Picture, values axis, left, top float64) float64 {
	left += labelSize + 34
	x := axis{lo: s.X[0], hi: s.X[len(s.X)-1], from: left, to: left + mapSide}
	y := axis{lo: s.Y[0], hi: s.Y[len(s.Y)-1], from: top + mapSide, to: top}
	bands := values.ticks(mapBands)
	s.fill(p, values, bands, x, y)
	for _, t := range bands {
		if l := s.contour(t.value, x, y); len(l) > 0 {
			p.add(segments{ends: l, stroke: stroke{paint: solid(black), width: 0.7, alpha: 0.55}, tip: level(t.value)})
		}
	}
	p.add(rect{x: left, y: top, w: mapSide, h: mapSide, stroke: stroke{paint: themed(ink), width: 1}})
	for _, t := range x.ticks(8) {
		p.line(x.at(t.value), y.from, x.at(t.value), y.from+4, stroke{paint: themed(ink), width: 1})
		p.add(text{x: x.at(t.value), y: y.from + 16, s: t.label, size: tickSize, anchor: middle, fill: themed(ink)})
	}
	for _, t := range y.ticks(8) {
		p.line(left-4, y.at(t.value), left, y.at(t.value), stroke{paint: themed(ink), width: 1})
		p.add(text{x: left - 7, y: y.at(t.value) + 4, s: t.label, size: tickSize, anchor: end, fill: themed(ink)})
	}
	p.add(text{x: left + mapSide/2, y: y.from + 22 + labelSize, s: cut(s.XLabel, 60), size: labelSize, anchor: middle, fill: themed(ink)},
		text{x: left - 38, y: top + mapSide/2, s: cut(s.YLabel, 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
	for i, spot := range s.Spots {
		if s.inside(spot) {
			p.add(spotMark(i, x.at(spot.X), y.at(spot.Y), spot.tip()))
		}
	}
	return s.bar(p, values, bands, left+mapSide+20, top)
}

// fill paints the map in bands: runs of equal colour, of values between the places of the
// grid by bilinear interpolation.
func (s Surface) fill(p *Picture, values axis, bands []tick, x, y axis) {
	const size = float64(mapSide) / mapPixels
	for i := range mapPixels {
		from := 0
		band := func(j int) int {
			u := x.lo + (x.hi-x.lo)*(float64(j)+0.5)/mapPixels
			v := y.hi - (y.hi-y.lo)*(float64(i)+0.5)/mapPixels
			return bandOf(bands, s.between(u, v))
		}
		for j := 1; j <= mapPixels; j++ {
			b := band(from)
			if j < mapPixels && band(j) == b {
				continue
			}
			run := rect{x: x.from + float64(from)*size, y: y.to + float64(i)*size, w: float64(j-from) * size, h: size + 1, fill: themed(grid), tip: "missing"}
			if i == mapPixels-1 {
				run.h = size
			}
			if j < mapPixels {
				run.w++ // under the next: no seam of paper between two
			}
			if b >= 0 {
				run.fill, run.tip = s.band(values, bands, b)
			}
			p.add(run)
			from = j
		}
	}
}

// bandOf returns how many of the bands' borders a value is above, -1 for none that is known.
func bandOf(bands []tick, v float64) int {
	if !finite(v) {
		return -1
	}
	n := 0
	for n < len(bands) && v >= bands[n].value {
		n++
	}
	return n
}

// band returns the colour of band b and what it says.
func (s Surface) band(values axis, bands []tick, b int) (paint, string) {
	lo, hi := values.lo, values.hi
	if b > 0 {
		lo = bands[b-1].value
	}
	if b < len(bands) {
		hi = bands[b].value
	}
	return solid(s.colour(values, (lo+hi)/2)), level(lo) + " to " + level(hi)
}

// between is the value at a place by bilinear interpolation, NaN beside a missing one.
func (s Surface) between(u, v float64) float64 {
	j, a := cellOf(s.X, u)
	i, b := cellOf(s.Y, v)
	return (1-b)*((1-a)*s.Values[i][j]+a*s.Values[i][j+1]) + b*((1-a)*s.Values[i+1][j]+a*s.Values[i+1][j+1])
}

// cellOf returns which two places of an axis a coordinate is between, and how far.
func cellOf(axis []float64, at float64) (i int, share float64) {
	for i < len(axis)-2 && at > axis[i+1] {
		i++
	}
	return i, (at - axis[i]) / (axis[i+1] - axis[i])
}

// contour returns the line of a value, in pieces: in each cell of the grid, cut into four
// triangles by its middle, the line where the plane of a triangle has the value.
func (s Surface) contour(at float64, x, y axis) (ends []point) {
	type place struct{ x, y, v float64 }
	cross := func(a, b place) point {
		t := (at - a.v) / (b.v - a.v)
		return point{x.at(a.x + t*(b.x-a.x)), y.at(a.y + t*(b.y-a.y))}
	}
	for i := range len(s.Y) - 1 {
		for j := range len(s.X) - 1 {
			c := [4]place{
				{s.X[j], s.Y[i], s.Values[i][j]}, {s.X[j+1], s.Y[i], s.Values[i][j+1]},
				{s.X[j+1], s.Y[i+1], s.Values[i+1][j+1]}, {s.X[j], s.Y[i+1], s.Values[i+1][j]},
			}
			mid := place{(c[0].x + c[2].x) / 2, (c[0].y + c[2].y) / 2, (c[0].v + c[1].v + c[2].v + c[3].v) / 4}
			if !finite(mid.v) {
				continue
			}
			for k := range 4 {
				three := [3]place{c[k], c[(k+1)%4], mid}
				var got []point
				for e := range 3 {
					if a, b := three[e], three[(e+1)%3]; (a.v < at) != (b.v < at) {
						got = append(got, cross(a, b))
					}
				}
				if len(got) == 2 {
					ends = append(ends, got...)
				}
			}
		}
	}
	return ends
}

// bar draws the scale of the bands and returns its right edge.
func (s Surface) bar(p *Picture, values axis, bands []tick, left, top float64) float64 {
	const width = 16
	y := axis{lo: values.lo, hi: values.hi, from: top + mapSide, to: top}
	widest := 0.0
	for b := 0; b <= len(bands); b++ {
		lo, hi := values.lo, values.hi
		if b > 0 {
			lo = bands[b-1].value
		}
		if b < len(bands) {
			hi = bands[b].value
		}
		if lo >= hi {
			continue
		}
		fill, tip := s.band(values, bands, b)
		p.add(rect{x: left, y: y.at(hi), w: width, h: y.at(lo) - y.at(hi), fill: fill, tip: tip})
	}
	every := max(1, int(math.Ceil(14*float64(len(bands))/mapSide)))
	for i, t := range bands {
		p.line(left, y.at(t.value), left+width+4, y.at(t.value), stroke{paint: themed(ink), width: 0.7})
		if i%every == 0 {
			p.add(text{x: left + width + 7, y: y.at(t.value) + 4, s: t.label, size: tickSize, fill: themed(ink)})
			widest = max(widest, textWidth(t.label, tickSize))
		}
	}
	right := left + width + 7 + widest + 8 + labelSize
	p.add(text{x: right, y: top + mapSide/2, s: cut(s.ValueLabel, 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
	return right + 4
}
