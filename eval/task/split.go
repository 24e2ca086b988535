package task

import (
	"fmt"
	"slices"

	"lamina/internal/philox"
)

// splitStream is the Philox stream of [Split], apart from those of shuffles,
// selections and dropout.
const splitStream = 0x73706c6974 // "split"

// maxSupport is the number of examples the paper measures similarity on.
const maxSupport = 512

// Splits are disjoint parts of a training file, as ascending indexes of its
// documents. Together they are all of them.
type Splits struct {
	Train   []int // trained on
	Valid   []int // held out: learning rate and checkpoint are chosen on it
	Support []int // plans, calibration and distillation read only this
}

// Split holds out a tenth of n documents for validation if valid is set, and
// another tenth, at most 512, for support if support is set; tenths are rounded
// up. The seed decides which; one part is the same whether or not the other is
// asked for. It is an error if nothing is left to train on.
func Split(n int, seed uint64, valid, support bool) (Splits, error) {
	order := philox.New(seed, splitStream).Perm(max(n, 0))
	tenth := (n + 9) / 10
	ends := min(2*tenth, len(order), tenth+maxSupport)
	var s Splits
	for i, doc := range order {
		switch {
		case i < tenth && valid:
			s.Valid = append(s.Valid, doc)
		case i >= tenth && i < ends && support:
			s.Support = append(s.Support, doc)
		default:
			s.Train = append(s.Train, doc)
		}
	}
	if valid && len(s.Valid) == 0 || support && len(s.Support) == 0 || len(s.Train) == 0 {
		return Splits{}, fmt.Errorf("split: %d documents are too few to train on, hold out and support a plan", n)
	}
	slices.Sort(s.Train)
	slices.Sort(s.Valid)
	slices.Sort(s.Support)
	return s, nil
}
