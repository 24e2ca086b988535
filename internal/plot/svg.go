package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// svgWriter gathers the document. Writes to a bytes.Buffer cannot fail.
type svgWriter struct{ bytes.Buffer }

func (w *svgWriter) printf(format string, args ...any) { fmt.Fprintf(&w.Buffer, format, args...) }

// SVG returns the picture as one <svg> element: it may stand in an HTML page
// or alone in a file. Its <title> and <desc> say what is drawn, with the values, to
// those who hear it read. Its class is "lamina-plot", its style rules apply to
// that class only, and its colours follow prefers-color-scheme on screens.
func (p *Picture) SVG() string {
	var w svgWriter
	w.printf(`<svg xmlns="http://www.w3.org/2000/svg" class="lamina-plot" width="%s" height="%s" viewBox="0 0 %s %s" role="img">`,
		num(p.width), num(p.height), num(p.width), num(p.height))
	if p.title != "" {
		w.printf("<title>%s</title>", escape(p.title))
	}
	if p.values != "" {
		w.printf("<desc>%s</desc>", escape(p.values))
	}
	w.WriteString("<style>" + styleRules() + "</style>\n")
	w.printf(`<rect width="%s" height="%s" class="f%d"/>`+"\n", num(p.width), num(p.height), paper)
	for _, s := range p.shapes {
		s.svg(&w)
		w.WriteByte('\n')
	}
	w.WriteString("</svg>\n")
	return w.String()
}

// styleRules gives theme colour t the classes ft (fill) and st (stroke). Plain
// colours, no variables: viewers other than browsers know no var().
func styleRules() string {
	var b strings.Builder
	rules := func(colours [themes]rgb) {
		for t := ink; t < themes; t++ {
			c := colours[t].hex()
			fmt.Fprintf(&b, ".lamina-plot .f%d{fill:%s}.lamina-plot .s%d{stroke:%s}", t, c, t, c)
		}
	}
	b.WriteString(`.lamina-plot text{font-family:system-ui,"Liberation Sans",Arial,sans-serif}`)
	rules(lightTheme)
	b.WriteString("@media screen and (prefers-color-scheme:dark){")
	rules(darkTheme)
	b.WriteString("}")
	return b.String()
}

// num writes a coordinate with at most two decimals: a fiftieth of a pixel at
// double density is below what anything can show.
func num(x float64) string {
	s := strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	return s
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer does not fail
	return b.String()
}

// fillAttrs returns the attributes that paint an area.
func fillAttrs(p paint) string {
	switch p.theme {
	case none:
		return ` fill="none"`
	case fixed:
		return fmt.Sprintf(` fill="%s"`, p.fixed.hex())
	}
	return fmt.Sprintf(` class="f%d"`, p.theme)
}

// paintAttrs returns the attributes of an area with an outline. An element has one class
// attribute, so fill and stroke are written together.
func paintAttrs(fill paint, s stroke) string {
	if s.width == 0 || s.paint.theme == none {
		return fillAttrs(fill)
	}
	var b strings.Builder
	var classes []string
	if fill.theme > fixed {
		classes = append(classes, fmt.Sprintf("f%d", fill.theme))
	} else {
		b.WriteString(fillAttrs(fill))
	}
	if s.paint.theme > fixed {
		classes = append(classes, fmt.Sprintf("s%d", s.paint.theme))
	} else {
		fmt.Fprintf(&b, ` stroke="%s"`, s.paint.fixed.hex())
	}
	if len(classes) > 0 {
		fmt.Fprintf(&b, ` class="%s"`, strings.Join(classes, " "))
	}
	if s.width != 1 {
		fmt.Fprintf(&b, ` stroke-width="%s"`, num(s.width))
	}
	if s.dash {
		b.WriteString(` stroke-dasharray="4 3"`)
	}
	if s.alpha != 0 {
		fmt.Fprintf(&b, ` stroke-opacity="%s"`, num(s.alpha))
	}
	return b.String()
}

// closeWithTip ends an element, holding tip where there is one.
func (w *svgWriter) closeWithTip(name, tip string) {
	if tip == "" {
		w.WriteString("/>")
		return
	}
	w.printf("><title>%s</title></%s>", escape(tip), name)
}

func (r rect) svg(w *svgWriter) {
	w.printf(`<rect x="%s" y="%s" width="%s" height="%s"%s`, num(r.x), num(r.y), num(r.w), num(r.h), paintAttrs(r.fill, r.stroke))
	w.closeWithTip("rect", r.tip)
}

func (l poly) svg(w *svgWriter) {
	name := "polyline"
	if l.fill.theme != none {
		name = "polygon"
	}
	w.printf(`<%s points="`, name)
	for i, p := range l.points {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.WriteString(num(p.x) + "," + num(p.y))
	}
	w.WriteString(`"` + paintAttrs(l.fill, l.stroke))
	if name == "polyline" && len(l.points) > 2 {
		w.WriteString(` stroke-linejoin="round"`)
	}
	for i, v := range l.values {
		w.printf(`%s%s %s`, [2]string{` data-points="`, " "}[min(i, 1)], strconv.FormatFloat(v.X, 'g', -1, 64), strconv.FormatFloat(v.Y, 'g', 5, 64))
	}
	if len(l.values) > 0 {
		w.WriteByte('"')
	}
	w.closeWithTip(name, l.tip)
}

func (g cells) svg(w *svgWriter) {
	w.printf(`<g transform="translate(%s %s) scale(%s)" shape-rendering="crispEdges"`, num(g.x), num(g.y), num(g.size))
	for i, row := range g.values {
		w.WriteString([2]string{` data-values="`, ";"}[min(i, 1)])
		for j, v := range row {
			w.WriteString([2]string{"", " "}[min(j, 1)] + formatValue(v))
		}
	}
	if len(g.values) > 0 {
		w.WriteByte('"')
	}
	w.WriteByte('>')
	for i, row := range g.rows {
		for j, p := range row {
			w.printf(`<path d="M%d %dh1v1h-1z"%s`, j, i, fillAttrs(p))
			tip := ""
			if g.tip != nil {
				tip = g.tip(i, j)
			}
			w.closeWithTip("path", tip)
		}
		w.WriteByte('\n')
	}
	w.WriteString("</g>")
}

func (t text) svg(w *svgWriter) {
	if t.upward {
		w.printf(`<text transform="translate(%s %s) rotate(-90)"`, num(t.x), num(t.y))
	} else {
		w.printf(`<text x="%s" y="%s"`, num(t.x), num(t.y))
	}
	w.printf(` font-size="%s"`, num(t.size))
	switch t.anchor {
	case middle:
		w.WriteString(` text-anchor="middle"`)
	case end:
		w.WriteString(` text-anchor="end"`)
	}
	if t.bold {
		w.WriteString(` font-weight="bold"`)
	}
	w.printf("%s>%s</text>", fillAttrs(t.fill), escape(t.s))
}
