package measure

import (
	"context"
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/nn"
)

// Signs returns which way most of Items pull each of the weights that are called as the
// trained ones are, in their order, in the full model at its own values:
//
//	s_i = sign(-Σ_n sign(∂/∂w_i Σ -log p(target_n | context_n)))
//
// 1, -1, or 0 where neither way has more. A text has one vote, however long it is or steep
// its loss: of GradFix (arXiv 2510.09658), in which votes do better than the mean gradient.
// Each text takes a backward pass of its own; 13 bytes a weight are held.
func (g *Gradients) Signs(ctx context.Context, trained nn.Params) ([]int8, error) {
	d, weights, err := g.fullWith(trained)
	if err != nil {
		return nil, err
	}
	if err := g.check(nn.Count(weights)); err != nil {
		return nil, err
	}
	own, err := nn.Trainable(g.Backend, weights)
	if err != nil {
		return nil, err
	}
	defer own.Close()
	pass := autograd.NewTrainingPass(g.Backend)
	defer pass.Close()
	pass.Recompute = g.Recompute
	votes := make([]int32, own.Grads.Len())
	for n := range g.Items {
		own.ZeroGrads(g.Backend)
		one := Gradients{Items: g.Items[n : n+1]}
		if err := one.run(pass, d, one.Items); err != nil {
			return nil, err
		}
		for i, v := range own.Grads.Float32s() {
			switch {
			case math.IsNaN(float64(v)) || math.IsInf(float64(v), 0):
				return nil, fmt.Errorf("text %d: a gradient is %v: look at the model's weights and the text", n, v)
			case v > 0:
				votes[i]--
			case v < 0:
				votes[i]++
			}
		}
		if g.Progress != nil {
			g.Progress(n+1, len(g.Items))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	signs := make([]int8, len(votes))
	for i, v := range votes {
		signs[i] = int8(min(max(v, -1), 1))
	}
	return signs, nil
}
