package emulate

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/crash/repair"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// FitOptions say how what stands between and in place of the full model's layers is
// fitted. The zero value weighs tokens by their size and uses [DefaultRidge].
type FitOptions struct {
	Ridge    float64          // of least squares, relative; 0: DefaultRidge
	Tokens   repair.Weighting // of tokens in a fit
	Seed     uint64           // of weights that a map which is to be trained begins with
	Progress func(done, total int)
}

// DefaultRidge is what a least-squares fit adds to the diagonal, as a share of its mean.
const DefaultRidge = 1e-3

// Fitted says how well something was fitted, on the texts it was fitted to.
type Fitted struct {
	Place   int     `json:"place"`
	What    string  `json:"what"`              // the place's word in the plan
	Left    float64 `json:"left"`              // of what the removed or transformed layers did, the share that is not there: ‖Ŷ-Y‖/‖Y-X‖
	Numbers int     `json:"numbers,omitempty"` // that stand there
}

// fitTokens is about how many tokens one pass of a fit takes.
const fitTokens = 2048

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
	d := *full
	d.Blocks = nil
	f := &fitting{
		ctx: ctx, be: be, full: full, opt: opt, e: &Emulator{Plan: append(plan.Plan(nil), p...), Decoder: &d},
		pass: autograd.NewPass(be), made: map[plan.Slot]transformer.Block{},
	}
	defer f.pass.Close()
	if f.opt.Ridge == 0 {
		f.opt.Ridge = DefaultRidge
	}
	last := f.lastFitted()
	if last >= 0 {
		if err := f.start(texts); err != nil {
			return nil, nil, err
		}
	}
	for place := range f.e.Plan {
		err := f.build(place)
		if err == nil && place < last {
			err = f.advance(place)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			f.e.Close()
			return nil, nil, fmt.Errorf("place %d, %s: %w", place, p[place], err)
		}
		if opt.Progress != nil {
			opt.Progress(place+1, len(p))
		}
	}
	f.e.collect()
	return f.e, f.report, nil
}

// fitting is an emulator that is being built.
type fitting struct {
	ctx  context.Context
	be   kernels.Backend
	full *transformer.Decoder
	opt  FitOptions
	e    *Emulator
	pass *autograd.Pass

	streams []fitStream
	depth   int // layer that the full model's streams enter next

	made   map[plan.Slot]transformer.Block // frozen blocks by layer and transform
	report []Fitted
}

// fitStream is some texts on their way through both models.
type fitStream struct {
	batch *transformer.Batch
	x     []float32 // [N D] as the emulator has it, entering the place that is built next
	y     []float32 // [N D] as the full model has it, entering layer depth
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

// start makes the streams that enter the first place.
func (f *fitting) start(texts [][]int32) error {
	if len(texts) == 0 {
		return fmt.Errorf("plan %s: is fitted on texts: give some (--support FILE)", f.e.Plan)
	}
	for from := 0; from < len(texts); {
		b := &transformer.Batch{}
		for from < len(texts) && (len(b.Tokens) == 0 || len(b.Tokens)+len(texts[from]) <= fitTokens) {
			if len(texts[from]) == 0 {
				return fmt.Errorf("text %d has no tokens", from)
			}
			b.Add(texts[from], nil)
			from++
		}
		if err := b.Validate(f.full.Config); err != nil {
			return err
		}
		x := f.full.ForwardBlocks(f.pass, b, autograd.Var{}, 0, 0).T
		s := fitStream{batch: b, x: x.Float32s()}
		s.y = append([]float32(nil), s.x...)
		if err := f.pass.Sync(); err != nil {
			return err
		}
		f.pass.Reset()
		f.streams = append(f.streams, s)
	}
	return nil
}

// run returns what a block makes of a stream x [N D] at a place of d.
func (f *fitting) run(d *transformer.Decoder, b *transformer.Batch, x []float32, place int) ([]float32, error) {
	t := f.pass.New(tensor.F32, len(b.Tokens), d.Config.Width)
	t.SetFloat32s(x)
	y := d.ForwardBlocks(f.pass, b, f.pass.Input(t), place, place+1).T.Float32s()
	err := f.pass.Sync()
	f.pass.Reset()
	if err == nil {
		err = f.ctx.Err()
	}
	return y, err
}

// advance takes the streams through the place that was just built.
func (f *fitting) advance(place int) (err error) {
	for i := range f.streams {
		s := &f.streams[i]
		if s.x, err = f.run(f.e.Decoder, s.batch, s.x, place); err != nil {
			return err
		}
	}
	return nil
}

// fullTo takes the full model's streams to where they enter a layer, which is not below
// the last one asked for; the model's depth stands for what leaves it.
func (f *fitting) fullTo(layer int) (err error) {
	if layer < f.depth {
		return fmt.Errorf("the plan goes back from layer %d to %d: what is fitted needs ascending layers", f.depth, layer)
	}
	for ; f.depth < layer; f.depth++ {
		for i := range f.streams {
			s := &f.streams[i]
			if s.y, err = f.run(f.full, s.batch, s.y, f.depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// weights returns the weights of a stream's tokens.
func (f *fitting) weights(s fitStream) ([]float64, error) {
	positions := make([]int, 0, len(s.batch.Tokens))
	for _, seg := range s.batch.Segments {
		for j := range seg.Len {
			positions = append(positions, j)
		}
	}
	return f.opt.Tokens.Of(s.x, f.full.Config.Width, positions)
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
		f.e.Plan[place].Scale = s.Scale
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
	if way.apply == nil {
		return nil, fmt.Errorf("transform %s is not built yet", s.Transform.Name)
	}
	if err := way.apply(f, place, block, s.Transform.Amount); err != nil {
		return nil, err
	}
	if f.made[s] = block; !way.fits {
		return block, nil
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

// next returns the layer that stands above a place: what enters it in the full model is
// what a fit wants. It is the model's depth above the last.
func (f *fitting) next(place int) int {
	for _, s := range f.e.Plan[place+1:] {
		if !s.IsMap() {
			return s.Layer
		}
	}
	return len(f.full.Blocks)
}
