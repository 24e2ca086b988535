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

// curvature is what the loss of the full model on the texts, -log p of each next token,
// says of a block's linear layers: the gradient of the weights, and the moments of inputs
// and of the gradients of outputs, of which K-FAC's curvature is made. It is of the model
// as it is, not of the emulator, and all tokens count alike.
type curvature struct {
	all      []linear                  // of a copy of the block, over the same values
	gradient [][]float32               // [out in] of each
	inputs   map[int]*compress.Moments // of each group
	outputs  []*compress.Moments       // of the gradient of each one's outputs
}

// curvatureBytes is about what the curvatures that are gathered at once may take. A block
// of width 576 with an MLP of 1536 takes 0.1 GiB.
const curvatureBytes = 1 << 30

// curvatureOf returns the curvature of the block whose layer stands at a place, once. Those
// of further places that want one are gathered with it as far as there is room, for each
// time costs a forward and a backward pass of the model.
func (f *fitting) curvatureOf(place int) (*curvature, error) {
	layer := f.e.Plan[place].Layer
	if f.curved[layer] == nil {
		if err := f.gatherCurvature(place); err != nil {
			return nil, err
		}
	}
	c := f.curved[layer]
	delete(f.curved, layer)
	return c, nil
}

// gatherCurvature runs the full model over the texts, forward and backward.
func (f *fitting) gatherCurvature(place int) error {
	d := *f.full
	d.Blocks = slices.Clone(d.Blocks)
	f.curved = map[int]*curvature{}
	var weights []*autograd.Parameter
	bytes := 0
	for _, s := range f.e.Plan[place:] {
		if s.IsMap() || s.Transform.Name != f.e.Plan[place].Transform.Name || f.curved[s.Layer] != nil || f.made[plan.Slot{Layer: s.Layer, Transform: s.Transform}] != nil {
			continue
		}
		block := f.full.Blocks[s.Layer].Clone()
		c, err := newCurvature(block)
		if err != nil {
			return err
		}
		if bytes += curvatureSize(c.all); bytes > curvatureBytes && len(f.curved) > 0 {
			break
		}
		for _, l := range c.all {
			weights = append(weights, l.Weight)
		}
		d.Blocks[s.Layer], f.curved[s.Layer] = block, c
	}
	trained, err := nn.Trainable(f.be, nn.List(weights...))
	if err != nil {
		return err
	}
	defer trained.Close()
	if err := f.differentiate(&d); err != nil {
		return err
	}
	for _, c := range f.curved {
		for i, l := range c.all {
			in, out := l.Sizes()
			if c.gradient[i] = l.Weight.Grad.Float32s(); l.InOut {
				c.gradient[i] = turned(c.gradient[i], in, out)
			}
		}
	}
	return nil
}

// newCurvature puts taps where the linear layers of a block stand.
func newCurvature(block transformer.Block) (*curvature, error) {
	all, err := linearsOf(block)
	if err != nil {
		return nil, err
	}
	c := &curvature{all: all, gradient: make([][]float32, len(all)), inputs: map[int]*compress.Moments{}}
	for i, l := range all {
		in, out := l.Sizes()
		t := &backTap{Projection: l.Linear, name: l.name, outputs: compress.NewMoments(out)}
		if i == 0 || all[i-1].group != l.group {
			t.inputs = compress.NewMoments(in)
			c.inputs[l.group] = t.inputs
		}
		c.outputs = append(c.outputs, t.outputs)
		*l.field = t
	}
	return c, nil
}

// differentiate adds to the gradients of what is trainable in d those of the loss of all
// texts, a batch after the other. A block keeps its input alone and runs again on the way
// back.
func (f *fitting) differentiate(d *transformer.Decoder) error {
	p := autograd.NewTrainingPass(f.be)
	p.Recompute = true
	defer p.Close()
	any := false
	for _, s := range f.streams {
		var rows, targets []int32
		for _, seg := range s.batch.Segments {
			for i := seg.Start; i < seg.Start+seg.Len-1; i++ {
				rows, targets = append(rows, int32(i)), append(targets, s.batch.Tokens[i+1])
			}
		}
		if len(rows) == 0 {
			continue
		}
		any = true
		loss := d.LossAt(p, d.Forward(p, s.batch, nil), rows, targets)
		err := p.Backward(loss, 1)
		if err == nil {
			err = p.Sync()
		}
		p.Reset()
		if err == nil {
			err = f.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	if !any {
		return fmt.Errorf("each text is one token, which has no next one: there is no loss to differentiate (--support FILE)")
	}
	return nil
}

// backTap stands in a linear layer's place and sees, on the way back, its input and the
// gradient of its output.
type backTap struct {
	nn.Projection
	name            string
	inputs, outputs *compress.Moments // inputs is nil but in the first layer of a group
}

// Forward maps x [N in] as the layer does.
func (t *backTap) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := t.Projection.Forward(p, x)
	seen := autograd.Var{T: y.T}
	if r := p.Record(backTapOp{}, &seen, y); r != nil {
		r.Ref = t
		if t.inputs != nil {
			p.Save(r, 0, x.T)
		}
	}
	return seen
}

// see adds rows of the input, if these are wanted, and of the output's gradient.
func (t *backTap) see(x, dY tensor.Tensor) error {
	if t.inputs != nil {
		if err := t.inputs.Add(x.Float32s()); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if err := t.outputs.Add(dY.Float32s()); err != nil {
		return fmt.Errorf("%s: gradients of outputs: %w", t.name, err)
	}
	return nil
}

type backTapOp struct{}

func (backTapOp) Name() string { return "tap" }

// Backward shows the gradient and hands it on.
func (backTapOp) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	if p.Err() == nil {
		if err := r.Ref.(*backTap).see(r.Saved[0], dY); err != nil {
			p.Fail(err)
		}
	}
	p.Give(r.In[0], dY)
}
