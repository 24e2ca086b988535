package transformer

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/nn"
)

// Form is how a place of a decoder differs from the layer that its family has: what must be
// known beside names and shapes to read its tensors. The zero value is the family's layer.
// Fields that are 0 are the configuration's.
type Form struct {
	// Map is a map of the stream in place of a layer, a name of [MapForms]: then there is
	// nothing else but ranks.
	Map  string `json:"map,omitempty"`
	Rank int    `json:"rank,omitempty"` // R of a [Harmonizer]
	// Scale is what the block's part of the stream is multiplied by: see [Scaled].
	Scale float64 `json:"scale,omitempty"`

	FeedForward int `json:"feed_forward,omitempty"` // F of its MLP
	Heads       int `json:"heads,omitempty"`        // H of its attention; the width of a head stays
	KVHeads     int `json:"kv_heads,omitempty"`     // G; 0: as many as Heads where the model has as many
	// HeadNumbers are the layer's heads that are left, ascending, where what a head computes
	// depends on its number (BLOOM, whose scores fall with the distance at a rate of its own).
	HeadNumbers []int `json:"head_numbers,omitempty"`

	// Ranks are those of the linear layers that are an [nn.LowRank], by their names in a
	// block, such as "self_attn.q_proj".
	Ranks map[string]int `json:"ranks,omitempty"`
}

// maxScale bounds the scale of a block, far above any that is fitted.
const maxScale = 1e6

// Equal reports whether two forms are the same.
func (f Form) Equal(g Form) bool {
	return f.Map == g.Map && f.Rank == g.Rank && f.Scale == g.Scale && f.FeedForward == g.FeedForward && f.Heads == g.Heads && f.KVHeads == g.KVHeads &&
		slices.Equal(f.HeadNumbers, g.HeadNumbers) && maps.Equal(f.Ranks, g.Ranks)
}

// Plain reports whether it is the family's layer.
func (f Form) Plain() bool { return f.Equal(Form{}) }

// String tells the form in a few words, "" for the family's layer.
func (f Form) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if f.Map != "" {
		add("a %s map", f.Map)
	}
	if f.Rank > 0 {
		add("rank %d", f.Rank)
	}
	if f.Scale != 0 {
		add("scaled by %.4g", f.Scale)
	}
	if f.FeedForward > 0 {
		add("feed-forward %d", f.FeedForward)
	}
	switch {
	case f.Heads > 0 && f.KVHeads > 0:
		add("%d heads (%d key/value)", f.Heads, f.KVHeads)
	case f.Heads > 0:
		add("%d heads", f.Heads)
	case f.KVHeads > 0:
		add("%d key/value heads", f.KVHeads)
	}
	if len(f.Ranks) > 0 {
		ranks := slices.Sorted(maps.Values(f.Ranks))
		add("%d layers of rank %d to %d", len(ranks), ranks[0], ranks[len(ranks)-1])
	}
	return strings.Join(parts, ", ")
}

// mapForm is a map of the stream that a form may name.
type mapForm struct {
	name   string
	ranked bool // its form has a Rank
	// build returns it without weights, which have their names below name.
	build func(width, rank int, name string) Block
}

// mapForms are those there are; what each computes stands with its block.
var mapForms = []mapForm{
	{"linear", false, func(width, _ int, name string) Block { return &LinearMap{name: name, width: width} }},
	{"diagonal", false, func(width, _ int, name string) Block { return &DiagonalMap{name: name, width: width} }},
	{"harmonizer", true, func(width, rank int, name string) Block {
		return &Harmonizer{name: name, width: width, rank: rank}
	}},
}

// MapForms returns the names of the maps that a place may have.
func MapForms() []string {
	names := make([]string, len(mapForms))
	for i, m := range mapForms {
		names[i] = m.name
	}
	return names
}

func mapFormOf(name string) (mapForm, bool) {
	i := slices.IndexFunc(mapForms, func(m mapForm) bool { return m.name == name })
	if i < 0 {
		return mapForm{}, false
	}
	return mapForms[i], true
}

// mapBlock is a block that a [mapForm] builds.
type mapBlock interface {
	Block
	mapName() string
}

// numbered is a block in which the number of a head counts.
type numbered interface{ headNumbers() *[]int }

// KeepHeads tells a block which of its layer's heads are left of it, ascending, where heads
// were taken out of its linear layers. Most families compute the same of any head; then it
// does nothing.
func KeepHeads(b Block, heads []int) {
	if b, ok := b.(numbered); ok {
		*b.headNumbers() = slices.Clone(heads)
	}
}

// FormOf returns the form of a place.
func (c Config) FormOf(place int) Form {
	if place < len(c.Forms) {
		return c.Forms[place]
	}
	return Form{}
}

// sized returns the configuration with the sizes of a form.
func (c Config) sized(f Form) Config {
	if f.FeedForward > 0 {
		c.FeedForward = f.FeedForward
	}
	if f.Heads > 0 {
		if c.KVHeads == c.Heads {
			c.KVHeads = f.Heads
		}
		c.Heads = f.Heads
	}
	if f.KVHeads > 0 {
		c.KVHeads = f.KVHeads
	}
	return c
}

// newBlock returns what stands at a place, still without weights. Blocks share c unless
// they have sizes of their own.
func (c *Config) newBlock(place int) Block {
	name, form := c.LayerName(place), c.FormOf(place)
	if form.Map != "" {
		m, ok := mapFormOf(form.Map)
		if !ok {
			panic(fmt.Sprintf("transformer: New: place %d: no map %q", place, form.Map))
		}
		return m.build(c.Width, form.Rank, name)
	}
	own := c
	if sized := c.sized(form); sized.FeedForward != c.FeedForward || sized.Heads != c.Heads || sized.KVHeads != c.KVHeads {
		own = &sized
	}
	b := c.family().block(own, name, place)
	if len(form.HeadNumbers) > 0 {
		KeepHeads(b, form.HeadNumbers)
	}
	if form.Scale != 0 {
		return &Scaled{b, form.Scale}
	}
	return b
}

// rankOf returns the rank that a form gives the linear layer of a full name, 0 for none.
func (c Config) rankOf(name string) int {
	place, own, _ := c.SplitLayerName(name)
	return c.FormOf(place).Ranks[own]
}

// checkForms tests that the forms are possible and of this family, before anything is
// allocated from them.
func (c Config) checkForms() error {
	if c.Forms == nil {
		return nil
	}
	if len(c.Forms) != c.Layers {
		return fmt.Errorf("%s.forms has %d places, want %d, as many as layers", ownKey, len(c.Forms), c.Layers)
	}
	for place, f := range c.Forms {
		if err := c.checkForm(f); err != nil {
			return fmt.Errorf("%s.forms: place %d: %w", ownKey, place, err)
		}
	}
	if n := c.roughParams(c.Forms); n > maxParams {
		return fmt.Errorf("%s.forms: about %.3g parameters by its sizes, which is more than any model has", ownKey, n)
	}
	return nil
}

func (c Config) checkForm(f Form) error {
	if f.Map != "" {
		return c.checkMapForm(f)
	}
	if f.Rank != 0 {
		return fmt.Errorf("rank is %d, and only some maps have one (of linear layers there are ranks)", f.Rank)
	}
	if !(math.Abs(f.Scale) <= maxScale) {
		return fmt.Errorf("scale is %v, want a number of at most %g", f.Scale, float64(maxScale))
	}
	for _, s := range []struct {
		name  string
		value int
	}{{"feed_forward", f.FeedForward}, {"heads", f.Heads}, {"kv_heads", f.KVHeads}} {
		if s.value < 0 || s.value > maxSize {
			return fmt.Errorf("%s is %d, want 1 to %d", s.name, s.value, maxSize)
		}
	}
	own := c.sized(f)
	switch {
	case own.Heads > maxSize/own.HeadDim:
		return fmt.Errorf("%d heads of %d are more than %d wide", own.Heads, own.HeadDim, maxSize)
	case c.KVHeads == c.Heads && own.KVHeads != own.Heads:
		return fmt.Errorf("heads is %d and kv_heads %d, and the model's heads have a key and value each: want as many", own.Heads, own.KVHeads)
	case own.Heads%own.KVHeads != 0:
		return fmt.Errorf("heads is %d, no multiple of kv_heads %d", own.Heads, own.KVHeads)
	}
	if err := c.checkHeadNumbers(f, own.Heads); err != nil {
		return err
	}
	return c.checkRanks(f)
}

func (c Config) checkMapForm(f Form) error {
	rest := f
	rest.Map, rest.Rank, rest.Ranks = "", 0, nil
	m, ok := mapFormOf(f.Map)
	switch {
	case !ok:
		return fmt.Errorf("map %s is unknown: want one of %s", formats.Quote(f.Map), strings.Join(MapForms(), ", "))
	case !rest.Plain():
		return fmt.Errorf("a map has no layer: want neither scale, feed_forward nor heads")
	case m.ranked && (f.Rank < 1 || f.Rank > c.Width):
		return fmt.Errorf("rank is %d, want 1 to %d", f.Rank, c.Width)
	case !m.ranked && f.Rank != 0:
		return fmt.Errorf("rank is %d, and a %s map has none", f.Rank, f.Map)
	}
	return c.checkRanks(f)
}

// CountsHeads reports whether what a head computes depends on its number, so that a place
// with fewer must say which are left.
func (c Config) CountsHeads() bool { return c.family().slopes != nil }

func (c Config) checkHeadNumbers(f Form, heads int) error {
	counts := c.CountsHeads()
	switch {
	case f.HeadNumbers == nil && (!counts || heads == c.Heads):
		return nil
	case !counts:
		return fmt.Errorf("head_numbers: a %s head computes the same whatever its number: leave it out", c.Family)
	case len(f.HeadNumbers) != heads:
		return fmt.Errorf("head_numbers has %d of %d heads", len(f.HeadNumbers), heads)
	}
	last := -1
	for _, h := range f.HeadNumbers {
		if h <= last || h >= c.Heads {
			return fmt.Errorf("head_numbers: %d behind %d: want ascending numbers below %d", h, last, c.Heads)
		}
		last = h
	}
	return nil
}

// checkRanks tests the ranks of a form whose sizes are possible.
func (c Config) checkRanks(f Form) error {
	if len(f.Ranks) == 0 {
		return nil
	}
	bare := f
	bare.Ranks = nil
	c.Layers, c.Forms = 1, []Form{bare}
	sizes, names := map[string][2]int{}, []string(nil)
	for name, field := range nn.ProjectionsOf(c.Outline().Blocks[0]) {
		_, own, _ := c.SplitLayerName(name)
		in, out, _ := nn.Sizes(*field)
		sizes[own] = [2]int{in, out}
		names = append(names, own)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Ranks)) {
		size, ok := sizes[name]
		if !ok {
			return fmt.Errorf("ranks: no linear layer is called %s: want one of %s", formats.Quote(name), strings.Join(names, ", "))
		}
		if rank, most := f.Ranks[name], min(size[0], size[1]); rank < 1 || rank > most {
			return fmt.Errorf("ranks: %s is %d, want 1 to %d, of a matrix [%d %d]", name, rank, most, size[1], size[0])
		}
	}
	return nil
}
