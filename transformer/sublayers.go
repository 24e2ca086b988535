package transformer

import "lamina/nn"

// Sublayers are the linear layers of a block by what they do. Those of a list are given
// one input. Each is the field that holds it, so that another layer can be put there.
type Sublayers struct {
	Attend []*nn.Projection // queries, keys and values: three layers, or one of all
	Output *nn.Projection   // of attention, to the stream
	Widen  []*nn.Projection // up, or gate and up: their outputs are the MLP's channels
	Narrow *nn.Projection   // from the channels to the stream
}

// Groups returns the layers that are given one input each, in the order of the forward
// pass.
func (s Sublayers) Groups() [][]*nn.Projection {
	return [][]*nn.Projection{s.Attend, {s.Output}, s.Widen, {s.Narrow}}
}

// SublayersOf returns those of a family's block; ok is false for any other, such as a map.
func SublayersOf(b Block) (s Sublayers, ok bool) {
	if b, is := b.(interface{ sublayers() Sublayers }); is {
		return b.sublayers(), true
	}
	return Sublayers{}, false
}

func (b *optBlock) sublayers() Sublayers {
	return Sublayers{[]*nn.Projection{&b.Q, &b.K, &b.V}, &b.O, []*nn.Projection{&b.Up}, &b.Down}
}

func (b *llamaBlock) sublayers() Sublayers {
	return Sublayers{[]*nn.Projection{&b.Q, &b.K, &b.V}, &b.O, []*nn.Projection{&b.Gate, &b.Up}, &b.Down}
}

func (b *gpt2Block) sublayers() Sublayers {
	return Sublayers{[]*nn.Projection{&b.QKV}, &b.O, []*nn.Projection{&b.Up}, &b.Down}
}

func (b *bloomBlock) sublayers() Sublayers {
	return Sublayers{[]*nn.Projection{&b.QKV}, &b.O, []*nn.Projection{&b.Up}, &b.Down}
}
