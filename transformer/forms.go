package transformer

import (
	"cmp"
	"fmt"
	"iter"

	"lamina/autograd"
	"lamina/nn"
)

// Forms returns the forms of the decoder's blocks, one a place; nil if all are the layers
// that the family has. It is an error, which names the block, if one has no form: a linear
// layer that is neither plain nor a low-rank pair, a scale of a scale or of a map.
func (d *Decoder) Forms() ([]Form, error) {
	forms := make([]Form, len(d.Blocks))
	plain := true
	for i, b := range d.Blocks {
		var err error
		if forms[i], err = d.Config.formOf(b); err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		plain = plain && forms[i].Plain()
	}
	if plain {
		return nil, nil
	}
	return forms, nil
}

// formOf returns the form of a block of a model of so configured layers.
func (c Config) formOf(b Block) (Form, error) {
	var f Form
	if s, ok := b.(*Scaled); ok {
		f.Scale, b = s.By, s.Block
		if _, again := b.(*Scaled); again || s.By == 0 {
			return f, fmt.Errorf("a scale of %v of a %T cannot be written: want one scale of a layer, and not 0", s.By, b)
		}
	}
	if m, ok := b.(mapBlock); ok {
		if f.Map = m.mapName(); f.Scale != 0 {
			return f, fmt.Errorf("a scale of a %s map cannot be written: scale the map's weights", f.Map)
		}
		if h, ok := m.(*Harmonizer); ok {
			f.Rank = h.rank
		}
	} else {
		c.takeSizes(&f, b)
	}
	for name, field := range nn.ProjectionsOf(b) {
		switch l := (*field).(type) {
		case *nn.Linear:
		case *nn.LowRank:
			_, own, ok := c.SplitLayerName(name)
			if !ok {
				return f, fmt.Errorf("layer %s is of no layer of %s", name, c.Family)
			}
			if f.Ranks == nil {
				f.Ranks = map[string]int{}
			}
			_, f.Ranks[own], _ = l.Sizes()
		default:
			return f, fmt.Errorf("layer %s is a %T, which no checkpoint of %s has: put a linear layer of the same effect there, or keep its weights in a file of your own", name, l, c.Family)
		}
	}
	return f, nil
}

// takeSizes notes the sizes of a family's block that are not those of the configuration.
func (c Config) takeSizes(f *Form, b Block) {
	s, ok := SublayersOf(b)
	if !ok {
		return
	}
	if _, n, ok := nn.Sizes(*s.Widen[0]); ok && n != c.FeedForward {
		f.FeedForward = n
	}
	q, kv := c.attendedWidths(s)
	if heads := q / c.HeadDim; heads != c.Heads {
		f.Heads = heads
		if b, ok := b.(numbered); ok {
			f.HeadNumbers = *b.headNumbers()
		}
	}
	if kv /= c.HeadDim; kv != c.sized(*f).KVHeads {
		f.KVHeads = kv
	}
}

// attendedWidths returns the widths of queries and of keys that a block's layers give; of
// layers that do not say it, or not one for keys and values, those of the configuration.
func (c Config) attendedWidths(s Sublayers) (q, kv int) {
	q, kv = c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	if len(s.Attend) == 1 { // of all three
		if _, n, ok := nn.Sizes(*s.Attend[0]); ok {
			q, kv = n/3, n/3
		}
		return q, kv
	}
	if _, n, ok := nn.Sizes(*s.Attend[0]); ok {
		q = n
	}
	_, k, ok := nn.Sizes(*s.Attend[1])
	if _, v, too := nn.Sizes(*s.Attend[2]); ok && too && k == v {
		kv = k
	}
	return q, kv
}

// Stored yields the parameters of a block under the names that a checkpoint has for them at
// a place: the numbers of the block's own layer are changed, and the bias of a low-rank pair,
// which may have kept the plain layer's name, is the second factor's.
func (c Config) Stored(place int, b Block) iter.Seq2[string, *autograd.Parameter] {
	return func(yield func(string, *autograd.Parameter) bool) {
		pairs := map[*autograd.Parameter]string{}
		for name, field := range nn.ProjectionsOf(b) {
			if l, ok := (*field).(*nn.LowRank); ok && l.Up.Bias != nil {
				pairs[l.Up.Bias] = name + ".up.bias"
			}
		}
		for w := range nn.ParamsOf(b) {
			name := cmp.Or(pairs[w], w.Name)
			if _, own, ok := c.SplitLayerName(name); ok {
				name = c.LayerName(place) + "." + own
			}
			if !yield(name, w) {
				return
			}
		}
	}
}

// kvWidth returns the width of the keys, and of the values, that a block keeps: 0 for a map.
func (c Config) kvWidth(b Block) int {
	if s, ok := b.(*Scaled); ok {
		b = s.Block
	}
	if _, ok := b.(mapBlock); ok {
		return 0
	}
	if s, ok := SublayersOf(b); ok {
		_, kv := c.attendedWidths(s)
		return kv
	}
	return c.KVHeads * c.HeadDim
}
