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
		kept, free := r.Fixed(), r.Free()
		for _, i := range philox.New(r.Seed, selectStream).Perm(len(free))[:r.Keep-len(kept)] {
			kept = append(kept, free[i])
		}
		slices.Sort(kept)
		return Choice{Plan: starEvenly(kept, r.Trainable)}, nil
	},
}

// selectStream is the Philox stream of these draws, apart from those of shuffles,
// splits and dropout.
const selectStream = 0x73656c656374 // "select"
