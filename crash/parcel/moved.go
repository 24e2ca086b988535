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

// sameNorm is how far the norms of the two houses may be apart, of each other: both are
// sums in float64, of the same numbers, or of others where the owner had repaired T before
// he sent it. Then ‖T₀‖ is another, and what was added to T is added to other values and
// rounded anew, which moves ‖Δ‖ a little; where values of T come back, or factors of them,
// ‖Δ‖ has the repair in it, and cannot be compared.
const (
	sameNorm   = 1e-9
	sameChange = 0.01
)

// agree reports whether what the sender says of blocks is what its receiver measures, as
// far as that can be.
func agree(form exchange.Form, repaired bool, said, got []Moved) bool {
	near := func(a, b, bar float64) bool { return math.Abs(a-b) <= bar*math.Max(a, b) }
	return slices.EqualFunc(said, got, func(a, b Moved) bool {
		switch {
		case a.Layer != b.Layer:
			return false
		case !repaired:
			return near(a.Delta, b.Delta, sameNorm) && near(a.Base, b.Base, sameNorm)
		case form.Adds:
			return near(a.Delta, b.Delta, sameChange)
		}
		return true
	})
}

// String says it in words.
func (m Moved) String() string {
	return fmt.Sprintf("layer %d ‖Δ‖ %.4g of ‖T₀‖ %.4g", m.Layer, m.Delta, m.Base)
}
