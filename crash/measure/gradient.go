package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// Gradients measures which way the weights of some blocks are pulled by a loss, in a
// decoder and in parts of it: g = ∂/∂T Σ -log p(target | context) / targets. It holds
// copies of these blocks with their gradients, 8 bytes a weight, and another 4 for the
// full decoder's gradient, until Close. It is not for concurrent use.
type Gradients struct {
	Backend kernels.Backend
	Full    *transformer.Decoder
	Items   []transformer.Continuation
	// Recompute takes less memory for another forward pass, to the same bits: in In and
	// InFull.
	Recompute bool
	// Progress is told how many of Items are done, after each pass; may be nil.
	Progress func(done, total int)

	layers []int // the blocks below are copies of these
	blocks []transformer.Block
	own    *nn.Trained
	full   []float32 // their gradient in Full; nil: not measured
	pass   *autograd.Pass
}

// gradientTokens is about how many tokens one pass takes.
const gradientTokens = 512

// Close gives back what is held.
func (g *Gradients) Close() {
	if g.pass != nil {
		g.pass.Close()
	}
	if g.own != nil {
		g.own.Close()
	}
	g.pass, g.own, g.full, g.layers, g.blocks = nil, nil, nil, nil, nil
}

// of makes ready for the gradients of some layers.
func (g *Gradients) of(layers []int) error {
	if g.own != nil && slices.Equal(layers, g.layers) {
		g.own.ZeroGrads(g.Backend)
		return nil
	}
	g.Close()
	if err := g.check(len(layers)); err != nil {
		return err
	}
	for _, layer := range layers {
		g.blocks = append(g.blocks, g.Full.Blocks[layer].Clone())
	}
	own, err := nn.Trainable(g.Backend, func(yield func(*autograd.Parameter) bool) {
		for _, b := range g.blocks {
			for w := range nn.ParamsOf(b) {
				if !yield(w) {
					return
				}
			}
		}
	})
	if err != nil {
		return err
	}
	g.own, g.layers, g.pass = own, slices.Clone(layers), autograd.NewTrainingPass(g.Backend)
	return nil
}

// check returns an error unless there are layers, and texts that fit the decoder.
func (g *Gradients) check(layers int) error {
	if layers == 0 || len(g.Items) == 0 {
		return fmt.Errorf("gradients of %d layers on %d texts: want one of each at least", layers, len(g.Items))
	}
	for i, it := range g.Items {
		if err := g.Full.Config.CheckContinuation(it.Context, it.Target); err != nil {
			return fmt.Errorf("text %d: %w", i, err)
		}
	}
	return nil
}

// keeping is [Keeping] with the copies in place of their layers.
func (g *Gradients) keeping(kept []int) *transformer.Decoder {
	d := Keeping(g.Full, kept)
	for i, layer := range kept {
		if at := slices.Index(g.layers, layer); at >= 0 {
			d.Blocks[i] = g.blocks[at]
		}
	}
	return d
}

// targets returns the number of target tokens.
func (g *Gradients) targets() (n int) {
	for _, it := range g.Items {
		n += len(it.Target)
	}
	return n
}

// run adds the gradient of some texts in d, and nothing is left of the pass but the peak
// of its memory.
func (g *Gradients) run(pass *autograd.Pass, d *transformer.Decoder, items []transformer.Continuation) error {
	b := &transformer.Batch{}
	var rows, targets []int32
	for _, it := range items {
		first := int32(len(b.Tokens) + len(it.Context) - 1)
		b.Add(slices.Concat(it.Context, it.Target[:len(it.Target)-1]), nil)
		for j, token := range it.Target {
			rows, targets = append(rows, first+int32(j)), append(targets, token)
		}
	}
	defer pass.Reset()
	loss := d.LossAt(pass, d.Forward(pass, b, nil), rows, targets)
	if err := pass.Backward(loss, 1/float64(g.targets())); err != nil {
		return err
	}
	return pass.Sync()
}

// all adds the gradient of all texts in d.
func (g *Gradients) all(ctx context.Context, pass *autograd.Pass, d *transformer.Decoder) error {
	for from := 0; from < len(g.Items); {
		to, tokens := from, 0
		for to < len(g.Items) && (to == from || tokens+len(g.Items[to].Context)+len(g.Items[to].Target) <= gradientTokens) {
			tokens += len(g.Items[to].Context) + len(g.Items[to].Target)
			to++
		}
		if err := g.run(pass, d, g.Items[from:to]); err != nil {
			return err
		}
		if g.Progress != nil {
			g.Progress(to, len(g.Items))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// Of returns the gradient of the weights of trained layers, in the order of the layers, in
// the decoder that has the kept ones alone. Both are ascending, and all trained are kept.
func (g *Gradients) Of(ctx context.Context, kept, trained []int) ([]float32, error) {
	if err := g.of(trained); err != nil {
		return nil, err
	}
	if err := g.all(ctx, g.pass, g.keeping(kept)); err != nil {
		return nil, err
	}
	return g.own.Grads.Float32s(), nil
}

// whole returns the gradient in the full decoder, which is measured once.
func (g *Gradients) whole(ctx context.Context, trained []int) ([]float32, error) {
	if g.full == nil || !slices.Equal(trained, g.layers) {
		full, err := g.Of(ctx, places(len(g.Full.Blocks)), trained)
		if err != nil {
			return nil, err
		}
		g.full = full
	}
	return g.full, nil
}

// Cosine returns that between the gradients of the trained layers' weights in the decoder
// that has the kept ones alone and in the full one; 0 where one of them is 0.
func (g *Gradients) Cosine(ctx context.Context, kept, trained []int) (float64, error) {
	full, err := g.whole(ctx, trained)
	if err != nil {
		return 0, err
	}
	part, err := g.Of(ctx, kept, trained)
	if err != nil {
		return 0, err
	}
	length := math.Sqrt(squares(full)) * math.Sqrt(squares(part))
	if length == 0 {
		return 0, nil
	}
	return product(full, part) / length, nil
}

// Gains returns Σ |gradient| of the weights of each layer in the full decoder: the loss
// falls by that much times the learning rate, to first order, in a step that moves each
// weight by the learning rate, as AdamW's first one does. So many layers are measured at
// once as group says, and each group takes a backward pass over the texts.
func (g *Gradients) Gains(ctx context.Context, group int, progress func(done, total int)) ([]float64, error) {
	layers := places(len(g.Full.Blocks))
	gains := make([]float64, 0, len(layers))
	for from := 0; from < len(layers); from += group {
		some := layers[from:min(from+group, len(layers))]
		all, err := g.Of(ctx, layers, some)
		if err != nil {
			return nil, err
		}
		at := 0
		for _, b := range g.blocks {
			sum := 0.0
			for w := range nn.ParamsOf(b) {
				for _, v := range all[at : at+w.Value.Len()] {
					sum += math.Abs(float64(v))
				}
				at += w.Value.Len()
			}
			if math.IsNaN(sum) || math.IsInf(sum, 0) {
				return nil, fmt.Errorf("the gradient of layer %d is not finite: look at the model's weights and the texts", len(gains))
			}
			gains = append(gains, sum)
		}
		if progress != nil {
			progress(len(gains), len(layers))
		}
	}
	return gains, nil
}

// places returns 0 … n-1.
func places(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
