package emulate

import (
	"cmp"
	"fmt"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// folder makes plain layers.
type folder struct {
	be     kernels.Backend
	config transformer.Config
	e      *Emulator
	inOut  map[string]bool // layers of the family, by their names in a block, whose weights are stored [in out]
}

func newFolder(be kernels.Backend, c transformer.Config, e *Emulator) folder {
	f := folder{be: be, config: c, e: e, inOut: map[string]bool{}}
	c.Layers, c.Forms = 1, nil
	for name, field := range nn.ProjectionsOf(c.Outline().Blocks[0]) {
		_, own, _ := c.SplitLayerName(name)
		f.inOut[own] = (*field).(*nn.Linear).InOut
	}
	return f
}

// block returns the plain layer of a block of a form.
func (f folder) block(block transformer.Block, form transformer.Form) (transformer.Block, error) {
	if s, ok := block.(*transformer.Scaled); ok {
		block = s.Block
	}
	block = block.Clone()
	s, ok := transformer.SublayersOf(block)
	if !ok {
		return nil, fmt.Errorf("a %T has no attention and MLP", block)
	}
	scale := cmp.Or(form.Scale, 1)
	heads, kvHeads := f.heads(form)
	rows := transformer.HeadRows(block, f.config, heads, kvHeads)
	channels := upTo(cmp.Or(form.FeedForward, f.config.FeedForward))
	width := f.config.Heads * f.config.HeadDim
	names := map[*nn.Projection]string{}
	for name, field := range nn.ProjectionsOf(block) {
		names[field] = name
	}
	var err error
	put := func(field *nn.Projection, out, in []int, outs, ins int, scale float64) {
		if err == nil {
			err = f.put(field, names[field], out, in, outs, ins, scale)
		}
	}
	for i, field := range s.Attend {
		outs := width
		if len(s.Attend) == 1 {
			outs *= 3
		} else if i > 0 {
			outs = f.config.KVHeads * f.config.HeadDim
		}
		put(field, rows[i], nil, outs, 0, 1)
	}
	columns := make([]int, 0, width)
	for _, h := range heads {
		for k := range f.config.HeadDim {
			columns = append(columns, h*f.config.HeadDim+k)
		}
	}
	put(s.Output, nil, columns, 0, width, scale)
	for _, field := range s.Widen {
		put(field, channels, nil, f.config.FeedForward, 0, 1)
	}
	put(s.Narrow, nil, channels, 0, f.config.FeedForward, scale)
	transformer.KeepHeads(block, nil)
	return block, err
}

// heads returns where the heads that are left stand among the layer's: those of BLOOM where
// they stood, others first.
func (f folder) heads(form transformer.Form) (heads, kvHeads []int) {
	h, g := f.config.Heads, f.config.KVHeads
	if form.Heads > 0 {
		h = form.Heads
		if f.config.Heads == f.config.KVHeads {
			g = h
		}
	}
	if form.KVHeads > 0 {
		g = form.KVHeads
	}
	if heads, kvHeads = upTo(h), upTo(g); form.HeadNumbers != nil {
		heads, kvHeads = form.HeadNumbers, form.HeadNumbers
	}
	return heads, kvHeads
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// put puts a plain layer of so many outputs and inputs where another stands, whose outputs
// and inputs are those of out and in, nil: all. What is full already, and not scaled, stays.
func (f folder) put(field *nn.Projection, name string, out, in []int, outs, ins int, scale float64) error {
	w, bias, rows, cols := dense(*field)
	if out == nil {
		out, outs = upTo(rows), rows
	}
	if in == nil {
		in, ins = upTo(cols), cols
	}
	if _, plain := (*field).(*nn.Linear); plain && rows == outs && cols == ins && scale == 1 {
		return nil
	}
	full := make([]float32, outs*ins)
	for i, row := range out {
		for j, col := range in {
			full[row*ins+col] = float32(scale * w[i*cols+j])
		}
	}
	_, own, _ := f.config.SplitLayerName(name)
	shape, inOut := []int{outs, ins}, f.inOut[own]
	if inOut {
		full, shape = turned(full, outs, ins), []int{ins, outs}
	}
	weight, err := f.stored(name+".weight", full, shape...)
	if err != nil {
		return err
	}
	made := &nn.Linear{Weight: weight, InOut: inOut}
	if bias != nil {
		wide := make([]float32, outs)
		for i, row := range out {
			wide[row] = float32(scale * float64(bias[i]))
		}
		if made.Bias, err = f.stored(name+".bias", wide, outs); err != nil {
			return err
		}
	}
	*field = made
	return nil
}

// dense returns the weight [rows cols] of a linear layer or of a pair's product, and the
// bias, nil without one.
func dense(p nn.Projection) (w []float64, bias []float32, rows, cols int) {
	wide := func(values []float32) []float64 {
		all := make([]float64, len(values))
		for i, v := range values {
			all[i] = float64(v)
		}
		return all
	}
	l, plain := p.(*nn.Linear)
	if plain {
		var values []float32
		values, rows, cols = linear{Linear: l}.matrix()
		w = wide(values)
	} else {
		pair := p.(*nn.LowRank) // or the block would have no form
		factors := compress.Factors{Up: wide(pair.Up.Weight.Value.Float32s()), Down: wide(pair.Down.Weight.Value.Float32s())}
		factors.In, factors.Rank, factors.Out = pair.Sizes()
		w, rows, cols, l = factors.Product(), factors.Out, factors.In, pair.Up
	}
	if l.Bias != nil {
		bias = l.Bias.Value.Float32s()
	}
	return w, bias, rows, cols
}

func (f folder) stored(name string, values []float32, shape ...int) (*autograd.Parameter, error) {
	t, err := tensor.FromFloat32s(f.be, tensor.F32, values, shape...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.e.own = append(f.e.own, t)
	return &autograd.Parameter{Name: name, Value: t}, nil
}
