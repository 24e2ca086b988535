package emulate

import (
	"fmt"
	"slices"

	"lamina/nn"
	"lamina/transformer"
)

// Within returns the decoder of another emulator of the same T with e's trainable blocks in
// the places of its own: what is trained in one is trained in both. Embeddings and head that
// the two have alike are e's, so that they are in memory once. The other's own starred
// blocks are no longer needed. It is an error if the two do not train the same blocks from
// the same weights.
func (e *Emulator) Within(other *Emulator) (*transformer.Decoder, error) {
	switch {
	case e.Plan == nil || other.Plan == nil:
		return nil, fmt.Errorf("everything is trained: want emulators, with blocks of their own that are not")
	case !slices.Equal(e.layers, other.layers):
		return nil, fmt.Errorf("layers %v train in the plan %s, and %v in %s: want emulators of the same T", other.layers, other.Plan, e.layers, e.Plan)
	case transformer.Fingerprint(e.Params()) != transformer.Fingerprint(other.Params()):
		return nil, fmt.Errorf("the blocks that train in the plan %s have other weights than those of %s: want emulators of one model", other.Plan, e.Plan)
	}
	d := *other.Decoder
	d.Blocks = slices.Clone(d.Blocks)
	for i, own := range other.blocks {
		d.Blocks[slices.Index(d.Blocks, own)] = e.blocks[i]
	}
	tied := d.Head == d.Embed.TokenWeights()
	if mine := e.Decoder; alike(nn.ParamsOf(d.Embed), nn.ParamsOf(mine.Embed)) {
		d.Embed = mine.Embed
		if tied {
			d.Head = mine.Embed.TokenWeights()
		}
	}
	if mine := e.Decoder.Head; !tied && alike(nn.List(d.Head), nn.List(mine)) {
		d.Head = mine
	}
	return &d, nil
}

// alike reports whether two parts have parameters of the same names and bytes.
func alike(a, b nn.Params) bool { return transformer.Fingerprint(a) == transformer.Fingerprint(b) }
