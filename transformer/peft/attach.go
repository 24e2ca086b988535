package peft

import (
	"fmt"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Attached is what was put to the blocks of a decoder.
type Attached struct {
	Config Config

	kind   Kind
	put    []putLayer
	params []*autograd.Parameter
	values []tensor.Tensor // that params are to get, where the decoder has them and nothing is installed yet
	made   []tensor.Tensor // values that came from the source
}

// putLayer is a layer that stands where a plain one stood.
type putLayer struct {
	layer
	config Config // with the layer's own rank and alpha
	plain  *nn.Linear
	now    added
}

// layer is a linear layer of a block.
type layer struct {
	name   string // in a checkpoint
	number int    // of the full model's layer
	own    string // the name within the layer
	field  *nn.Projection

	keysValues bool // it makes keys or values, or both
	output     bool // of attention, to the stream
	narrow     bool // of the feed-forward part, to the stream
}

// rules choose layers and their sizes as the library's files do; see [Saved].
type rules struct {
	ranks, alphas []pattern
	exclude       []string
	parents       []string // layers_pattern: what a layer's number stands behind
	inputs        []string // feedforward_modules
	inputsNamed   bool     // there is such a key
	any           bool     // a target need not be found, and ranks are not bounded by the layer's
}

// Attach puts what c says to linear layers of some blocks of a decoder, with weights that
// the source makes ([nn.Init]) below the layer's name, or lists the parameters that
// train, for a kind that puts nothing there. Everything else of the blocks is left as it
// is, to be frozen.
//
// A target is a layer's name in a checkpoint or its end behind a dot: "q_proj",
// "self_attn.q_proj", or [AllLinear]. It is an error that lists the names there are if one is
// none of the blocks, and if one of c.Layers is not among the blocks.
func Attach(src nn.Source, d *transformer.Decoder, blocks []transformer.Block, c Config) (*Attached, error) {
	a, err := build(src, d, blocks, c, rules{})
	if err != nil {
		return nil, err
	}
	a.Install()
	return a, nil
}

// Beside is Attach without a change of the blocks: for what is saved and never runs.
func Beside(src nn.Source, d *transformer.Decoder, blocks []transformer.Block, c Config) (*Attached, error) {
	return build(src, d, blocks, c, rules{})
}

// build makes what Attach installs.
func build(src nn.Source, d *transformer.Decoder, blocks []transformer.Block, c Config, r rules) (*Attached, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a := &Attached{Config: c}
	a.kind, _ = Named(c.Kind)
	blocks, err := chosen(d.Config, blocks, c.Layers)
	if err != nil {
		return nil, err
	}
	if a.kind.params != nil {
		for _, b := range blocks {
			a.params = slices.AppendSeq(a.params, a.kind.params(b))
		}
		return a, a.wantSome()
	}
	layers, err := targets(d.Config, blocks, a.kind, c.Targets, r)
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		if err := a.add(nn.From(src), l, r); err != nil {
			a.free()
			return nil, err
		}
	}
	return a, a.wantSome()
}

// wantSome returns an error if nothing would be trained.
func (a *Attached) wantSome() error {
	if len(a.params) == 0 {
		return fmt.Errorf("%s trains nothing of these blocks: they have no such weights", a.kind.Name)
	}
	return nil
}

// add makes what is put to a layer.
func (a *Attached) add(w nn.Weights, l layer, r rules) error {
	plain, ok := (*l.field).(*nn.Linear)
	if !ok {
		return fmt.Errorf("layer %s is a %T: %s is put to plain linear layers", l.name, *l.field, a.kind.Name)
	}
	c := a.Config
	c.Rank = int(matching(r.ranks, l.name, float64(c.Rank)))
	c.Alpha = matching(r.alphas, l.name, c.Alpha)
	if in, out := plain.Sizes(); !r.any && c.Rank > min(in, out) {
		return fmt.Errorf("rank %d is more than layer %s [%d %d] has: want 1 to %d", c.Rank, l.name, out, in, min(in, out))
	}
	p := putLayer{l, c, plain, a.kind.put(w.At(l.name), l, plain, c)}
	for w := range p.now.Added() {
		a.params, a.made = append(a.params, w), append(a.made, w.Value)
		if err := w.Value.Err(); err != nil {
			return fmt.Errorf("parameter %s: %w", w.Name, err)
		}
	}
	a.put = append(a.put, p)
	return nil
}

// Install puts what [Saved.Load] read to its layers. What is attached, is installed.
func (a *Attached) Install() {
	for _, p := range a.put {
		*p.field = p.now
	}
	for i, t := range a.values {
		a.params[i].Value = t
	}
	a.values = nil
}

// trainedValue returns the value that a parameter has, or is to get.
func (a *Attached) trainedValue(i int) tensor.Tensor {
	if a.values != nil {
		return a.values[i]
	}
	return a.params[i].Value
}

// Params yields what is trained: what was put there, or what of the blocks the kind trains.
func (a *Attached) Params() nn.Params { return nn.List(a.params...) }

// Layers returns the checkpoint names of the linear layers that something was put to.
func (a *Attached) Layers() []string {
	names := make([]string, len(a.put))
	for i, p := range a.put {
		names[i] = p.name
	}
	return names
}

// Release gives back the memory that what was put there began with, under the name of a
// parameter that has a value of its own by now ([nn.Trainable]), and reports whether there is
// such a parameter.
func (a *Attached) Release(name string) bool {
	if a.kind.put == nil {
		return false
	}
	i := slices.IndexFunc(a.params, func(w *autograd.Parameter) bool { return w.Name == name })
	if i >= 0 && i < len(a.made) && !a.made[i].SameMemory(a.params[i].Value) {
		a.made[i].Free()
		a.made[i] = tensor.Tensor{}
	}
	return i >= 0
}

// Close puts the plain layers back and gives back the memory of what was there. What was
// trained is to be saved before, and the [nn.Trained] of it closed.
func (a *Attached) Close() {
	for _, p := range a.put {
		if *p.field == nn.Projection(p.now) {
			*p.field = p.plain
		}
	}
	a.free()
}

func (a *Attached) free() {
	for _, t := range a.made {
		t.Free()
	}
	a.made = nil
}

// Blank is a source of weights without memory: for counting, and for passes on
// [lamina/kernels/dry.Backend].
type Blank struct{}

// Parameter returns one of a shape, of F32.
func (Blank) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	return &autograd.Parameter{Name: name, Value: tensor.NoMemory(nil, tensor.F32, shape...)}
}

// chosen returns the blocks of some layers, each once; of all where none is named.
func chosen(c transformer.Config, blocks []transformer.Block, layers []int) ([]transformer.Block, error) {
	var all []transformer.Block
	there := map[int]bool{}
	for _, b := range blocks {
		if s, ok := b.(*transformer.Scaled); ok {
			b = s.Block
		}
		n, err := numberOf(c, b)
		if err != nil {
			return nil, err
		}
		if there[n] = true; (layers == nil || slices.Contains(layers, n)) && !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	for _, n := range layers {
		if !there[n] {
			return nil, fmt.Errorf("layer %d is none that is trained: want some of %s", n, numbers(there))
		}
	}
	return all, nil
}

// numberOf returns the number that a block's layer has in the full model.
func numberOf(c transformer.Config, b transformer.Block) (int, error) {
	if _, ok := transformer.SublayersOf(b); ok {
		for w := range nn.ParamsOf(b) {
			if n, _, ok := c.SplitLayerName(w.Name); ok {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("a block is a %T, which is no layer of %s", b, c.Family)
}

func numbers(there map[int]bool) string {
	var all []int
	for n := range there {
		all = append(all, n)
	}
	slices.Sort(all)
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(all)), ", "), "[]")
}
