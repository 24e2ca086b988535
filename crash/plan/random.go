package plan

import (
	"slices"

	"lamina/internal/philox"
)

// Random keeps layers drawn without replacement, each set equally likely, with the
// stars at the positions of [CRaSh]. Seed and sizes decide it. With anchored ends
// layer 0 and the last one are always kept and the others are drawn.
var Random = Method{
	Name:       "random",
	Help:       "layers are drawn by the seed",
	AnchorEnds: true,
	Choose: func(r Request) (Choice, error) {
		kept := draw(r)
		slices.Sort(kept)
		return Choice{Plan: starEvenly(kept, r.Trainable)}, nil
	},
}

// selectStream is the Philox stream of these draws, apart from those of shuffles,
// splits and dropout.
const selectStream = 0x73656c656374 // "select"

// draw returns the kept layers in the order they are drawn.
func draw(r Request) []int {
	p := philox.New(r.Seed, selectStream)
	if !r.AnchorEnds || r.Layers == 1 {
		return p.Perm(r.Layers)[:r.Keep]
	}
	kept := []int{0, r.Layers - 1}
	for _, i := range p.Perm(r.Layers - 2)[:r.Keep-2] {
		kept = append(kept, i+1)
	}
	return kept
}
