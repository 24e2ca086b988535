package exchange

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/transformer"
)

// Corrections are what a model owner does to an adapter's dT before he adds it to T₀, in
// this order, all in float64 and rounded to F32 once:
//
//	dT ← the nearest matrix of Rank, of each matrix in a block
//	dT ← m·dT, m_i = 1 where the sign of dT_i is that of Signs, else 0
//	T  = fl32(T₀ + α·dT)
//
// The zero value changes nothing.
type Corrections struct {
	Rank   int             `json:"rank,omitempty"`   // 0: as it is
	Signs  *Signs          `json:"signs,omitempty"`  // nil: all of dT stays
	Alpha  *float64        `json:"alpha,omitempty"`  // nil: 1
	Blocks map[int]float64 `json:"blocks,omitempty"` // α of some layers of the full model, instead
	Chosen *Chosen         `json:"chosen,omitempty"` // how α was, if nobody gave it
}

// mostAlpha bounds α: nothing that was tried is beyond 2.
const mostAlpha = 100

// Any reports whether there is a correction.
func (c Corrections) Any() bool {
	return c.Rank > 0 || c.Signs != nil || c.Alpha != nil || len(c.Blocks) > 0
}

// String tells them in half a sentence, in their order; "" of none.
func (c Corrections) String() string {
	var parts []string
	if c.Rank > 0 {
		parts = append(parts, fmt.Sprintf("dT of each matrix cut to rank %d", c.Rank))
	}
	if c.Signs != nil {
		parts = append(parts, c.Signs.String())
	}
	if c.Alpha != nil {
		parts = append(parts, fmt.Sprintf("α %g", *c.Alpha))
	}
	for _, layer := range slices.Sorted(maps.Keys(c.Blocks)) {
		parts = append(parts, fmt.Sprintf("α %g of layer %d", c.Blocks[layer], layer))
	}
	return strings.Join(parts, ", ")
}

// alpha is that of a layer, -1 outside of all.
func (c Corrections) alpha(layer int) float64 {
	if alpha, ok := c.Blocks[layer]; ok {
		return alpha
	}
	if c.Alpha != nil {
		return *c.Alpha
	}
	return 1
}

// Correct makes the corrections of an adapter, in a model of a configuration, before it is
// plugged in. What cannot be used is an error, and nothing has changed then.
func (a *Adapter) Correct(c Corrections, model transformer.Config) error {
	if a.Form.Delta == nil && c.Any() {
		return fmt.Errorf("%s: it changes no weight of the model, and has no dT to be corrected", a.Path)
	}
	if c.Rank < 0 {
		return fmt.Errorf("rank %d of dT: want 1 or more", c.Rank)
	}
	if c.Alpha != nil {
		if err := wantAlpha(*c.Alpha); err != nil {
			return err
		}
	}
	trained := a.Layers(model)
	for _, layer := range slices.Sorted(maps.Keys(c.Blocks)) {
		if err := wantAlpha(c.Blocks[layer]); err != nil {
			return fmt.Errorf("layer %d: %w", layer, err)
		}
		if !slices.Contains(trained, layer) {
			return fmt.Errorf("α of layer %d, which the adapter does not train: it trains %s", layer, listed(trained))
		}
	}
	if c.Rank != a.corrections.Rank || c.Signs != a.corrections.Signs {
		a.corrected = nil
		if c.Signs != nil {
			c.Signs.all, c.Signs.kept = 0, 0
		}
	}
	a.corrections, a.model = c, model
	return nil
}

// Corrections returns what [Adapter.Correct] was given.
func (a *Adapter) Corrections() Corrections { return a.corrections }

// Layers lists the layers of a model that an adapter trains, ascending.
func (a *Adapter) Layers(model transformer.Config) []int {
	if !a.Manifest.Whole {
		return slices.Sorted(slices.Values(a.Manifest.Plan.Trainable()))
	}
	all := make([]int, model.Layers)
	for i := range all {
		all[i] = i
	}
	return all
}

// Cuts reports whether the adapter has a matrix of a higher rank.
func (a *Adapter) Cuts(rank int) bool {
	return slices.ContainsFunc(a.file.Names(), func(name string) bool {
		e, _ := a.file.Entry(name)
		return len(e.Shape) == 2 && min(e.Shape[0], e.Shape[1]) > rank
	})
}

func wantAlpha(alpha float64) error {
	if !(alpha >= 0 && alpha <= mostAlpha) {
		return fmt.Errorf("α %v: want a number from 0 to %d", alpha, mostAlpha)
	}
	return nil
}

func listed(layers []int) string {
	texts := make([]string, len(layers))
	for i, layer := range layers {
		texts[i] = fmt.Sprint(layer)
	}
	return strings.Join(texts, ", ")
}

// delta returns dT of a tensor of T₀ after all corrections but α.
func (a *Adapter) delta(w *autograd.Parameter) (Delta, error) {
	if d, ok := a.corrected[w.Name]; ok {
		return d, nil
	}
	d, err := a.Form.Delta(a, w)
	if err != nil {
		return d, err
	}
	c := a.corrections
	if c.Rank > 0 {
		if d, err = d.cut(c.Rank, w.Value.Shape()); err != nil {
			return d, fmt.Errorf("tensor %s: %w", w.Name, err)
		}
	}
	if c.Signs != nil {
		if d, err = c.Signs.mask(d, w); err != nil {
			return d, err
		}
	}
	if c.Rank > 0 || c.Signs != nil { // whoever tries several α computes it once
		if a.corrected == nil {
			a.corrected = map[string]Delta{}
		}
		a.corrected[w.Name] = d
	}
	return d, nil
}

// cut returns the nearest delta of a rank, by the sum of squares, of a matrix; of what is
// none, or has no higher rank, the delta itself.
func (d Delta) cut(rank int, shape []int) (Delta, error) {
	if len(shape) != 2 || rank >= min(shape[0], shape[1]) {
		return d, nil
	}
	for i, rest := range d.Rest {
		d.D[i] += rest
	}
	f, err := compress.SVD(d.D, shape[0], shape[1], rank)
	if err != nil {
		return d, err
	}
	return Delta{D: f.Product()}, nil
}

// layerOf returns the layer of a tensor, -1 for one outside of all.
func (a *Adapter) layerOf(name string) int {
	if layer, _, ok := a.model.SplitLayerName(name); ok {
		return layer
	}
	return -1
}

// plugged returns what the adapter makes of a tensor that has the values T₀.
func (a *Adapter) plugged(w *autograd.Parameter) ([]float32, error) {
	d, err := a.delta(w)
	if err != nil {
		return nil, err
	}
	alpha := 1.0
	if a.corrections.Any() {
		alpha = a.corrections.alpha(a.layerOf(w.Name))
	}
	values := w.Value.Float32s()
	for i, v := range values {
		values[i] = d.plus(i, v, alpha)
	}
	return values, wantFinite(w.Name, values)
}
