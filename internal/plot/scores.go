package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Scores draws one line per row with a marker per series and its standard
// error: points instead of bars, because an axis of accuracies need not begin
// at zero.
type Scores struct {
	Title  string
	XLabel string   // what a value is
	Series []string // names of Row.Values, in order
	Rows   []Row

	// Marks are upright lines across all rows, e.g. chance.
	Marks []Mark
}

// Row is one line of [Scores].
type Row struct {
	Name   string
	Values []Estimate // one per series
}

// Estimate is a value ± its standard error, in the axis's unit. A value that is
// not finite is absent; an error that is not > 0 draws no whisker. Label, where
// given, stands at the right edge, exactly as the caller's table has it.
type Estimate struct {
	Value, StdErr float64
	Label         string
}

// Mark is a named reference value.
type Mark struct {
	Name  string
	Value float64
}

const (
	scoresWidth = 460
	scoreLine   = 15 // height of one series within a row
	scoreGap    = 9  // between rows
)

// Draw lays the rows out. It panics where a row has not one value per series.
func (s Scores) Draw() *Picture {
	p, top := newPicture(s.Title)
	p.values = s.words()
	nameWidth, labelWidth := s.measure()
	left := margin + nameWidth + 12
	rowHeight := float64(scoreLine*len(s.Series) + scoreGap)
	x := s.axis()
	x.from, x.to = left, left+scoresWidth
	names, room := s.markNames(x, top)
	p.add(names...)
	top += room
	bottom := top + rowHeight*float64(len(s.Rows))
	for _, t := range x.ticks(8) {
		at := math.Round(x.at(t.value)) + 0.5
		p.line(at, top, at, bottom, stroke{paint: themed(grid), width: 1})
		p.add(text{x: at, y: bottom + 15, s: t.label, size: tickSize, anchor: middle, fill: themed(ink)})
	}
	p.add(text{x: left + scoresWidth/2, y: bottom + 22 + labelSize, s: cut(s.XLabel, 60), size: labelSize, anchor: middle, fill: themed(ink)})
	for i, row := range s.Rows {
		y := top + rowHeight*float64(i)
		p.line(margin, y+rowHeight, left+scoresWidth, y+rowHeight, stroke{paint: themed(grid), width: 1})
		p.add(text{x: left - 10, y: y + rowHeight/2 + 4, s: cut(row.Name, maxName), size: labelSize, anchor: end, fill: themed(ink)})
		for k, v := range row.Values {
			s.estimate(p, x, y+scoreGap/2+scoreLine*(float64(k)+0.5), k, row.Name, v)
		}
	}
	s.marks(p, x, top, bottom)
	end := bottom + 22 + labelSize + 10
	if len(s.Series) > 1 {
		end = p.legend(s.keys(), left, end, scoresWidth)
	}
	return p.finish(left+scoresWidth+14+labelWidth+margin, end+margin/2)
}

// measure checks the rows and returns the widths of names and labels.
func (s Scores) measure() (names, labels float64) {
	for i, row := range s.Rows {
		if len(row.Values) != len(s.Series) {
			panic(fmt.Sprintf("plot: Scores: row %d has %d values for %d series", i, len(row.Values), len(s.Series)))
		}
		names = max(names, textWidth(cut(row.Name, maxName), labelSize))
		for _, v := range row.Values {
			labels = max(labels, textWidth(cut(v.Label, maxName), smallSize))
		}
	}
	return names, labels
}

// words are the values of each row.
func (s Scores) words() string {
	var rows []string
	for _, row := range s.Rows {
		var values []string
		for k, v := range row.Values {
			if finite(v.Value) {
				values = append(values, cut(s.Series[k], maxName)+" "+v.tip())
			}
		}
		rows = append(rows, cut(row.Name, maxName)+": "+strings.Join(values, ", "))
	}
	return strings.Join(rows, "; ")
}

func (s Scores) axis() axis {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range s.Rows {
		for _, v := range row.Values {
			if !finite(v.Value) {
				continue
			}
			e := v.whisker()
			lo, hi = bounds(lo, hi, finite, v.Value-e, v.Value+e)
		}
	}
	for _, m := range s.Marks {
		lo, hi = bounds(lo, hi, finite, m.Value)
	}
	lo, hi = spread(lo, hi)
	d := (hi - lo) * 0.06
	return axis{lo: lo - d, hi: hi + d}
}

// whisker returns the standard error where there is one to draw, else 0.
func (v Estimate) whisker() float64 {
	if finite(v.StdErr) && v.StdErr > 0 {
		return v.StdErr
	}
	return 0
}

func (s Scores) estimate(p *Picture, x axis, y float64, k int, row string, v Estimate) {
	if v.Label != "" {
		p.add(text{x: x.to + 10, y: y + 3.5, s: cut(v.Label, maxName), size: smallSize, fill: themed(muted)})
	}
	if !finite(v.Value) {
		return
	}
	colour := seriesColour(k)
	if e := v.whisker(); e > 0 {
		line := stroke{paint: solid(colour), width: 1.6}
		a, b := x.at(v.Value-e), x.at(v.Value+e)
		p.line(a, y, b, y, line)
		p.line(a, y-3.5, a, y+3.5, line)
		p.line(b, y-3.5, b, y+3.5, line)
	}
	p.add(marker(k, x.at(v.Value), y, 4.5, colour, fmt.Sprintf("%s, %s: %s", cut(row, maxName), cut(s.Series[k], maxName), v.tip())))
}

func (v Estimate) tip() string {
	switch {
	case v.Label != "":
		return cut(v.Label, maxName)
	case v.whisker() > 0:
		return fmt.Sprintf("%.4g ± %.2g", v.Value, v.StdErr)
	}
	return fmt.Sprintf("%.4g", v.Value)
}

// markNames returns the names of the marks, set above the rows in as many lines
// as keep them from overlapping, and the height they take.
func (s Scores) markNames(x axis, top float64) (names []shape, room float64) {
	const lineHeight, gap = 13, 8
	var lines [][]point // from (x) to (y) of each name already in the line
	for _, m := range s.Marks {
		if !finite(m.Value) {
			continue
		}
		name := cut(m.Name, maxName)
		half := textWidth(name, smallSize) / 2
		// Kept inside the plot, so that a name at its edge is not cut off.
		at := min(max(x.at(m.Value), x.from+half), x.to-half)
		free := func(line []point) bool {
			return !slices.ContainsFunc(line, func(t point) bool { return at-half < t.y+gap && t.x < at+half+gap })
		}
		k := slices.IndexFunc(lines, free)
		if k < 0 {
			k = len(lines)
			lines = append(lines, nil)
		}
		lines[k] = append(lines[k], point{at - half, at + half})
		names = append(names, text{x: at, y: top + lineHeight*float64(k+1) - 1, s: name, size: smallSize, anchor: middle, fill: themed(muted)})
	}
	if len(lines) > 0 {
		room = lineHeight*float64(len(lines)) + 5
	}
	return names, room
}

// marks draws the reference lines.
func (s Scores) marks(p *Picture, x axis, top, bottom float64) {
	for _, m := range s.Marks {
		if finite(m.Value) {
			at := x.at(m.Value)
			p.line(at, top, at, bottom, stroke{paint: themed(muted), width: 1.4, dash: true})
		}
	}
}

func (s Scores) keys() []key {
	keys := make([]key, len(s.Series))
	for i, name := range s.Series {
		keys[i] = key{cut(name, maxName), func(p *Picture, x, y float64) {
			p.line(x, y, x+keyWidth, y, stroke{paint: solid(seriesColour(i)), width: 1.6})
			p.add(marker(i, x+keyWidth/2, y, 4.5, seriesColour(i), ""))
		}}
	}
	return keys
}
