package emulate

import (
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Outline returns the emulator of a plan over a full model, or over the outline of one
// ([transformer.Checkpoint.Outline]), in which nothing is fitted or computed: its weights
// have the shapes and storage types of [Fit]'s, and those that Fit makes have no memory. It
// is for counting, and for passes on [dry.Backend]. What the weights themselves decide
// (gradot's ranks and channels) is taken evenly.
func Outline(full *transformer.Decoder, p plan.Plan) (*Emulator, error) {
	if err := p.Validate(len(full.Blocks)); err != nil {
		return nil, err
	}
	d := *full
	d.Blocks = make([]transformer.Block, len(p))
	made := map[plan.Slot]transformer.Block{}
	for place, s := range p {
		block, err := outlineOf(full, place, s, made)
		if err != nil {
			return nil, fmt.Errorf("place %d, %s: %w", place, s, err)
		}
		d.Blocks[place] = block
	}
	e := &Emulator{Plan: slices.Clone(p), Decoder: &d}
	e.collect()
	return e, nil
}

// outlineOf returns what stands at a place; made has the frozen blocks that there are.
func outlineOf(full *transformer.Decoder, place int, s plan.Slot, made map[plan.Slot]transformer.Block) (transformer.Block, error) {
	switch {
	case s.IsMap():
		return mapOutlines[s.Map](full.Config.Width, full.Config.LayerName(place)), nil
	case s.Trainable:
		return full.Blocks[s.Layer].Clone(), nil
	}
	kind := plan.Slot{Layer: s.Layer, Transform: s.Transform}
	block, ok := made[kind]
	if !ok {
		if block = full.Blocks[s.Layer]; !kind.Plain() {
			block = block.Clone()
			if err := outlineTransform(full.Config, block, s.Transform); err != nil {
				return nil, err
			}
		}
		made[kind] = block
	}
	if s.Scale != 0 {
		return &transformer.Scaled{Block: block, By: 1}, nil
	}
	return block, nil
}

// mapOutlines are the maps of plans without numbers.
var mapOutlines = map[plan.Map]func(width int, name string) transformer.Block{
	plan.Ghost: outlineLinear, plan.Hadamard: outlineLinear, plan.Patch: outlineDiagonal, plan.Scalar: outlineDiagonal,
	plan.Harmonizer: func(width int, name string) transformer.Block {
		return transformer.NewHarmonizer(nn.From(nowhere{}), width, min(HarmonizerRank, width), name)
	},
}

func outlineLinear(width int, name string) transformer.Block {
	return transformer.NewLinearMap(&nn.Linear{Weight: without(name+".gap.weight", tensor.F32, width, width)}, name)
}

func outlineDiagonal(width int, name string) transformer.Block {
	return transformer.NewDiagonalMap(without(name+".gap.gain", tensor.F32, width), name)
}

// nowhere is a source of parameters without memory.
type nowhere struct{}

// Parameter implements [nn.Source].
func (nowhere) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	return without(name, tensor.F32, shape...)
}

func without(name string, d tensor.DType, shape ...int) *autograd.Parameter {
	return &autograd.Parameter{Name: name, Value: tensor.NoMemory(nil, d, shape...)}
}

// transformOutlines are the transforms of plans without numbers: what each makes of the
// linear layers of a block.
var transformOutlines = map[string]func(c transformer.Config, block transformer.Block, all []linear, amount float64) error{
	"svd": outlineFactors, "asvd": outlineFactors, "width": outlineWidth, "heads": outlineHeads,
	"gradot": func(c transformer.Config, block transformer.Block, all []linear, share float64) error {
		attention := slices.DeleteFunc(slices.Clone(all), func(l linear) bool { return l.group > outputGroup })
		if err := outlineFactors(c, block, attention, share); err != nil {
			return err
		}
		return outlineWidth(c, block, all, share)
	},
	"prune": outlineSame, "wanda": outlineSame, "int": outlineTyped(tensor.F32),
	"q8_0": outlineTyped(tensor.Q8_0), "q4_0": outlineTyped(tensor.Q4_0), "q4_k": outlineTyped(tensor.Q4_K),
	string(plan.FoldRepair): func(_ transformer.Config, _ transformer.Block, all []linear, _ float64) error {
		return outlineTyped(tensor.F32)(transformer.Config{}, nil, all[len(all)-1:], 0)
	},
}

func outlineTransform(c transformer.Config, block transformer.Block, t plan.Transform) error {
	outline, ok := transformOutlines[t.Name]
	if !ok {
		return fmt.Errorf("the sizes that transform %s leaves are not known", t.Name)
	}
	all, err := linearsOf(block)
	if err == nil && !(t.Amount == 1 && amountOf(t.Name) == plan.OfWeights) {
		err = outline(c, block, all, t.Amount)
	}
	return err
}

func amountOf(name string) plan.Amount {
	for _, k := range plan.Transforms {
		if k.Name == name {
			return k.Amount
		}
	}
	return plan.NoAmount
}

// sketch puts a layer of other sizes and type, without memory, in l's place.
func (l linear) sketch(d tensor.DType, out, in int) {
	_, had := l.Sizes()
	shape, bias := []int{out, in}, l.Bias
	if l.InOut {
		shape = []int{in, out}
	}
	if bias != nil && out != had {
		bias = without(bias.Name, exactType(bias.Value.DType()), out)
	}
	*l.field = &nn.Linear{Weight: without(l.Weight.Name, d, shape...), Bias: bias, InOut: l.InOut}
}

func outlineFactors(_ transformer.Config, _ transformer.Block, all []linear, share float64) error {
	for _, l := range all {
		in, out := l.Sizes()
		rank, err := compress.RankFor(share, out, in)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		*l.field = &nn.LowRank{
			Down: &nn.Linear{Weight: without(l.name+".down.weight", tensor.F32, rank, in)},
			Up:   &nn.Linear{Weight: without(l.name+".up.weight", tensor.F32, out, rank), Bias: l.Bias},
		}
	}
	return nil
}

func outlineWidth(_ transformer.Config, _ transformer.Block, all []linear, share float64) error {
	last := all[len(all)-1]
	channels, out := last.Sizes()
	keep, err := compress.CountFor(share, channels)
	if err != nil {
		return fmt.Errorf("%s: %w", last.name, err)
	}
	for _, l := range all {
		if in, _ := l.Sizes(); l.group == widenGroup {
			l.sketch(exactType(l.Weight.Value.DType()), keep, in)
		}
	}
	last.sketch(tensor.F32, out, keep)
	return nil
}

func outlineHeads(c transformer.Config, block transformer.Block, all []linear, share float64) error {
	keep, err := compress.CountFor(share, c.KVHeads)
	if err != nil || keep == c.KVHeads {
		return err
	}
	var heads []int
	for i := range keep * c.Heads / c.KVHeads {
		heads = append(heads, i)
	}
	for _, l := range all {
		in, out := l.Sizes()
		switch l.group {
		case attendGroup:
			l.sketch(exactType(l.Weight.Value.DType()), out/c.KVHeads*keep, in)
		case outputGroup:
			l.sketch(tensor.F32, out, in/c.KVHeads*keep)
		}
	}
	transformer.KeepHeads(block, heads)
	return nil
}

func outlineSame(_ transformer.Config, _ transformer.Block, all []linear, _ float64) error {
	for _, l := range all {
		in, out := l.Sizes()
		l.sketch(exactType(l.Weight.Value.DType()), out, in)
	}
	return nil
}

func outlineTyped(d tensor.DType) func(transformer.Config, transformer.Block, []linear, float64) error {
	return func(_ transformer.Config, _ transformer.Block, all []linear, _ float64) error {
		for _, l := range all {
			if w := l.Weight.Value; w.Cols()%d.BlockLen() != 0 {
				_, err := tensor.EncodeRows(make([]float32, w.Cols()), w.Cols(), d) // says why
				return fmt.Errorf("%s: %w", l.name, err)
			}
			in, out := l.Sizes()
			l.sketch(d, out, in)
		}
		return nil
	}
}
