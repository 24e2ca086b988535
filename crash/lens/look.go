package lens

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// Said is a token with what a distribution gives it.
type Said struct {
	ID          int32   `json:"id"`
	Text        string  `json:"text"`
	Probability float64 `json:"probability"`
}

// Cell is what one state says of the token that follows.
type Cell struct {
	Top     []Said  `json:"top"` // most probable first
	Entropy float64 `json:"entropy"`
	// Final is KL(what the same model says in the end ‖ this), in nats.
	Final float64 `json:"kl_final"`
	// Full is the Jensen–Shannon divergence from what the full model has at the same entry
	// and position, of an emulator.
	Full *float64 `json:"js_full,omitempty"`
}

// Line is what the states before one place say, or, at entry L, what the model says.
type Line struct {
	Entry int    `json:"entry"` // layer of the full model that it is held against
	Place int    `json:"place"` // of the decoder that ran; the number of places: the end
	Cells []Cell `json:"cells"` // by position
}

// Reading is one decoder as a lens reads it, the lines from the bottom up.
type Reading struct {
	Name  string `json:"name"`
	Plan  string `json:"plan,omitempty"` // of an emulator
	Lines []Line `json:"lines"`
}

// Token is a token of the text that is read.
type Token struct {
	ID   int32  `json:"id"`
	Text string `json:"text"`
}

// Grid is figure 3 of the paper: a text, and what every layer of some decoders says follows
// each of its positions.
type Grid struct {
	From     int       `json:"from"`   // first position
	Tokens   []Token   `json:"tokens"` // at the positions
	Next     []Token   `json:"next"`   // that follow them; one fewer at the end of the text
	Layers   int       `json:"layers"` // of the full model
	Readings []Reading `json:"readings"`
}

// Read is one decoder that [Look] reads. Of an emulator Plan says where its places stand in
// the full model; see [Align].
type Read struct {
	Name    string
	Decoder *transformer.Decoder
	Plan    plan.Plan // nil: the full model
}

// LookOptions say what of a text is read.
type LookOptions struct {
	From, To int                     // positions, To not included; To 0: to the end
	Top      int                     // tokens of a cell, at least one
	Text     func(id int32) string   // of a token
	Release  func(transformer.Block) // told of each block that has run; may be nil
	Progress func(places, total int) // may be nil
}

// Align returns, of each place of a plan, which entry of a full model of so many layers its
// states are held against: in a plan of as many places as the model has layers (shared ones
// stand where the removed stood) the place itself, else the layer that stands there. A layer
// that was there before, or a map, has none: -1.
func Align(p plan.Plan, layers int) []int {
	at, seen := make([]int, len(p)), map[int]bool{}
	for place, s := range p {
		switch {
		case len(p) == layers:
			at[place] = place
		case s.IsMap() || seen[s.Layer]:
			at[place] = -1
		default:
			at[place], seen[s.Layer] = s.Layer, true
		}
	}
	return at
}

// Look reads a text with a lens of the full model, which is the first of the decoders. Logits
// of one line at a time exist, for the positions that are read.
func Look(ctx context.Context, be kernels.Backend, l *Lens, tokens []int32, o LookOptions, decoders ...Read) (Grid, error) {
	full := decoders[0].Decoder
	g := Grid{From: o.From, Layers: len(full.Blocks)}
	if err := l.Check(full); err != nil {
		return g, err
	}
	if err := checkRows(full, [][]int32{tokens}); err != nil {
		return g, err
	}
	o.To, o.Top = cmp.Or(o.To, len(tokens)), max(o.Top, 1)
	if o.From < 0 || o.To <= o.From || o.To > len(tokens) {
		return g, fmt.Errorf("positions %d to %d: the text has %d tokens, 0 to %d", o.From, o.To-1, len(tokens), len(tokens)-1)
	}
	for at := o.From; at < o.To; at++ {
		g.Tokens = append(g.Tokens, Token{tokens[at], o.Text(tokens[at])})
		if at+1 < len(tokens) {
			g.Next = append(g.Next, Token{tokens[at+1], o.Text(tokens[at+1])})
		}
	}
	total, done := 0, 0
	for _, r := range decoders {
		total += len(r.Decoder.Blocks)
	}
	progress := o.Progress
	o.Progress = func(int, int) {
		if done++; progress != nil {
			progress(done, total)
		}
	}
	var of [][]Row // of the full model, by entry
	for i, r := range decoders {
		if r.Decoder.Config.Width != full.Config.Width || r.Decoder.Config.Vocab != full.Config.Vocab {
			return g, fmt.Errorf("%s: is of width %d and %d tokens, and the full model of %d and %d: it is another model's", r.Name, r.Decoder.Config.Width, r.Decoder.Config.Vocab, full.Config.Width, full.Config.Vocab)
		}
		lines, said, err := l.lines(ctx, be, r, tokens, g.Layers, of, o)
		if err != nil {
			return g, fmt.Errorf("%s: %w", r.Name, err)
		}
		if i == 0 {
			of = said
		}
		text := ""
		if r.Plan != nil {
			text = r.Plan.String()
		}
		g.Readings = append(g.Readings, Reading{r.Name, text, lines})
	}
	return g, nil
}

// lines reads one decoder, and returns what it says too, by entry.
func (l *Lens) lines(ctx context.Context, be kernels.Backend, r Read, tokens []int32, layers int, full [][]Row, o LookOptions) ([]Line, [][]Row, error) {
	d, places := r.Decoder, len(r.Decoder.Blocks)
	entries := make([]int, places+1)
	for place := range entries {
		entries[place] = place
	}
	if r.Plan != nil {
		copy(entries, Align(r.Plan, layers))
		entries[places] = layers
	}
	p := autograd.NewPass(be)
	defer p.Close()
	b, x := transformer.NewBatch(tokens), autograd.Var{}
	rows := make([]int32, 0, o.To-o.From)
	for at := o.From; at < o.To; at++ {
		rows = append(rows, int32(at))
	}
	var lines []Line
	said := make([][]Row, layers+1)
	for place, entry := range entries {
		mark := p.Begin()
		if x = p.End(mark, d.ForwardBlocks(p, b, x, max(place-1, 0), place)); place > 0 {
			o.Progress(0, 0)
			if o.Release != nil {
				o.Release(d.Blocks[place-1])
			}
		}
		if entry < 0 {
			continue
		}
		mark = p.Begin()
		at := entry
		if place == places {
			at = layers
		}
		logits := l.Logits(p, d, d.Rows(p, x, rows), at, layers).T
		if err := p.Sync(); err != nil {
			return nil, nil, err
		}
		said[entry] = rowsOf(logits)
		p.End(mark, autograd.Var{})
		lines = append(lines, Line{Entry: entry, Place: place, Cells: make([]Cell, len(rows))})
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	for i := range lines {
		if err := lines[i].fill(said, full, o); err != nil {
			return nil, nil, err
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(a.Entry, b.Entry) })
	return lines, said, nil
}

// fill makes the cells of what was said, by entry, the last entry being what the model says,
// beside what the full model said; full is nil of that one itself.
func (l *Line) fill(said, full [][]Row, o LookOptions) error {
	last := said[len(said)-1]
	for k := range l.Cells {
		row := said[l.Entry][k]
		c := Cell{Top: topOf(row, o), Entropy: Entropy(row), Final: KL(last[k], row)}
		if math.IsNaN(c.Entropy) {
			return fmt.Errorf("what entry %d says is no distribution: the weights hold numbers that are not finite", l.Entry)
		}
		if full != nil {
			js := JS(full[l.Entry][k], row)
			c.Full = &js
		}
		l.Cells[k] = c
	}
	return nil
}

func rowsOf(logits tensor.Tensor) []Row {
	values, n := logits.Float32s(), logits.Cols()
	rows := make([]Row, logits.Rows())
	for i := range rows {
		rows[i].set(values[i*n : (i+1)*n])
	}
	return rows
}

// topOf returns the most probable tokens, of equal ones the lower id first.
func topOf(r Row, o LookOptions) []Said {
	var top []Said
	for id, p := range r.P {
		if len(top) == o.Top && p <= top[o.Top-1].Probability {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, p, func(s Said, p float64) int {
			if s.Probability >= p {
				return -1
			}
			return 1
		})
		top = slices.Insert(top, at, Said{ID: int32(id), Probability: p})[:min(len(top)+1, o.Top)]
	}
	for i := range top {
		top[i].Text = o.Text(top[i].ID)
	}
	return top
}
