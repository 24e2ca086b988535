package emulate

import (
	"fmt"
	"io"
	"slices"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Emulator is the decoder a layer plan describes: what the data owner runs and
// trains. It shares every frozen weight with the full model it was built from;
// its trainable blocks are copies, so the full model stays as it is until they
// are plugged in.
type Emulator struct {
	Plan    plan.Plan            // nil: nothing is left out and everything is trained, see [Whole]
	Decoder *transformer.Decoder // one block a place

	// Unsealed says that the directory it was opened from has no MANIFEST.json, as those
	// of earlier versions: only its trainable weights could be checked.
	Unsealed bool
	Origin   Origin // of one that was opened from a directory

	Fits     []Fitted // what was fitted when it was made by [Fit]
	FittedOn *Texts   // what for that was read; nil if nothing
	Folded   bool     // every place is a layer as the family has it, see [Emulator.Fold]

	own    []tensor.Tensor     // weights that were made for it, see [Fit]
	opened io.Closer           // what it was loaded from, see [OpenDir]
	layers []int               // trainable layers, ascending
	blocks []transformer.Block // their blocks
}

// New builds the emulator of a plan of plain layers over the full model; of other plans
// [Fit] does. A starred place gets a block to train; an unstarred place runs the initial
// weights of its layer, one object however often it stands.
func New(full *transformer.Decoder, plan plan.Plan) (*Emulator, error) {
	if err := plan.Validate(len(full.Blocks)); err != nil {
		return nil, err
	}
	for place, s := range plan {
		if !s.Plain() {
			return nil, fmt.Errorf("plan: place %d: %s is no layer as the model has it: write the emulator with lamina emulate, which fits it", place, s)
		}
	}
	d := *full
	d.Blocks = make([]transformer.Block, len(plan))
	e := &Emulator{Plan: plan, Decoder: &d}
	for i, s := range plan {
		d.Blocks[i] = full.Blocks[s.Layer]
		if s.Trainable {
			d.Blocks[i] = full.Blocks[s.Layer].Clone()
		}
	}
	e.collect()
	return e, nil
}

// Whole returns the emulator that is a copy of the full model, embeddings and head
// included in what is trained. It has no plan, and plugging it in gives it back itself.
func Whole(full *transformer.Decoder) *Emulator { return &Emulator{Decoder: full.Clone()} }

// Untrained returns an emulator over the same frozen blocks, with blocks of its own to
// train that have the weights of the full model: another attempt. It must not be used
// after e is closed.
func (e *Emulator) Untrained(full *transformer.Decoder) *Emulator {
	if e.Plan == nil {
		return Whole(full)
	}
	return e.again(func(place int) transformer.Block { return full.Blocks[e.Plan[place].Layer] })
}

// Again is Untrained with the weights that e's own blocks have, for one whose owner trained
// them before he handed it out: they are not the model's.
func (e *Emulator) Again() *Emulator {
	if e.Plan == nil {
		return Whole(e.Decoder)
	}
	return e.again(func(place int) transformer.Block { return e.Decoder.Blocks[place] })
}

// again returns an emulator over the same frozen blocks that trains copies of others.
func (e *Emulator) again(of func(place int) transformer.Block) *Emulator {
	d := *e.Decoder
	d.Blocks = slices.Clone(d.Blocks)
	again := &Emulator{Plan: e.Plan, Decoder: &d, Unsealed: e.Unsealed, Origin: e.Origin, Fits: e.Fits, FittedOn: e.FittedOn, Folded: e.Folded}
	for _, place := range e.Plan.TrainablePlaces() {
		d.Blocks[place] = of(place).Clone()
	}
	again.collect()
	return again
}

// Close gives back the weights that were made for the emulator, or loaded by [OpenDir]; those of
// the full model stay. It must not be used then, nor what it was plugged into.
func (e *Emulator) Close() {
	for _, t := range e.own {
		t.Free()
	}
	e.own = nil
	if e.opened != nil {
		e.opened.Close() // of files that were only read
		e.opened = nil
	}
}

// collect notes the trainable blocks in order of their original layers.
func (e *Emulator) collect() {
	places := e.Plan.TrainablePlaces()
	slices.SortFunc(places, func(a, b int) int { return e.Plan[a].Layer - e.Plan[b].Layer })
	for _, place := range places {
		e.layers = append(e.layers, e.Plan[place].Layer)
		e.blocks = append(e.blocks, e.Decoder.Blocks[place])
	}
}

// Params yields the parameters of the trainable blocks by original layer, under
// the names they have in the full model.
func (e *Emulator) Params() nn.Params {
	if e.Plan == nil {
		return e.Decoder.Params()
	}
	return func(yield func(*autograd.Parameter) bool) {
		for _, b := range e.blocks {
			for w := range nn.ParamsOf(b) {
				if !yield(w) {
					return
				}
			}
		}
	}
}

// Trained returns the blocks that train, by original layer; of a model that is trained whole
// all of them.
func (e *Emulator) Trained() []transformer.Block {
	if e.Plan == nil {
		return e.Decoder.Blocks
	}
	return e.blocks
}

// Plug returns the full model with the emulator's trainable blocks at their
// original layers. All weights are shared; full itself is not changed.
func (e *Emulator) Plug(full *transformer.Decoder) *transformer.Decoder {
	if e.Plan == nil {
		return e.Decoder
	}
	d := *full
	d.Blocks = slices.Clone(full.Blocks)
	for i, layer := range e.layers {
		if layer >= len(d.Blocks) {
			panic(fmt.Sprintf("emulate: Plug: layer %d in a model of %d", layer, len(d.Blocks)))
		}
		d.Blocks[layer] = e.blocks[i]
	}
	return &d
}

// HeldParams returns the number of distinct weights the data owner holds:
// embeddings, norms, head, and each block once (a trainable block and a frozen
// copy of its initial weights are two).
func (e *Emulator) HeldParams() int {
	return nn.Count(e.Decoder.Params())
}
