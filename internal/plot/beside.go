package plot

import (
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Beside sets pictures side by side under one title, their tops in one line, in as many
// rows as it takes to be no wider than width (0: one row). It panics where there are none.
func Beside(title string, width float64, pictures ...*Picture) *Picture {
	if len(pictures) == 0 {
		panic("plot: Beside: no pictures")
	}
	p, top := newPicture(title)
	x, y, high, right := 0.0, top-margin, 0.0, 0.0
	var values []string
	for _, q := range pictures {
		if x > 0 && width > 0 && x+q.width > width {
			x, y, high = 0, y+high, 0
		}
		p.add(placed{x, y, q.shapes})
		x += q.width
		high, right = max(high, q.height), max(right, x)
		values = append(values, strings.Join(slices.DeleteFunc([]string{q.title, q.values}, func(s string) bool { return s == "" }), ": "))
	}
	p.values = strings.Join(values, " ")
	return p.finish(right, y+high)
}

// placed are shapes with their origin at (x, y).
type placed struct {
	x, y   float64
	shapes []shape
}

func (g placed) svg(w *svgWriter) {
	w.printf(`<g transform="translate(%s %s)">`+"\n", num(g.x), num(g.y))
	for _, s := range g.shapes {
		s.svg(w)
		w.WriteByte('\n')
	}
	w.WriteString("</g>")
}

func (g placed) raster(c *canvas) {
	c.vg.Push()
	defer c.vg.Pop()
	c.vg.Translate(vg.Point{X: vg.Length(g.x), Y: vg.Length(-g.y)})
	for _, s := range g.shapes {
		s.raster(c)
	}
}
