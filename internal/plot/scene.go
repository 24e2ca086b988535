package plot

import (
	"io"
	"math"
)

// Picture is a finished drawing; see [Picture.SVG] and [Picture.PNG].
type Picture struct {
	width, height float64 // in CSS pixels, as all lengths here
	title         string
	values        string // what is drawn, in words and numbers
	shapes        []shape
}

// Write writes the picture as a file of that ending: ".png", or ".svg" and all others.
func (p *Picture) Write(w io.Writer, ending string) error {
	if ending == ".png" {
		return p.PNG(w)
	}
	_, err := io.WriteString(w, p.SVG())
	return err
}

// shape is what both writers can draw. Coordinates run right and down.
type shape interface {
	svg(w *svgWriter)
	raster(c *canvas)
}

type point struct{ x, y float64 }

// stroke is how an outline is drawn; width 0 draws none.
type stroke struct {
	paint paint
	width float64
	dash  bool
	alpha float64 // 0 means opaque
}

// rect is an axis-aligned rectangle with an optional tip, the text a browser
// shows under the pointer.
type rect struct {
	x, y, w, h float64
	fill       paint
	stroke     stroke
	tip        string
}

// poly is a line through points, closed and filled where fill is set. Where it has values, one
// for each point, the page's script reads them from the line.
type poly struct {
	points []point
	fill   paint
	stroke stroke
	tip    string
	values []Point
}

// cells is a square grid of coloured unit cells: one shape, because written
// one by one they would be most of a report's bytes.
type cells struct {
	x, y, size float64
	rows       [][]paint
	tip        func(row, col int) string // nil: no tips
	values     [][]float64               // for the page's script, where there are no tips
}

type anchor uint8

const (
	start anchor = iota
	middle
	end
)

// text is one line; (x, y) is on its baseline.
type text struct {
	x, y   float64
	s      string
	size   float64
	anchor anchor
	bold   bool
	upward bool // turned to read from bottom to top
	fill   paint
}

func (p *Picture) add(s ...shape) { p.shapes = append(p.shapes, s...) }

func (p *Picture) line(x1, y1, x2, y2 float64, s stroke) {
	p.add(poly{points: []point{{x1, y1}, {x2, y2}}, stroke: s})
}

// Sizes of text.
const (
	titleSize = 15
	labelSize = 12
	tickSize  = 11
	smallSize = 10
)

const (
	margin    = 14 // around a picture
	titleRoom = 30 // height the title takes
)

// newPicture starts a picture whose body begins at the returned height.
func newPicture(title string) (*Picture, float64) {
	p := &Picture{title: title}
	if title == "" {
		return p, margin
	}
	p.add(text{x: margin, y: margin + titleSize, s: cut(title, 120), size: titleSize, bold: true, fill: themed(ink)})
	return p, margin + titleRoom
}

// finish fixes the size, widening the picture where its title needs it.
func (p *Picture) finish(width, height float64) *Picture {
	width = max(width, 2*margin+textWidth(cut(p.title, 120), titleSize)*1.06) // bold is wider
	p.width, p.height = math.Ceil(width), math.Ceil(height)
	return p
}

// textWidth estimates how wide s is set: the reader's font is unknown, so the
// layout leaves room for a wide sans-serif.
func textWidth(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case r >= 0x1100: // scripts and signs as wide as they are high
			w += 1
		case r >= 'A' && r <= 'Z' || r == 'm' || r == 'w' || r == '%':
			w += 0.74
		case r == 'i' || r == 'l' || r == 'j' || r == 't' || r == 'f' || r == ' ' || r == '.' || r == ',':
			w += 0.34
		default:
			w += 0.57
		}
	}
	return w * size
}

// cut shortens s to n runes; a name from a file must not push the picture apart.
func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// key is one entry of a legend.
type key struct {
	name string
	mark func(p *Picture, x, y float64) // draws in keyWidth × 12 around (x, y) = left, middle
}

const keyWidth = 26

// legend sets keys in lines of at most width and returns the height below them.
func (p *Picture) legend(keys []key, x, y, width float64) float64 {
	const lineHeight, gap = 20, 18
	at := x
	y += lineHeight / 2
	for _, k := range keys {
		w := keyWidth + 6 + textWidth(k.name, labelSize) + gap
		if at > x && at+w-gap > x+width {
			at = x
			y += lineHeight
		}
		k.mark(p, at, y)
		p.add(text{x: at + keyWidth + 6, y: y + 4, s: k.name, size: labelSize, fill: themed(ink)})
		at += w
	}
	return y + lineHeight/2
}

// marker returns the i-th point shape around (x, y): circle, square, diamond,
// triangle, so that series differ without colour too.
func marker(i int, x, y, r float64, c rgb, tip string) poly {
	m := poly{fill: solid(c), stroke: stroke{paint: themed(paper), width: 1}, tip: tip}
	corners, turn := 0, 0.0
	switch (i/len(seriesColours) + i) % 4 {
	case 0:
		corners = 16
	case 1:
		corners, turn, r = 4, math.Pi/4, r*1.2
	case 2:
		corners, r = 4, r*1.25
	case 3:
		corners, turn, r = 3, math.Pi/2, r*1.3
	}
	for k := range corners {
		a := turn + 2*math.Pi*float64(k)/float64(corners)
		m.points = append(m.points, point{x + r*math.Cos(a), y - r*math.Sin(a)})
	}
	return m
}

func seriesColour(i int) rgb { return seriesColours[i%len(seriesColours)] }
