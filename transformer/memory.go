package transformer

import (
	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/dry"
	"lamina/nn"
	"lamina/tensor"
)

// InferenceMemory is what inference of a decoder holds at its peak, in bytes, beside
// what every program of the kind does ([Config.ProcessMemory]).
type InferenceMemory struct {
	Positions int // the length that Cache and Pass are meant for
	Weights   int // as they are stored, each once
	Cache     int // keys and values of one sequence of Positions
	Pass      int // the pass that reads Positions at once; of a [dry.Scratcher] in whole chunks
	Scratch   int // that the device takes for itself
}

// Total returns the sum.
func (m InferenceMemory) Total() int { return m.Weights + m.Cache + m.Pass + m.Scratch }

// inferencePositions is the length that the memory of inference is computed for, where
// the model has as many positions.
const inferencePositions = 1024

// InferenceMemory computes what inference would hold on a backend, nil being the host's:
// nothing is run, and nothing allocated that grows with the model.
func (d *Decoder) InferenceMemory(on kernels.Backend) InferenceMemory {
	c := d.Config
	m := InferenceMemory{Positions: min(c.MaxPositions, inferencePositions), Weights: nn.Bytes(d.Params())}
	m.Cache = 2 * m.Positions * d.kvWidth() * tensor.F32.Bytes(1)
	be := dry.New(on)
	p := autograd.NewPass(be)
	x := d.Forward(p, NewBatch(make([]int32, m.Positions)), nil)
	d.Logits(p, d.Rows(p, x, make([]int32, min(autograd.HeadRows, m.Positions))))
	m.Pass, m.Scratch = p.Arena.Extent(), be.Scratch
	if _, ok := on.(dry.Scratcher); ok { // a device's memory is taken whole, the host's where it is written
		m.Pass = p.Arena.Capacity()
	}
	return m
}

// ProcessMemory is what a run holds beside weights and passes, in bytes: code,
// examples, the runtime, what lies about before it is collected, and the panels that
// products are packed into; and the tokenizer, whose tables take some 300 bytes an entry.
// Both measured, on models of 512 to 50,000 entries: a process that does nothing yet has
// 25 MiB, one that has trained a hundred MiB of weights for a hundred steps 44 to 46, of
// which 16 may be garbage (package internal/garbage).
func (c Config) ProcessMemory() int { return 44<<20 + 300*c.Vocab }

// Params returns the number of weights of the model; a tied head counts once.
func (c Config) Params() int { return nn.Count(c.Outline().Params()) }

// BlockParams returns the number of weights of one block that is the family's layer.
func (c Config) BlockParams() int {
	c.Layers, c.Forms = 1, nil
	return nn.Count(nn.ParamsOf(c.Outline().Blocks[0]))
}

// Outline returns the decoder without its weights: parameters have F32 values of the
// right shape and no memory. It is for counting and for passes on [dry.Backend].
func (c Config) Outline() *Decoder { return New(c, outline{}) }

// Outline returns the checkpoint's decoder without its weights: parameters have the
// shape and type that [Checkpoint.Decoder] gives them, and no memory.
func (c *Checkpoint) Outline() *Decoder {
	return New(c.Config, outline{c})
}

// outline is a Source of parameters without memory, with the types of a checkpoint if
// there is one.
type outline struct{ checkpoint *Checkpoint }

func (o outline) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	d := tensor.F32
	if o.checkpoint != nil {
		if e, ok := o.checkpoint.Entry(name); ok {
			d = loadedType(e)
		}
	}
	return &autograd.Parameter{Name: name, Value: tensor.NoMemory(nil, d, shape...)}
}
