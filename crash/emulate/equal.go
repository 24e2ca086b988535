package emulate

import (
	"fmt"
	"sort"

	"lamina/crash/compress"
	"lamina/crash/plan"
	"lamina/internal/units"
	"lamina/nn"
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
	p := plan.Identity(c.Layers, nil)
	for place := range trainable {
		p[place].Trainable = true
	}
	most, err := heldBy(c, p[:keep])
	if err != nil {
		return 0, err
	}
	held := func(steps int) (int, error) {
		return heldBy(c, p.Transformed(plan.Transform{Name: name, Amount: float64(steps) / shareSteps}))
	}
	fits := func(steps int) bool {
		n, err := held(steps)
		return err == nil && n <= most
	}
	if _, err := held(shareSteps); err != nil {
		return 0, err
	}
	steps := sort.Search(shareSteps, func(i int) bool { return fits(shareSteps - i) })
	if steps == shareSteps {
		return 0, fmt.Errorf("transform %s: no share of it leaves as few weights as %d kept layers of %d have, %s: keep more, or give the share", name, keep, c.Layers, units.Count(most))
	}
	return float64(shareSteps-steps) / shareSteps, nil
}

// heldBy returns how many weights the emulator of a plan holds.
func heldBy(c transformer.Config, p plan.Plan) (int, error) {
	d := c.Outline()
	held := nn.Count(d.Params())
	for _, b := range d.Blocks {
		held -= nn.Count(nn.ParamsOf(b))
	}
	seen := map[plan.Slot]bool{}
	for _, s := range p {
		if seen[s] {
			continue
		}
		seen[s] = true
		block := d.Blocks[s.Layer]
		held += nn.Count(nn.ParamsOf(block))
		if s.Transform.Name == "" {
			continue
		}
		for name, field := range nn.ProjectionsOf(block) {
			in, out := (*field).(*nn.Linear).Sizes()
			rank, err := compress.RankFor(s.Transform.Amount, out, in)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
			held += rank*(in+out) - in*out
		}
	}
	return held, nil
}
