package emulate

import (
	"fmt"

	"lamina/autograd"
	"lamina/crash/repair"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// spout stands in a linear layer's place and keeps what it makes.
type spout struct {
	nn.Projection
	rows []float32 // of the last call
}

// Forward runs the layer.
func (s *spout) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := s.Projection.Forward(p, x)
	s.rows = y.T.Float32s()
	return y
}

// foldGap is the transform replaceme: the map of the MLP's output M that makes
// X + M(A-I) come nearest to what leaves the gap behind the block, folded into the MLP's
// last layer: W ← AᵀW, b ← Aᵀb. X is what the block makes on the emulator's stream, and M
// a part of it; a block that normalises behind the sum has no such part, and is an error.
func foldGap(f *fitting, place int, block transformer.Block, _ float64) error {
	if f.full.Config.PostNorm {
		return fmt.Errorf("the model normalises behind the MLP (do_layer_norm_before is false), and what it adds is no linear part of the stream: leave the gap, or fill it by a map")
	}
	all, err := linearsOf(block)
	if err != nil {
		return err
	}
	if err := f.fullTo(f.e.Plan.GapEnd(place, len(f.full.Blocks))); err != nil {
		return err
	}
	down := all[len(all)-1]
	mlp := &spout{Projection: down.Linear}
	*down.field = mlp
	d, m := f.with(block), repair.NewFoldMoments(f.full.Config.Width)
	for _, s := range f.streams {
		x, err := f.run(d, s.batch, s.x, place)
		if err == nil {
			err = s.finite(x, "the block makes")
		}
		if err != nil {
			return err
		}
		w, err := f.weightsOf(s, x)
		if err == nil {
			err = m.Add(mlp.rows, x, s.y, w)
		}
		if err != nil {
			return err
		}
	}
	fold, err := repair.ReplaceMe(m, f.gapRidge)
	if err != nil {
		return err
	}
	f.report = append(f.report, Fitted{Place: place, What: f.e.Plan[place].String(), Left: fold.Left, Numbers: len(fold.A), Tokens: m.Rows()})
	return f.putFold(down, fold)
}

// putFold puts the layer l, its outputs mapped, where l stands. It is F32: what l rounded
// to was not meant for it.
func (f *fitting) putFold(l linear, fold repair.Fold) error {
	w, out, in := l.matrix()
	bias := l.Bias
	if bias != nil {
		var err error
		if bias, err = f.stored(bias.Name, tensor.F32, fold.Down(bias.Value.Float32s(), 1), out); err != nil {
			return err
		}
	}
	return f.putMatrix(l, tensor.F32, fold.Down(w, in), out, in, bias)
}
