package compress

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A CurvedLayer is a linear layer y = W·x as a loss L sees it: with its gradient, and with
// the curvature that K-FAC gives it (Martens and Grosse, arXiv 1503.05671).
//
// A change δ of its weights [out in] then has a gradient-preserving compression score (Yao
// et al., "GradOT: Training-free Gradient-preserving Offsite-tuning for Large Language
// Models", arXiv 2507.04455),
//
//	GCS(δ) = ‖H·δ‖₁ - λ·⟨dL/dW, δ⟩, H·δ = G·δ·A
//
// with A the mean of x·xᵀ, G that of (dL/dy)·(dL/dy)ᵀ, and ‖·‖₁ the sum of magnitudes. The
// first term is how far the gradient moves, the second how much the loss rises, which
// protects the model: what has the lowest score goes first.
//
// No code of the paper has been published. The units of λ are ours: each term is divided by
// its mean magnitude over all that could go, so that 1 weighs both equally in any model,
// and 0 leaves the loss alone.
type CurvedLayer struct {
	Out, In  int
	Weight   []float32 // W [Out In]
	Gradient []float32 // dL/dW [Out In]
	Inputs   *Moments  // of x, rows of In numbers
	Outputs  *Moments  // of dL/dy, rows of Out numbers
}

// gradOT has the two terms of GCS for each thing that could go.
type gradOT struct {
	moves []float64 // ‖H·δ‖₁
	rises []float64 // ⟨dL/dW, δ⟩
}

// scores returns GCS in the units of [CurvedLayer].
func (g gradOT) scores(op string, lambda float64) ([]float64, error) {
	if !(lambda >= 0) || infinite(lambda) {
		return nil, fmt.Errorf("compress: %s: lambda %v: want a finite number, 0 or more", op, lambda)
	}
	moved, risen := 0.0, 0.0
	for i := range g.moves {
		moved += g.moves[i]
		risen += math.Abs(g.rises[i])
	}
	n := float64(len(g.moves))
	switch {
	case infinite(moved) || infinite(risen):
		return nil, fmt.Errorf("compress: %s: scores are too large for a float64: want weights and gradients of usual size", op)
	case moved == 0:
		return nil, fmt.Errorf("compress: %s: weights, inputs or the gradients of outputs are all 0: want other rows", op)
	case risen == 0:
		risen = 1
	}
	scores := make([]float64, len(g.moves))
	for i := range scores {
		scores[i] = g.moves[i]/moved*n - lambda*(g.rises[i]/risen*n)
	}
	return scores, nil
}

// alwaysKept is the share of singular directions that GradOT keeps whatever their score.
const alwaysKept = 0.05

// Ranked says which singular directions of a matrix stay.
type Ranked struct {
	Factors
	Kept   []int     // the directions that stay, ascending; 0 has the largest singular value
	Scores []float64 // of every direction: the highest stay
}

// GradOTRanks returns factors of a layer's W = U·Σ·Vᵀ, of so many singular directions: the
// largest 5% (⌈0.05·min(out, in)⌉, or rank if that is less), and of the others those whose
// removal has the highest GCS, the larger singular value among equals. Without direction i,
// δ = -σ_i·u_i·v_iᵀ, and
//
//	‖H·δ‖₁ = σ_i·‖G·u_i‖₁·‖A·v_i‖₁, ⟨dL/dW, δ⟩ = -σ_i·u_iᵀ·(dL/dW)·v_i
//
// (see [CurvedLayer]; GradOT calls this dynamic rank decomposition, and does it to the
// matrices of attention). Up = U_k·√Σ_k and Down = √Σ_k·V_kᵀ. Ranks are those of [SVD].
func GradOTRanks(l CurvedLayer, rank int, lambda float64) (Ranked, error) {
	const op = "GradOTRanks"
	c, err := l.curved(op)
	if err != nil {
		return Ranked{}, err
	}
	s, err := decomposed(op, c.weight, rank)
	if err != nil {
		return Ranked{}, err
	}
	var gu, av, dv mat.Dense
	gu.Mul(c.outputs, &s.u)
	av.Mul(c.inputs, &s.v)
	dv.Mul(c.gradient, &s.v)
	g := gradOT{make([]float64, len(s.values)), make([]float64, len(s.values))}
	for i, sigma := range s.values {
		g.moves[i] = sigma * mat.Norm(gu.ColView(i), 1) * mat.Norm(av.ColView(i), 1)
		g.rises[i] = -sigma * mat.Dot(s.u.ColView(i), dv.ColView(i))
	}
	scores, err := g.scores(op, lambda)
	if err != nil {
		return Ranked{}, err
	}
	always := min(rank, int(math.Ceil(alwaysKept*float64(len(scores)))))
	kept := run(0, always)
	for _, i := range highest(scores[always:], rank-always) {
		kept = append(kept, always+i)
	}
	return Ranked{s.factors(kept), kept, scores}, nil
}

// GradOTChannels keeps some channels of an MLP: those whose removal has the highest GCS, the
// lower one among equals. into are the layers that make the channels (up, and gate if there
// is one), down the one that takes them. Without channel j row j of the first and column j
// of the last become 0 at once, so that
//
//	‖H·δ‖₁ = ‖G·w_·j‖₁·‖A_j·‖₁ of down + Σ ‖G_·j‖₁·‖A·w_j·‖₁ over into
//
// and ⟨dL/dW, δ⟩ is minus the sum of gradient times weight over what becomes 0 (see
// [CurvedLayer]; biases count for nothing; GradOT calls this selective channel pruning).
// Down of the result has columns of down's weight, as they are. keep is 1 to down.In, the
// number of channels.
func GradOTChannels(into []CurvedLayer, down CurvedLayer, keep int, lambda float64) (Narrowed, error) {
	const op = "GradOTChannels"
	channels := down.In
	if keep < 1 || keep > channels {
		return Narrowed{}, fmt.Errorf("compress: %s: %d of %d channels: want 1 to %d", op, keep, channels, channels)
	}
	last, err := down.curved(op)
	if err != nil {
		return Narrowed{}, err
	}
	g := gradOT{make([]float64, channels), make([]float64, channels)}
	g.addChannels(last.inputs, last.outputs, last.weight.T(), last.gradient.T())
	for _, l := range into {
		if l.Out != channels {
			panic(fmt.Sprintf("compress: %s: a layer [%d %d] before one of %d channels", op, l.Out, l.In, channels))
		}
		c, err := l.curved(op)
		if err != nil {
			return Narrowed{}, err
		}
		g.addChannels(c.outputs, c.inputs, c.weight, c.gradient)
	}
	scores, err := g.scores(op, lambda)
	if err != nil {
		return Narrowed{}, err
	}
	kept := highest(scores, keep)
	return Narrowed{kept, columns(last.weight, kept).RawMatrix().Data, scores}, nil
}

// addChannels adds the terms of a matrix [channels width] and its gradient; here has the
// moments on the channels' side, other those on the other.
func (g gradOT) addChannels(here, other mat.Symmetric, w, gradient mat.Matrix) {
	_, width := w.Dims()
	var moved mat.Dense
	moved.Mul(w, other)
	for j := range g.moves {
		column := 0.0
		for i := range g.moves {
			column += math.Abs(here.At(i, j))
		}
		row := 0.0
		for i := range width {
			row += math.Abs(moved.At(j, i))
			g.rises[j] -= w.At(j, i) * gradient.At(j, i)
		}
		g.moves[j] += column * row
	}
}

// curvedMatrices are those of a CurvedLayer.
type curvedMatrices struct {
	weight, gradient *mat.Dense
	inputs, outputs  *mat.SymDense // A and G
}

func (l CurvedLayer) curved(op string) (c curvedMatrices, err error) {
	if l.Inputs.width != l.In || l.Outputs.width != l.Out {
		panic(fmt.Sprintf("compress: %s: moments of %d inputs and %d outputs for a matrix [%d %d]", op, l.Inputs.width, l.Outputs.width, l.Out, l.In))
	}
	if c.weight, err = matrix(op, l.Weight, l.Out, l.In); err != nil {
		return c, err
	}
	if c.gradient, err = matrix(op+": gradient", l.Gradient, l.Out, l.In); err != nil {
		return c, err
	}
	if c.inputs, err = l.Inputs.mean(op); err != nil {
		return c, err
	}
	c.outputs, err = l.Outputs.mean(op)
	return c, err
}
