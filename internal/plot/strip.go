package plot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Strip draws layer plans beneath each other, one cell per place, aligned to
// the layers of the original model.
type Strip struct {
	Title  string
	Layers int // of the original model, ≥ 1
	Plans  []Plan
}

// Plan is one row of a [Strip].
type Plan struct {
	Name   string
	Places []Place // in running order
	Maps   []Map   // in running order
}

// Place is one place of a plan: which original layer runs there, whether it is trained,
// and how its block differs from that layer, in the notation of plans (":svd0.5"), "" in
// nothing.
type Place struct {
	Layer     int
	Trainable bool
	Change    string
}

// Map stands between two blocks, with its name in the notation of plans: before a place,
// or after the last one where Before is their number.
type Map struct {
	Before int
	Name   string
}

// role decides how a cell looks.
type role uint8

const (
	trainable role = iota
	frozen
	changed    // at home, but not as the model has it
	sharedCopy // another place runs this layer too, and is its home
	mapped     // no cell: a map between two
	removed    // no place stands in this layer's column
)

// looks: trained cells are the only bold ones, copies the only pale ones, changed ones the
// only low ones, maps lie below the cells, removed ones have no area: the roles stay apart
// in a grey print.
var looks = [...]struct {
	name string
	fill paint
	line stroke
	text paint
	bold bool
	low  bool
}{
	trainable:  {name: "trainable", fill: solid(rgb{0xc2, 0x56, 0x08}), text: solid(white), bold: true},
	frozen:     {name: "frozen", fill: solid(rgb{0x3f, 0x68, 0x9c}), text: solid(white)},
	changed:    {name: "changed", fill: solid(rgb{0x3f, 0x68, 0x9c}), text: solid(white), low: true},
	mapped:     {name: "map", fill: solid(rgb{0x2e, 0x8b, 0x57})},
	sharedCopy: {name: "shared copy", fill: solid(rgb{0xc9, 0xd9, 0xec}), line: stroke{paint: solid(rgb{0x3f, 0x68, 0x9c}), width: 1.5, dash: true}, text: solid(rgb{0x1f, 0x24, 0x2b})},
	removed:    {name: "removed", line: stroke{paint: themed(muted), width: 1, dash: true, alpha: 0.6}, text: themed(muted)},
}

const (
	stripHeight = 24
	stripGap    = 10
	lowTop      = 4 // of low cells, above and below
	mapHeight   = 4
	maxName     = 28
)

// Draw lays the strip out. A place stands in the column of its layer where the
// order allows it; see align. It panics where Layers < 1, a place names a layer
// outside the model, a map a place outside the plan, or there is no plan.
func (s Strip) Draw() *Picture {
	s.check()
	columns, width := s.Layers, 0.0
	for _, plan := range s.Plans {
		columns = max(columns, len(plan.Places))
		width = max(width, textWidth(cut(plan.Name, maxName), labelSize))
	}
	cell := math.Floor(min(max(840/float64(columns), 20), 40))
	p, y := newPicture(s.Title)
	p.values = s.words()
	left := margin + width + 12
	p.add(text{x: left - 10, y: y + tickSize, s: "layer", size: tickSize, anchor: end, fill: themed(muted)})
	for i := range s.Layers {
		p.add(text{x: left + (float64(i)+0.5)*cell, y: y + tickSize, s: strconv.Itoa(i), size: smallSize, anchor: middle, fill: themed(muted)})
	}
	y += tickSize + 7
	used := [len(looks)]bool{}
	for _, plan := range s.Plans {
		p.add(text{x: left - 10, y: y + stripHeight/2 + 4, s: cut(plan.Name, maxName), size: labelSize, anchor: end, fill: themed(ink)})
		for column, c := range plan.cells(s.Layers, columns) {
			if c.role != removed || column < s.Layers {
				used[c.role] = true
				c.draw(p, left+float64(column)*cell, y, cell)
			}
		}
		used[mapped] = used[mapped] || len(plan.Maps) > 0
		plan.drawMaps(p, columns, left, y, cell)
		y += stripHeight + stripGap
	}
	right := left + cell*float64(columns)
	y = p.legend(stripKeys(used), left, y+4, right-left)
	return p.finish(right+margin, y+margin)
}

// words are the plans in their notation: a star trains.
func (s Strip) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Plans over %d layers; a star trains.", s.Layers)
	for _, plan := range s.Plans {
		fmt.Fprintf(&b, " %s:", cut(plan.Name, maxName))
		maps := plan.Maps
		for i := 0; i <= len(plan.Places); i++ {
			for ; len(maps) > 0 && maps[0].Before == i; maps = maps[1:] {
				b.WriteString(" " + maps[0].Name)
			}
			if i == len(plan.Places) {
				break
			}
			fmt.Fprintf(&b, " %d%s", plan.Places[i].Layer, plan.Places[i].Change)
			if plan.Places[i].Trainable {
				b.WriteByte('*')
			}
		}
		b.WriteByte('.')
	}
	return b.String()
}

func (s Strip) check() {
	if s.Layers < 1 || len(s.Plans) == 0 {
		panic(fmt.Sprintf("plot: Strip: %d layers, %d plans", s.Layers, len(s.Plans)))
	}
	for _, plan := range s.Plans {
		for i, place := range plan.Places {
			if place.Layer < 0 || place.Layer >= s.Layers {
				panic(fmt.Sprintf("plot: Strip: plan %q: place %d: layer %d of %d", cut(plan.Name, 128), i, place.Layer, s.Layers))
			}
		}
		for i, m := range plan.Maps {
			if m.Before < 0 || m.Before > len(plan.Places) || i > 0 && m.Before < plan.Maps[i-1].Before {
				panic(fmt.Sprintf("plot: Strip: plan %q: map %d: before place %d of %d", cut(plan.Name, 128), i, m.Before, len(plan.Places)))
			}
		}
	}
}

// stripCell is what stands in one column of one plan.
type stripCell struct {
	role   role
	layer  int
	place  int
	change string
}

// cells returns one cell per column.
func (p Plan) cells(layers, columns int) []stripCell {
	out := make([]stripCell, columns)
	for c := range out {
		out[c] = stripCell{role: removed, layer: c}
	}
	at := align(p.Places, columns)
	homes := p.homes(at)
	for i, place := range p.Places {
		r := frozen
		switch {
		case place.Trainable:
			r = trainable
		case homes[place.Layer] != i:
			r = sharedCopy
		case place.Change != "":
			r = changed
		}
		out[at[i]] = stripCell{r, place.Layer, i, place.Change}
	}
	return out
}

// homes returns for each layer the place its own weights live at: the trained
// one, else the one in the layer's column, else the first.
func (p Plan) homes(at []int) map[int]int {
	homes := make(map[int]int)
	rank := func(i int) int {
		switch {
		case p.Places[i].Trainable:
			return 2
		case at[i] == p.Places[i].Layer:
			return 1
		}
		return 0
	}
	for i, place := range p.Places {
		if j, ok := homes[place.Layer]; !ok || rank(i) > rank(j) {
			homes[place.Layer] = i
		}
	}
	return homes
}

// align gives each place a column, strictly rising, so that the sum of
// distances to the layers' own columns is least; ties go to the left. A plan
// without repeats has distance 0; one of full depth stands place by place.
func align(places []Place, columns int) []int {
	n := len(places)
	// best[i][c]: least distance of places i… in columns c…
	best := make([][]int, n+1)
	for i := range best {
		best[i] = make([]int, columns+1)
	}
	const never = math.MaxInt / 4
	for i := n - 1; i >= 0; i-- {
		best[i][columns] = never
		for c := columns - 1; c >= 0; c-- {
			best[i][c] = min(abs(places[i].Layer-c)+best[i+1][c+1], best[i][c+1])
		}
	}
	at := make([]int, n)
	c := 0
	for i := range places {
		for abs(places[i].Layer-c)+best[i+1][c+1] != best[i][c] {
			c++
		}
		at[i] = c
		c++
	}
	return at
}

func abs(x int) int { return max(x, -x) }

func (c stripCell) draw(p *Picture, x, y, width float64) {
	look := looks[c.role]
	tip := fmt.Sprintf("layer %d: removed", c.layer)
	if c.role != removed {
		tip = fmt.Sprintf("place %d: layer %d%s, %s", c.place, c.layer, c.change, look.name)
	}
	inset, top := 1+look.line.width/2, look.line.width/2
	if look.low {
		top = lowTop
	}
	p.add(rect{x: x + inset, y: y + top, w: width - 2*inset, h: stripHeight - 2*top, fill: look.fill, stroke: look.line, tip: tip},
		text{x: x + width/2, y: y + stripHeight/2 + 4, s: strconv.Itoa(c.layer), size: tickSize, anchor: middle, bold: look.bold, fill: look.text})
}

// drawMaps draws each map below the columns it leads over, from the block before it to the
// one behind.
func (p Plan) drawMaps(to *Picture, columns int, left, y, cell float64) {
	at := align(p.Places, columns)
	for _, m := range p.Maps {
		from, end := left, left+cell*float64(columns)
		where := "at the end"
		if m.Before > 0 {
			from += cell * float64(at[m.Before-1]+1)
		}
		if m.Before < len(at) {
			end = left + cell*float64(at[m.Before])
			where = fmt.Sprintf("before place %d", m.Before)
		}
		reach := cell / 3 // into the two cells that it joins
		to.add(rect{x: from - reach, y: y + stripHeight + 2, w: end - from + 2*reach, h: mapHeight, fill: looks[mapped].fill, tip: fmt.Sprintf("map %s %s", m.Name, where)})
	}
}

// stripKeys explains the roles that occur.
func stripKeys(used [len(looks)]bool) []key {
	var keys []key
	for r, look := range looks {
		if used[r] {
			keys = append(keys, key{look.name, func(p *Picture, x, y float64) {
				top, height := 0.0, 14.0
				switch {
				case role(r) == mapped:
					top, height = 5, mapHeight
				case look.low:
					top, height = 3, 8
				}
				p.add(rect{x: x + 4, y: y - 7 + top, w: keyWidth - 6, h: height, fill: look.fill, stroke: look.line})
			}})
		}
	}
	return keys
}
