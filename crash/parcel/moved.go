package parcel

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lamina/crash/exchange"
	"lamina/transformer"
)

// moved returns how far each block of an adapter went that was put into a model, by layer.
func moved(a *exchange.Adapter, c transformer.Config) []Moved {
	sums := map[int]Moved{}
	for _, t := range a.TensorChanges() {
		layer, _, ok := c.SplitLayerName(t.Name)
		if !ok {
			layer = -1
		}
		sum := sums[layer]
		sum.Layer = layer
		sum.Delta += float64(t.Delta * t.Delta)
		sum.Base += float64(t.Start * t.Start)
		sums[layer] = sum
	}
	var all []Moved
	for _, sum := range sums {
		all = append(all, Moved{sum.Layer, math.Sqrt(sum.Delta), math.Sqrt(sum.Base)})
	}
	slices.SortFunc(all, func(a, b Moved) int { return cmp.Compare(a.Layer, b.Layer) })
	return all
}

// formOf returns the form of what an adapter's directory holds.
func formOf(exchange.Manifest) string { return "weights" }

// String says it in words.
func (m Moved) String() string {
	return fmt.Sprintf("layer %d ‖Δ‖ %.4g of ‖T₀‖ %.4g", m.Layer, m.Delta, m.Base)
}
