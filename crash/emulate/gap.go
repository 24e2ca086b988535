package emulate

import (
	"fmt"

	"lamina/crash/plan"
	"lamina/crash/repair"
	"lamina/nn"
	"lamina/transformer"
)

// gapMaps are how the maps of plans are fitted: the block for one, from the moments of
// its gap, and the share that it leaves.
var gapMaps = map[plan.Map]func(f *fitting, name string, m *repair.Moments) (block transformer.Block, left float64, err error){
	plan.Ghost: func(f *fitting, name string, m *repair.Moments) (transformer.Block, float64, error) {
		g, err := repair.Ghost(m, f.opt.Ridge)
		if err != nil {
			return nil, 0, err
		}
		b, err := f.linearMap(name, g.W)
		return b, g.Left, err
	},
	plan.Patch: func(f *fitting, name string, m *repair.Moments) (transformer.Block, float64, error) {
		g, err := repair.LinearPatch(m)
		if err != nil {
			return nil, 0, err
		}
		b, err := f.diagonalMap(name, g.Scale)
		return b, g.Left, err
	},
	plan.Hadamard: func(f *fitting, name string, m *repair.Moments) (transformer.Block, float64, error) {
		g, err := repair.HadamardPatch(m)
		if err != nil {
			return nil, 0, err
		}
		b, err := f.linearMap(name, g.Matrix())
		return b, g.Left, err
	},
	plan.Scalar: func(f *fitting, name string, m *repair.Moments) (transformer.Block, float64, error) {
		g, err := repair.PruneComp(m)
		if err != nil {
			return nil, 0, err
		}
		scale := make([]float64, f.full.Config.Width)
		for i := range scale {
			scale[i] = g.S
		}
		b, err := f.diagonalMap(name, scale)
		return b, g.Left, err
	},
}

// fitMap fits the map at a place.
func (f *fitting) fitMap(place int, kind plan.Map) (transformer.Block, error) {
	if next := f.next(place); next <= f.last(place)+1 {
		return nil, fmt.Errorf("nothing is left out between layers %d and %d: there is no gap to fill", f.last(place), next)
	} else if err := f.fullTo(next); err != nil {
		return nil, err
	}
	m := repair.NewMoments(f.full.Config.Width)
	for _, s := range f.streams {
		w, err := f.weights(s)
		if err != nil {
			return nil, err
		}
		if err := m.Add(s.x, s.y, w); err != nil {
			return nil, err
		}
	}
	block, left, err := gapMaps[kind](f, f.full.Config.LayerName(place), m)
	if err != nil {
		return nil, err
	}
	f.report = append(f.report, Fitted{Place: place, What: kind.String(), Left: left, Numbers: nn.Count(nn.ParamsOf(block))})
	return block, nil
}

// last returns the layer that stands below a place, -1 below the first.
func (f *fitting) last(place int) int {
	for place--; place >= 0; place-- {
		if s := f.e.Plan[place]; !s.IsMap() {
			return s.Layer
		}
	}
	return -1
}

// linearMap returns the block h ← h·W of a matrix W [D D] in row form.
func (f *fitting) linearMap(name string, w []float64) (transformer.Block, error) {
	width := f.full.Config.Width
	change := make([]float64, len(w)) // [out in]: (W - I)ᵀ
	for i := range width {
		for j := range width {
			change[j*width+i] = w[i*width+j]
		}
		change[i*width+i]--
	}
	weight, err := f.parameter(name+".gap.weight", change, width, width)
	return transformer.NewLinearMap(&nn.Linear{Weight: weight}, name), err
}

// diagonalMap returns the block h ← h·diag(scale).
func (f *fitting) diagonalMap(name string, scale []float64) (transformer.Block, error) {
	gain, err := f.parameter(name+".gap.gain", scale, len(scale))
	return transformer.NewDiagonalMap(gain, name), err
}

// fitScale returns the scale of a block that stands for the layer of its place.
func (f *fitting) fitScale(place int, block transformer.Block) (float64, error) {
	layers, places := len(f.full.Blocks), f.e.Plan
	if len(places) != layers {
		return 0, fmt.Errorf("a scale is fitted where place and layer are the same: the plan has %d places, the model %d layers (share the removed ones, or give the scale as a number)", len(places), layers)
	}
	if err := f.fullTo(place + 1); err != nil {
		return 0, err
	}
	d := *f.e.Decoder
	d.Blocks = append(append([]transformer.Block(nil), d.Blocks...), block)
	m := repair.NewDampedMoments(f.full.Config.Width)
	for _, s := range f.streams {
		w, err := f.weights(s)
		if err != nil {
			return 0, err
		}
		part, err := f.run(&d, s.batch, s.x, place)
		if err != nil {
			return 0, err
		}
		for i, v := range s.x {
			part[i] -= v
		}
		if err := m.Add(part, s.x, s.y, w); err != nil {
			return 0, err
		}
	}
	fit, err := repair.Damped(m)
	if err != nil {
		return 0, err
	}
	scale := float64(float32(fit.S))
	f.report = append(f.report, Fitted{Place: place, What: plan.Slot{Layer: places[place].Layer, Scale: scale}.String(), Left: fit.Left, Numbers: 1})
	return scale, nil
}
