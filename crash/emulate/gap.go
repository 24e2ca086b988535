package emulate

import (
	"math"
	"strconv"

	"lamina/crash/plan"
	"lamina/crash/repair"
	"lamina/nn"
	"lamina/transformer"
)

// gapMaps are how the maps of plans are fitted: the block for one, from the moments of
// its gap; how many numbers of it were fitted, which may be fewer than it has weights; and
// the share that it leaves.
var gapMaps = map[plan.Map]func(f *fitting, name string, m *repair.Moments) (block transformer.Block, numbers int, left float64, err error){
	plan.Ghost: func(f *fitting, name string, m *repair.Moments) (transformer.Block, int, float64, error) {
		g, err := repair.Ghost(m, f.gapRidge)
		if err != nil {
			return nil, 0, 0, err
		}
		b, err := f.linearMap(name, g.W)
		return b, len(g.W), g.Left, err
	},
	plan.Patch: func(f *fitting, name string, m *repair.Moments) (transformer.Block, int, float64, error) {
		g, err := repair.LinearPatch(m)
		if err != nil {
			return nil, 0, 0, err
		}
		b, err := f.diagonalMap(name, g.Scale)
		return b, len(g.Scale), g.Left, err
	},
	plan.Hadamard: func(f *fitting, name string, m *repair.Moments) (transformer.Block, int, float64, error) {
		g, err := repair.HadamardPatch(m)
		if err != nil {
			return nil, 0, 0, err
		}
		b, err := f.linearMap(name, g.Matrix())
		return b, len(g.Scale), g.Left, err
	},
	plan.Scalar: func(f *fitting, name string, m *repair.Moments) (transformer.Block, int, float64, error) {
		g, err := repair.PruneComp(m)
		if err != nil {
			return nil, 0, 0, err
		}
		scale := make([]float64, f.full.Config.Width)
		for i := range scale {
			scale[i] = g.S
		}
		b, err := f.diagonalMap(name, scale)
		return b, 1, g.Left, err
	},
}

// fitMap fits the map at a place.
func (f *fitting) fitMap(place int, kind plan.Map) (transformer.Block, error) {
	if err := f.fullTo(f.e.Plan.GapEnd(place, len(f.full.Blocks))); err != nil {
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
	block, numbers, left, err := gapMaps[kind](f, f.full.Config.LayerName(place), m)
	if err != nil {
		return nil, err
	}
	f.report = append(f.report, Fitted{Place: place, What: kind.String(), Left: left, Numbers: numbers, Tokens: m.Rows()})
	return block, nil
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

// fitScale returns the scale of a block that stands for the layer of its place: of what
// the block adds to the stream that the emulator has there, the share that comes nearest to
// what leaves the layer in the full model. So it is fitted for each place anew, also where
// several have the same block.
func (f *fitting) fitScale(place int, block transformer.Block) (float64, error) {
	if err := f.fullTo(place + 1); err != nil {
		return 0, err
	}
	d, m := f.with(block), repair.NewDampedMoments(f.full.Config.Width)
	for _, s := range f.streams {
		w, err := f.weights(s)
		if err != nil {
			return 0, err
		}
		part, err := f.run(d, s.batch, s.x, place)
		if err != nil {
			return 0, err
		}
		for i, v := range s.x {
			part[i] -= v
		}
		if err := s.finite(part, "the block adds"); err != nil {
			return 0, err
		}
		if err := m.Add(part, s.x, s.y, w); err != nil {
			return 0, err
		}
	}
	fit, err := repair.Damped(m)
	if err != nil {
		return 0, err
	}
	scale := statable(fit.S)
	what := f.e.Plan[place]
	what.Scale = scale
	f.report = append(f.report, Fitted{Place: place, What: what.String(), Left: fit.Left, Numbers: 1, Tokens: m.Rows()})
	return scale, nil
}

// statable returns the number next to a fitted scale that a plan states: of six digits,
// for people read plans; no less than the least that a plan takes; 0, the layer as it is,
// for 1.
func statable(scale float64) float64 {
	const digits = 6
	s, _ := strconv.ParseFloat(strconv.FormatFloat(scale, 'g', digits, 64), 64)
	switch {
	case s == 1:
		return 0
	case math.Abs(s) < plan.LeastScale:
		return math.Copysign(plan.LeastScale, s)
	}
	return s
}
