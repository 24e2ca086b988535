package plot

import (
	"fmt"
	"math"
	"strings"
)

// TokenGrid draws what the layers of one or more models say of each position of a text: a
// panel a model, a cell with a word for each layer and position, coloured by a value that
// stands below the word.
type TokenGrid struct {
	Title      string
	Columns    []string // the text, a token a column
	RowLabel   string   // what the numbers of the rows count
	ValueLabel string   // what a value is, at the colour scale
	Panels     []TokenPanel

	// Min and Max are the ends of the colour scale; both 0: from 0 to the largest value.
	Min, Max float64
}

// TokenPanel is one model, its rows from the bottom up.
type TokenPanel struct {
	Title string
	Rows  []TokenRow
}

// TokenRow is one layer: as many cells as the grid has columns, or none where the model has
// no such layer.
type TokenRow struct {
	Label string
	Cells []TokenCell
}

// TokenCell is a word, its value, and what a browser shows under the pointer.
type TokenCell struct {
	Word  string
	Value float64
	Tip   string
}

// Sizes of a token grid.
const (
	tokenWidth   = 64
	tokenHeight  = 27
	tokenLetters = 9 // of a word in a cell
	tokenGap     = 26
	panelsInLine = 2
)

// Draw lays the grid out. It panics where there is nothing to draw, or a row has another
// number of cells than there are columns.
func (g TokenGrid) Draw() *Picture {
	g.check()
	p, top := newPicture(g.Title)
	p.values = g.words()
	a := g.axis()
	label := 0.0
	for _, panel := range g.Panels {
		for _, r := range panel.Rows {
			label = max(label, textWidth(r.Label, tickSize))
		}
	}
	left := float64(margin+labelSize) + 8 + label + 6
	wide := tokenWidth * float64(len(g.Columns))
	right, bottom := 0.0, top
	for line := 0; line < len(g.Panels); line += panelsInLine {
		most := 0
		panels := g.Panels[line:min(line+panelsInLine, len(g.Panels))]
		for _, panel := range panels {
			most = max(most, len(panel.Rows))
		}
		x := left
		for i, panel := range panels {
			g.panel(p, a, panel, x, bottom, i == 0)
			right = max(right, x+wide)
			x += wide + label + tokenGap
		}
		bottom += 22 + float64(most)*tokenHeight + 18 + tokenGap
	}
	scaleTop := top + 22
	a.from, a.to = scaleTop+220, scaleTop
	right = HeatMap{ValueLabel: g.ValueLabel}.scale(p, a, right+22, scaleTop)
	return p.finish(right+margin, max(bottom-tokenGap, scaleTop+230)+margin)
}

func (g TokenGrid) check() {
	if len(g.Columns) == 0 || len(g.Panels) == 0 {
		panic("plot: TokenGrid: nothing to draw")
	}
	for _, panel := range g.Panels {
		for _, r := range panel.Rows {
			if len(r.Cells) != 0 && len(r.Cells) != len(g.Columns) {
				panic(fmt.Sprintf("plot: TokenGrid: row %s has %d cells for %d columns", r.Label, len(r.Cells), len(g.Columns)))
			}
		}
	}
}

// axis maps values to the colour scale.
func (g TokenGrid) axis() axis {
	lo, hi := g.Min, g.Max
	if lo == 0 && hi == 0 {
		for _, panel := range g.Panels {
			for _, r := range panel.Rows {
				for _, c := range r.Cells {
					if finite(c.Value) {
						hi = max(hi, c.Value)
					}
				}
			}
		}
		if hi == 0 {
			hi = 1
		}
		step, _ := niceStep(hi / 10)
		hi = math.Ceil(hi/step-1e-9) * step
	}
	if !(lo < hi) {
		panic(fmt.Sprintf("plot: TokenGrid: Min %g is not below Max %g", lo, hi))
	}
	return axis{lo: lo, hi: hi}
}

// colour is that of a value.
func (g TokenGrid) colour(a axis, v float64) paint {
	if !finite(v) {
		return themed(grid)
	}
	return solid(scale((v - a.lo) / (a.hi - a.lo)))
}

// panel draws one model with its upper left corner at (x, y), the last row on top.
func (g TokenGrid) panel(p *Picture, a axis, panel TokenPanel, x, y float64, first bool) {
	wide := tokenWidth * float64(len(g.Columns))
	p.add(text{x: x, y: y + 14, s: cut(panel.Title, int(wide/7)), size: labelSize, bold: true, fill: themed(ink)})
	y += 22
	n := len(panel.Rows)
	for i, r := range panel.Rows {
		at := y + float64(n-1-i)*tokenHeight
		p.add(text{x: x - 5, y: at + tokenHeight/2 + 4, s: r.Label, size: tickSize, anchor: end, fill: themed(ink)})
		if len(r.Cells) == 0 {
			p.add(rect{x: x, y: at, w: wide, h: tokenHeight, stroke: stroke{paint: themed(grid), width: 1, dash: true}, tip: r.Label + ": not in this model"},
				text{x: x + wide/2, y: at + tokenHeight/2 + 4, s: "–", size: smallSize, anchor: middle, fill: themed(muted)})
			continue
		}
		for k, c := range r.Cells {
			g.cell(p, a, c, x+float64(k)*tokenWidth, at)
		}
	}
	below := y + float64(n)*tokenHeight
	for k, word := range g.Columns {
		p.add(text{x: x + (float64(k)+0.5)*tokenWidth, y: below + 14, s: shown(word), size: tickSize, anchor: middle, fill: themed(ink)})
	}
	if first {
		p.add(text{x: margin + labelSize - 2, y: y + float64(n)*tokenHeight/2, s: cut(g.RowLabel, 60), size: labelSize, anchor: middle, upward: true, fill: themed(ink)})
	}
}

// cell draws a word over its value.
func (g TokenGrid) cell(p *Picture, a axis, c TokenCell, x, y float64) {
	fill := g.colour(a, c.Value)
	p.add(rect{x: x, y: y, w: tokenWidth, h: tokenHeight, fill: fill, stroke: stroke{paint: themed(paper), width: 1}, tip: c.Tip})
	write := themed(ink)
	if fill.theme == fixed {
		write = solid(over(fill.fixed))
	}
	p.add(text{x: x + tokenWidth/2, y: y + 12, s: shown(c.Word), size: smallSize + 1, anchor: middle, fill: write},
		text{x: x + tokenWidth/2, y: y + 23, s: cellValue(c.Value), size: smallSize - 1, anchor: middle, fill: write})
}

func cellValue(v float64) string {
	if !finite(v) {
		return "–"
	}
	return shortValue(v)
}

// shown is a token as it is set: blanks and line ends are seen, and a long one is cut.
func shown(word string) string {
	word = strings.NewReplacer(" ", "·", "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(word)
	word = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '�'
		}
		return r
	}, word)
	if word == "" {
		return "(empty)"
	}
	return cut(word, tokenLetters)
}

// words says the picture in words and numbers: the uppermost row of each panel.
func (g TokenGrid) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d columns (%s), colours by %s.", cut(g.Title, 120), len(g.Columns), cut(strings.Join(g.Columns, " "), 200), g.ValueLabel)
	for _, panel := range g.Panels {
		if len(panel.Rows) == 0 {
			continue
		}
		last := panel.Rows[len(panel.Rows)-1]
		var said []string
		for _, c := range last.Cells {
			said = append(said, fmt.Sprintf("%s %s", shown(c.Word), cellValue(c.Value)))
		}
		fmt.Fprintf(&b, " %s: %d rows, on top %s.", cut(panel.Title, 80), len(panel.Rows), strings.Join(said, ", "))
	}
	return b.String()
}
