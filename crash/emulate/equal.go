package emulate

import (
	"fmt"
	"sort"

	"lamina/crash/plan"
	"lamina/internal/units"
	"lamina/transformer"
)

// shareSteps is how finely [EqualShare] divides a layer's weights.
const shareSteps = 10000

// EqualShare returns the largest amount X of a transform, in steps of a ten-thousandth,
// with which an emulator of full depth, trained layers as they are and the others
// transformed, holds at most as many weights as one that keeps some layers alone, the
// trained ones among them, and leaves the others out:
//
//	(L-T)·weights(X) ≤ (K-T)·weights(1), X ≈ (K-T)/(L-T)
//
// where the transform is of all weights of a layer; of a part of them X is less. It is an
// error for a transform that takes no weights away, and where even the least X leaves too
// many.
func EqualShare(c transformer.Config, keep, trainable int, name string) (float64, error) {
	full, p := c.Outline(), plan.Identity(c.Layers, nil)
	for place := range trainable {
		p[place].Trainable = true
	}
	most, err := heldBy(full, p[:keep])
	if err != nil {
		return 0, err
	}
	held := func(steps int) (int, error) {
		return heldBy(full, p.Transformed(plan.Transform{Name: name, Amount: float64(steps) / shareSteps}))
	}
	if _, err := held(shareSteps); err != nil {
		return 0, err
	}
	// From the top down: too many weights, few enough, and where a layer has less than one
	// channel or rank an error.
	down := sort.Search(shareSteps-1, func(i int) bool {
		n, err := held(shareSteps - i)
		return err != nil || n <= most
	})
	if n, err := held(shareSteps - down); err == nil && n <= most {
		return float64(shareSteps-down) / shareSteps, nil
	}
	least := plan.Transform{Name: name, Amount: float64(shareSteps-max(down-1, 0)) / shareSteps}
	n, err := heldBy(full, p.Transformed(least))
	if err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("transform %s: even %s of all %d layers but the %d that train leaves %s weights, more than the %s of %d kept layers: keep more, or take another transform",
		name, least, c.Layers, trainable, units.Count(n), units.Count(most), keep)
}

// heldBy returns how many weights the emulator of a plan holds.
func heldBy(full *transformer.Decoder, p plan.Plan) (int, error) {
	e, err := OutlineOf(full, p)
	if err != nil {
		return 0, err
	}
	return e.HeldParams(), nil
}
