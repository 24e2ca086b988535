package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Gradient is ∂/∂T Σ -log p(target | context) / targets in nats, of weights T of some
// blocks in one decoder.
type Gradient struct {
	Layers []int     // of the full model, whose blocks T is; ascending
	Values []float32 // block by block
	Peak   int       // bytes that were held to measure it, beside the decoder's own

	ends []int // where the values of each layer end
}

// Bytes is what the gradient itself takes.
func (grad Gradient) Bytes() int { return 4 * len(grad.Values) }

// In returns the gradient of the trained weights in a decoder that has them, called as in
// the full model: an emulator of any kind, with what its Params yields. The weights stay
// as they are, and those of one block stand together. It takes 8 bytes a trained weight
// beside the result, and a pass of some 512 tokens.
func (g *Gradients) In(ctx context.Context, d *transformer.Decoder, trained nn.Params) (Gradient, error) {
	grad, err := g.blocksOf(trained)
	if err == nil {
		err = g.check(len(grad.Layers))
	}
	if err != nil {
		return grad, err
	}
	own, err := nn.Trainable(g.Backend, trained)
	if err != nil {
		return grad, err
	}
	defer own.Close()
	pass := autograd.NewTrainingPass(g.Backend)
	defer pass.Close()
	pass.Recompute = g.Recompute
	if err := g.all(ctx, pass, d); err != nil {
		return grad, err
	}
	grad.Values = own.Grads.Float32s()
	grad.Peak = pass.Arena.Peak() + own.Values.Bytes() + own.Grads.Bytes() + grad.Bytes()
	return grad, nil
}

// InFull returns the gradient in the full model, at its own values, of the weights that are
// called as the trained ones are, in their order.
func (g *Gradients) InFull(ctx context.Context, trained nn.Params) (Gradient, error) {
	d, own, err := g.fullWith(trained)
	if err != nil {
		return Gradient{}, err
	}
	return g.In(ctx, d, own)
}

// fullWith returns the full model with copies of the blocks that the trained weights are
// of, and the weights there that are called as they are.
func (g *Gradients) fullWith(trained nn.Params) (*transformer.Decoder, nn.Params, error) {
	grad, err := g.blocksOf(trained)
	if err != nil {
		return nil, nil, err
	}
	d := Keeping(g.Full, places(len(g.Full.Blocks)))
	called := map[string]*autograd.Parameter{}
	for _, layer := range grad.Layers {
		if layer >= len(d.Blocks) {
			return nil, nil, fmt.Errorf("gradients of layer %d: the full model has %d", layer, len(d.Blocks))
		}
		d.Blocks[layer] = d.Blocks[layer].Clone()
		for w := range nn.ParamsOf(d.Blocks[layer]) {
			called[w.Name] = w
		}
	}
	var own []*autograd.Parameter
	for w := range trained {
		same := called[w.Name]
		if same == nil || !same.Value.SameShape(w.Value) {
			return nil, nil, fmt.Errorf("gradients of %s: the full model has no such weight of shape %v", w.Name, w.Value.Shape())
		}
		own = append(own, same)
	}
	return d, nn.List(own...), nil
}

// blocksOf says which blocks the weights are of, by their names.
func (g *Gradients) blocksOf(trained nn.Params) (grad Gradient, err error) {
	at := 0
	for w := range trained {
		layer, _, ok := g.Full.Config.SplitLayerName(w.Name)
		if !ok {
			return grad, fmt.Errorf("gradients of %s: it is of no block", w.Name)
		}
		if n := len(grad.Layers); n == 0 || grad.Layers[n-1] != layer {
			if slices.Contains(grad.Layers, layer) {
				panic(fmt.Sprintf("measure: Gradients: weights of layer %d stand apart", layer))
			}
			grad.Layers, grad.ends = append(grad.Layers, layer), append(grad.ends, at)
		}
		at += w.Value.Len()
		grad.ends[len(grad.ends)-1] = at
	}
	return grad, nil
}

// Agreement is how alike two gradients of the same weights are: their cosine, 0 where one of
// them is 0, and the share of the weights whose two signs agree, of those where neither is
// 0 (0 where there is none). AdamW's first step follows the signs, not the lengths.
type Agreement struct {
	Cosine, Signs float64
}

// Agree compares two gradients of the same weights, all of them and block by block, with
// sums in float64. Of a gradient and itself both numbers are 1 exactly. It panics where
// they are of other weights.
func Agree(a, b Gradient) (all Agreement, blocks []Agreement) {
	if !slices.Equal(a.Layers, b.Layers) || !slices.Equal(a.ends, b.ends) {
		panic(fmt.Sprintf("measure: Agree: gradients of layers %v (%v) and %v (%v)", a.Layers, a.ends, b.Layers, b.ends))
	}
	from := 0
	for _, to := range a.ends {
		blocks = append(blocks, agree(a.Values[from:to], b.Values[from:to]))
		from = to
	}
	return agree(a.Values, b.Values), blocks
}

func agree(a, b []float32) (r Agreement) {
	alike, counted := 0, 0
	for i, v := range a {
		if w := b[i]; v != 0 && w != 0 {
			counted++
			if (v > 0) == (w > 0) {
				alike++
			}
		}
	}
	if counted > 0 {
		r.Signs = float64(alike) / float64(counted)
	}
	if length := math.Sqrt(squares(a) * squares(b)); length > 0 || math.IsNaN(length) {
		r.Cosine = product(a, b) / length
	}
	return r
}

// Gain returns -<g, after - before>: by how much the loss falls from one set of values of
// the weights to the other, to first order, in nats a target token. Both are in the order
// of the gradient; a parameter at a time is decoded.
func (grad Gradient) Gain(before []tensor.Tensor, after nn.Params) float64 {
	sum, at, i := 0.0, 0, 0
	for w := range after {
		old, now := before[i].Float32s(), w.Value.Float32s()
		for k, v := range now {
			sum -= float64(float64(grad.Values[at+k]) * (float64(v) - float64(old[k])))
		}
		at, i = at+len(now), i+1
	}
	if at != len(grad.Values) || i != len(before) {
		panic(fmt.Sprintf("measure: Gain: %d weights before, %d of %d numbers after, a gradient of %d", len(before), i, at, len(grad.Values)))
	}
	return sum
}
