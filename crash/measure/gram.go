package measure

import (
	"context"
	"runtime"
	"slices"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/tensor"
	"lamina/transformer"
)

// Gram measures, in the decoder that has the kept layers alone, how the gradient of the
// trained ones changes as others are removed, to first order; see [plan.Gram]. One
// backward pass a text gives its gradient g^n and, for each layer's gate, s^n = <∂loss/∂h,
// h - x> with x before and h after the block. Beside what Gradients holds it takes 4 bytes
// for each weight of the trained layers and each layer that could be removed.
func (g *Gradients) Gram(ctx context.Context, kept, trained []int) (plan.Gram, error) {
	layers := len(g.Full.Blocks)
	if _, err := g.whole(ctx, trained); err != nil {
		return plan.Gram{}, err
	}
	if err := g.of(trained); err != nil {
		return plan.Gram{}, err
	}
	gates := newGates(kept, trained)
	d := g.keeping(kept)
	if err := gates.open(g, d); err != nil {
		return plan.Gram{}, err
	}
	defer gates.close()
	sum := make([]float32, g.own.Grads.Len())
	sums := make([][]float32, len(gates.layers))
	for i := range sums {
		sums[i] = make([]float32, len(sum))
	}
	targets := float64(g.targets())
	result := plan.Gram{Q: make([][]float64, layers), Drift: make([]float64, layers), Saliency: make([]float64, layers), Full: squares(g.full)}
	for i := range result.Q {
		result.Q[i] = make([]float64, layers)
	}
	for i := range g.Items {
		g.own.ZeroGrads(g.Backend)
		if err := g.run(g.pass, d, g.Items[i:i+1]); err != nil {
			return plan.Gram{}, err
		}
		one, s := g.own.Grads.Float32s(), gates.read()
		addScaled(sum, one, 1)
		for k, layer := range gates.layers {
			result.Saliency[layer] += s[k]
		}
		parallel(len(sums), runtime.GOMAXPROCS(0), func(k int) { addScaled(sums[k], one, targets*s[k]) })
		if err := ctx.Err(); err != nil {
			return plan.Gram{}, err
		}
	}
	drift := make([]float32, len(sum))
	for i, v := range sum {
		drift[i] = v - g.full[i]
	}
	if slices.Equal(kept, places(layers)) {
		clear(drift) // the sums of the same numbers in another order are no change
	}
	result.Apart = squares(drift)
	parallel(len(sums), runtime.GOMAXPROCS(0), func(k int) {
		a := gates.layers[k]
		result.Drift[a] = product(sums[k], drift)
		for l := range k + 1 {
			b := gates.layers[l]
			v := product(sums[k], sums[l])
			result.Q[a][b], result.Q[b][a] = v, v
		}
	})
	return result, nil
}

// addScaled adds x times a.
func addScaled(sum, x []float32, a float64) {
	x = x[:len(sum)]
	for i, v := range x {
		sum[i] += float32(a * float64(v))
	}
}

// gates stand behind the blocks that could be removed. Each holds the sum of <∂loss/∂h,
// h - x> over the rows of a pass.
type gates struct {
	layers []int // of the full model
	places []int // where they stand
	opened []*gate
	way    autograd.Parameter // makes the stream a tracked one from the lowest gate on
}

func newGates(kept, trained []int) *gates {
	g := &gates{}
	for place, layer := range kept {
		if !slices.Contains(trained, layer) {
			g.layers, g.places = append(g.layers, layer), append(g.places, place)
		}
	}
	return g
}

// open puts the gates into d.
func (g *gates) open(of *Gradients, d *transformer.Decoder) (err error) {
	g.way = autograd.Parameter{Name: "gate", Trainable: true}
	if g.way.Value, err = tensor.New(of.Backend, tensor.F32, 1); err != nil {
		return err
	}
	if g.way.Grad, err = tensor.New(of.Backend, tensor.F32, 1); err != nil {
		g.way.Value.Free()
		return err
	}
	for _, place := range g.places {
		one := &gate{Block: d.Blocks[place], way: &g.way}
		d.Blocks[place] = one
		g.opened = append(g.opened, one)
	}
	return nil
}

// read returns the sums of the last pass.
func (g *gates) read() []float64 {
	s := make([]float64, len(g.opened))
	for i, one := range g.opened {
		s[i], one.sum = one.sum, 0
	}
	return s
}

func (g *gates) close() {
	g.way.Value.Free()
	g.way.Grad.Free()
}

// gate is a block that notes, as its gradient comes back, the derivative by a factor of
// what it adds to the stream.
type gate struct {
	transformer.Block
	way *autograd.Parameter
	sum float64
}

// Forward runs the block.
func (g *gate) Forward(p *autograd.Pass, x autograd.Var, at transformer.Place) autograd.Var {
	h := g.Block.Forward(p, x, at)
	y := autograd.Var{T: h.T}
	if r := p.Record(gateOp{}, &y, h, p.Param(g.way)); r != nil {
		p.Save(r, 0, x.T)
		p.Save(r, 1, h.T)
		r.Ref = g
	}
	return y
}

// gateOp hands the gradient on as it is.
type gateOp struct{}

// Name is how tapes call the operation.
func (gateOp) Name() string { return "gate" }

// Backward notes <dY, h - x>.
func (gateOp) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	g := r.Ref.(*gate)
	x, h, d := r.Saved[0].Float32s(), r.Saved[1].Float32s(), dY.Float32s()
	for i, v := range d {
		g.sum += float64(float64(v) * (float64(h[i]) - float64(x[i])))
	}
	p.Give(r.In[0], dY)
}
