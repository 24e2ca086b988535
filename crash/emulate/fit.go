package emulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/plan"
	"lamina/crash/repair"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// FitOptions say how what stands between and in place of the full model's layers is
// fitted. The zero value weighs tokens by their size and uses the ridges below.
type FitOptions struct {
	Ridge  float64          // of least squares, relative; 0: GapRidge, DefaultRidge
	Tokens repair.Weighting // of tokens in a fit
	// Lambda is how much the transform gradot wants the emulator to be worse than the model,
	// in units of how much it wants to keep the gradient of what trains: GradOT's guard
	// against an emulator that does as well. 0 keeps the gradient alone, 1 weighs both alike.
	Lambda   float64
	Seed     uint64 // of weights that a map which is to be trained begins with
	Progress func(done, total int)
}

// What a least-squares fit adds to the diagonal, as a share of its mean. The larger one is
// for what fills a gap: of SmolLM2-135M at half depth it is the best of those tried, or
// next to that, on texts that the maps were not fitted to (docs/paper.md).
const (
	DefaultRidge = 1e-3 // in smaller layers
	GapRidge     = 1e-2 // in gaps
)

// Fit builds the emulator of any plan. What a plan asks to fit is fitted in order of the
// places: the text's tokens enter a place as the emulator has them, after all that was
// fitted below, and what is wanted behind it is what the full model has there. So the
// emulator's own error is repaired as well, as far as a map can.
//
// Plans of plain layers need no texts and come out as of [New]. Texts are read by plans
// with maps, scales to fit, and transforms that look at the inputs. The plan of the
// emulator has the fitted scales. Every frozen weight that nothing changes is the full
// model's own; what is new is the emulator's until [Emulator.Close].
func Fit(ctx context.Context, be kernels.Backend, full *transformer.Decoder, p plan.Plan, texts [][]int32, opt FitOptions) (*Emulator, []Fitted, error) {
	if err := p.Validate(len(full.Blocks)); err != nil {
		return nil, nil, err
	}
	if err := wantChanged(full.Config, p); err != nil {
		return nil, nil, err
	}
	return newFitting(ctx, be, full, p, opt).fit(texts)
}

func newFitting(ctx context.Context, be kernels.Backend, full *transformer.Decoder, p plan.Plan, opt FitOptions) *fitting {
	d := *full
	d.Blocks = nil
	gapRidge := cmp.Or(opt.Ridge, GapRidge)
	opt.Ridge = cmp.Or(opt.Ridge, DefaultRidge)
	return &fitting{
		ctx: ctx, be: be, full: full, opt: opt, gapRidge: gapRidge, e: &Emulator{Plan: slices.Clone(p), Decoder: &d},
		pass: autograd.NewPass(be), tokens: fitTokens, made: map[plan.Slot]transformer.Block{},
	}
}

// fit builds the emulator.
func (f *fitting) fit(texts [][]int32) (*Emulator, []Fitted, error) {
	defer f.pass.Close()
	if err := f.wantOrder(); err != nil {
		return nil, nil, err
	}
	last := f.lastFitted()
	if last >= 0 {
		if err := f.start(texts); err != nil {
			return nil, nil, err
		}
	}
	for place, s := range f.e.Plan {
		err := f.build(place)
		if err == nil && place < last {
			err = f.advance(place)
		}
		if err == nil {
			err = f.ctx.Err()
		}
		if err != nil {
			f.e.Close()
			return nil, nil, fmt.Errorf("place %d, %s: %w", place, s, inWords(err))
		}
		if f.opt.Progress != nil {
			f.opt.Progress(place+1, len(f.e.Plan))
		}
	}
	f.e.collect()
	if f.e.Fits = f.report; last >= 0 {
		f.e.FittedOn = textsOf(texts)
	}
	return f.e, f.report, nil
}

// inWords adds what who gave the texts can do about an error of a fit.
func inWords(err error) error {
	gap, layer := (*repair.SingularError)(nil), (*compress.SingularError)(nil)
	if errors.As(err, &gap) || errors.As(err, &layer) {
		return fmt.Errorf("%w (more documents in --support, more of them with --samples, or a larger --ridge)", err)
	}
	return err
}

// fitting is an emulator that is being built.
type fitting struct {
	ctx  context.Context
	be   kernels.Backend
	full *transformer.Decoder
	opt  FitOptions // with a ridge
	e    *Emulator
	pass *autograd.Pass

	gapRidge float64 // of what fills gaps

	tokens  int // about as many in a pass
	streams []fitStream
	depth   int // layer that the full model's streams enter next

	made   map[plan.Slot]transformer.Block // frozen blocks by layer and transform
	report []Fitted

	curved map[int]*curvature // of layers that will want theirs
}

// needsText reports whether building a place reads the texts.
func needsText(s plan.Slot) bool {
	return s.Map.Fitted() || s.Scale == plan.FitScale || transforms[s.Transform.Name].fits
}

// lastFitted returns the last place that reads the texts, -1 for none.
func (f *fitting) lastFitted() int {
	last := -1
	for place, s := range f.e.Plan {
		if needsText(s) {
			last = place
		}
	}
	return last
}

// wantOrder returns an error for a plan whose fits want the full model's streams to go
// back, or scales of places that stand for no layer.
func (f *fitting) wantOrder() error {
	reached, by := 0, 0
	for place, s := range f.e.Plan {
		goal, err := f.goal(place, s)
		switch {
		case err != nil:
			return fmt.Errorf("place %d, %s: %w", place, s, err)
		case goal == 0:
		case goal < reached:
			return fmt.Errorf("place %d, %s: is fitted to what enters layer %d, and place %d below it to what enters layer %d: want ascending layers where something is fitted", place, s, goal, by, reached)
		case goal > reached:
			reached, by = goal, place
		}
	}
	return nil
}

// goal returns the layer that a place is fitted to what enters in the full model, the
// model's depth for what leaves it; 0 of places that are not.
func (f *fitting) goal(place int, s plan.Slot) (int, error) {
	layers := len(f.full.Blocks)
	switch {
	case s.Fills() && needsText(s):
		return f.e.Plan.GapEnd(place, layers), nil
	case s.Scale != plan.FitScale:
		return 0, nil
	case len(f.e.Plan) != layers || slices.ContainsFunc(f.e.Plan, plan.Slot.IsMap):
		return 0, fmt.Errorf("a scale is fitted where each place stands for its layer: the plan has %d places, the model %d layers (share the removed ones, or give the scale as a number)", len(f.e.Plan), layers)
	}
	return place + 1, nil
}

// build puts the next place's block on the emulator.
func (f *fitting) build(place int) error {
	s := f.e.Plan[place]
	block, err := f.block(place, s)
	if err != nil {
		return err
	}
	f.e.Decoder.Blocks = append(f.e.Decoder.Blocks, block)
	return nil
}

// block returns what stands at a place.
func (f *fitting) block(place int, s plan.Slot) (transformer.Block, error) {
	switch {
	case s.IsMap() && !s.Map.Fitted():
		return newMaps[s.Map](f, f.full.Config.LayerName(place))
	case s.IsMap():
		return f.fitMap(place, s.Map)
	case s.Trainable:
		return f.full.Blocks[s.Layer].Clone(), nil
	}
	block, err := f.transformed(place, plan.Slot{Layer: s.Layer, Transform: s.Transform})
	if err != nil || s.Scale == 0 {
		return block, err
	}
	if s.Scale == plan.FitScale {
		if s.Scale, err = f.fitScale(place, block); err != nil {
			return nil, err
		}
		if f.e.Plan[place].Scale = s.Scale; s.Scale == 0 {
			return block, nil
		}
	}
	return &transformer.Scaled{Block: block, By: s.Scale}, nil
}

// transformed returns the frozen block of a layer, one object however often it stands.
func (f *fitting) transformed(place int, s plan.Slot) (transformer.Block, error) {
	if s.Plain() {
		return f.full.Blocks[s.Layer], nil
	}
	if block, ok := f.made[s]; ok {
		return block, nil
	}
	block, way := f.full.Blocks[s.Layer].Clone(), transforms[s.Transform.Name]
	if err := way.apply(f, place, block, s.Transform.Amount); err != nil {
		return nil, err
	}
	if f.made[s] = block; !way.fits || s.Fills() {
		return block, nil // what fills a gap has said what is left of that
	}
	left, err := f.likeness(place, f.full.Blocks[s.Layer], block)
	f.report = append(f.report, Fitted{Place: place, What: s.String(), Left: left, Numbers: nn.Count(nn.ParamsOf(block))})
	return block, err
}

// parameter returns a frozen parameter of the emulator's own.
func (f *fitting) parameter(name string, values []float64, shape ...int) (*autograd.Parameter, error) {
	t, err := tensor.FromFloats(f.be, tensor.F32, values, shape...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.e.own = append(f.e.own, t)
	return &autograd.Parameter{Name: name, Value: t}, nil
}
