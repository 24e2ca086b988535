package plot

import (
	"fmt"
	"image/color"
	"io"
	"math"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"

	"lamina/internal/foreign"
)

// pngDensity is how many image pixels a CSS pixel gets, for screens and print.
const pngDensity = 2

// canvas draws shapes on a raster. One vg.Length is one CSS pixel; vg counts
// upwards from the bottom.
type canvas struct {
	vg     *vgimg.Canvas
	height float64
	fonts  *font.Cache
}

// PNG writes the picture at twice its nominal size, in the light theme. The
// fonts are embedded ones without CJK: such names show as boxes here, while SVG
// takes the reader's fonts. An error is w's, or says that the
// library gave up: names in the picture may come from anybody.
func (p *Picture) PNG(w io.Writer) (err error) {
	defer foreign.Recover(&err, "drawing the png")
	c := &canvas{
		vg: vgimg.NewWith(
			vgimg.UseWH(vg.Length(p.width), vg.Length(p.height)),
			vgimg.UseDPI(72*pngDensity), // 72 points to the inch
			vgimg.UseBackgroundColor(color.White),
		),
		height: p.height,
		fonts:  font.NewCache(liberation.Collection()),
	}
	for _, s := range p.shapes {
		s.raster(c)
	}
	if _, err := (vgimg.PngCanvas{Canvas: c.vg}).WriteTo(w); err != nil {
		return fmt.Errorf("write png: %w", err)
	}
	return nil
}

func (c *canvas) point(p point) vg.Point {
	return vg.Point{X: vg.Length(p.x), Y: vg.Length(c.height - p.y)}
}

// paint fills and outlines a path through points.
func (c *canvas) paint(points []point, closed bool, fill paint, s stroke) {
	if len(points) == 0 {
		return
	}
	var path vg.Path
	path.Move(c.point(points[0]))
	for _, p := range points[1:] {
		path.Line(c.point(p))
	}
	if closed {
		path.Close()
	}
	if fill.theme != none {
		c.vg.SetColor(fill.light().rgba())
		c.vg.Fill(path)
	}
	if s.width == 0 || s.paint.theme == none {
		return
	}
	colour := s.paint.light()
	alpha := s.alpha
	if alpha == 0 {
		alpha = 1
	}
	c.vg.SetColor(color.NRGBA{R: colour.r, G: colour.g, B: colour.b, A: uint8(math.Round(alpha * 255))})
	c.vg.SetLineWidth(vg.Length(s.width))
	if s.dash {
		c.vg.SetLineDash([]vg.Length{4, 3}, 0)
	} else {
		c.vg.SetLineDash(nil, 0)
	}
	c.vg.Stroke(path)
}

func (r rect) raster(c *canvas) {
	c.paint([]point{{r.x, r.y}, {r.x + r.w, r.y}, {r.x + r.w, r.y + r.h}, {r.x, r.y + r.h}}, true, r.fill, r.stroke)
}

func (l poly) raster(c *canvas) { c.paint(l.points, l.fill.theme != none, l.fill, l.stroke) }

func (g cells) raster(c *canvas) {
	for i, row := range g.rows {
		for j, p := range row {
			rect{x: g.x + float64(j)*g.size, y: g.y + float64(i)*g.size, w: g.size, h: g.size, fill: p}.raster(c)
		}
	}
}

func (t text) raster(c *canvas) {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if t.bold {
		f.Weight = stdfont.WeightBold
	}
	face := c.fonts.Lookup(f, vg.Length(t.size))
	shift := vg.Length(0)
	switch t.anchor {
	case middle:
		shift = -face.Width(t.s) / 2
	case end:
		shift = -face.Width(t.s)
	}
	c.vg.SetColor(t.fill.light().rgba())
	c.vg.Push()
	defer c.vg.Pop()
	c.vg.Translate(c.point(point{t.x, t.y}))
	if t.upward {
		c.vg.Rotate(math.Pi / 2)
	}
	c.vg.FillString(face, vg.Point{X: shift}, t.s)
}
