package exchange

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lamina/transformer"
)

// MostChange is how far an adapter may go: ‖Δ‖ of a block in units of ‖T₀‖, the block's
// weights before training. Beyond 1 more of the block is new than was sent, which is no
// tuning: 300 steps at a learning rate of 1e-2, two hundred times what is usual, come to
// 0.3.
const MostChange = 1

// Change is how far training, or who wrote the adapter, took a block.
type Change struct {
	Layer    int     `json:"layer"`    // of the full model; -1: embeddings, last norm and head
	Relative float64 `json:"relative"` // ‖Δ‖/‖T₀‖, Euclidean norms over all weights
}

// tensorChange has the squared norms of a tensor.
type tensorChange struct {
	name         string
	delta, start float64
}

func newTensorChange(name string, start, now []float32) tensorChange {
	c := tensorChange{name: name}
	for i, v := range start {
		d := float64(now[i]) - float64(v)
		c.delta += d * d
		c.start += float64(v) * float64(v)
	}
	return c
}

// Changes returns, after [Adapter.Plugged], the change of each block by layer.
func (a *Adapter) Changes(c transformer.Config) (all []Change) {
	sums := map[int]*tensorChange{}
	for _, t := range a.changed {
		layer, _, ok := c.SplitLayerName(t.name)
		if !ok {
			layer = -1
		}
		sum := sums[layer]
		if sum == nil {
			sum = &tensorChange{}
			sums[layer] = sum
		}
		sum.delta += t.delta
		sum.start += t.start
	}
	for layer, t := range sums {
		change := Change{Layer: layer}
		if t.delta > 0 {
			change.Relative = min(math.Sqrt(t.delta/t.start), math.MaxFloat64) // JSON has no infinity
		}
		all = append(all, change)
	}
	slices.SortFunc(all, func(a, b Change) int { return cmp.Compare(a.Layer, b.Layer) })
	return all
}

// String names the block and the change.
func (c Change) String() string {
	if c.Layer < 0 {
		return fmt.Sprintf("embeddings and head %.3g", c.Relative)
	}
	return fmt.Sprintf("layer %d %.3g", c.Layer, c.Relative)
}

// ChangesText lists changes in a line.
func ChangesText(changes []Change) string {
	text := "‖Δ‖/‖T₀‖"
	for i, c := range changes {
		if i > 0 {
			text += ","
		}
		text += " " + c.String()
	}
	return text + "\n"
}

// CheckChanges returns an error if one is more than [MostChange].
func (a *Adapter) CheckChanges(changes []Change) error {
	for _, c := range changes {
		if !(c.Relative <= MostChange) {
			return fmt.Errorf("%s: ‖Δ‖/‖T₀‖ of %s is more than %d: more of that block is new than was sent", a.Path, c, MostChange)
		}
	}
	return nil
}
