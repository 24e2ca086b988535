package transformer

import (
	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
)

// LinearMap is a place without a layer: a linear map of the stream, y = x + x·Wᵀ, with W
// [D D] what it changes.
type LinearMap struct {
	Change nn.Projection // D to D
	name   string
	width  int
}

// NewLinearMap returns a map whose weights have their names below name.
func NewLinearMap(change nn.Projection, name string) *LinearMap {
	width, _, _ := nn.Sizes(change)
	return &LinearMap{change, name, width}
}

func (b *LinearMap) mapName() string { return "linear" }

// Parts shows W, called gap.weight.
func (b *LinearMap) Parts(v nn.Visitor) {
	v.In(&b.name).Linear(&b.Change, "gap", b.width, b.width, false)
}

// Forward maps x [N D].
func (b *LinearMap) Forward(p *autograd.Pass, x autograd.Var, _ Place) autograd.Var {
	return nn.LinearAdd(p, x, b.Change, x)
}

// Clone returns a frozen map over the same values.
func (b *LinearMap) Clone() Block { return nn.CloneOf(b) }

// DiagonalMap is a place without a layer: a scale for each channel of the stream,
// y = x·d with d [D].
type DiagonalMap struct {
	Gain  *autograd.Parameter // d [D]
	name  string
	width int
}

// NewDiagonalMap returns a map whose weights have their names below name.
func NewDiagonalMap(gain *autograd.Parameter, name string) *DiagonalMap {
	b := &DiagonalMap{Gain: gain, name: name}
	if gain != nil {
		b.width = gain.Value.Len()
	}
	return b
}

func (b *DiagonalMap) mapName() string { return "diagonal" }

// Parts shows d, called gap.gain.
func (b *DiagonalMap) Parts(v nn.Visitor) {
	v.In(&b.name).Parameter(&b.Gain, "gap.gain", nn.Ones, b.width)
}

// Forward maps x [N D].
func (b *DiagonalMap) Forward(p *autograd.Pass, x autograd.Var, _ Place) autograd.Var {
	return p.Mul(x, p.Param(b.Gain))
}

// Clone returns a frozen map over the same values.
func (b *DiagonalMap) Clone() Block { return nn.CloneOf(b) }

// Harmonizer is a place without a layer, to be trained: y = x + U·ReLU(V·x), with V [R D]
// and U [D R] (ScaleOT, AAAI 2025). It is nothing while U is 0, and learns
// from there as long as V is not.
type Harmonizer struct {
	V, U        nn.Projection
	name        string
	width, rank int
}

// NewHarmonizer returns a map of rank R whose weights, V drawn and U zero, have their
// names below name. An error of memory is in the weights.
func NewHarmonizer(w nn.Weights, width, rank int, name string) *Harmonizer {
	v := &nn.Linear{Weight: w.Get(name+".gap.v.weight", nn.NormalOf(width), rank, width)}
	u := &nn.Linear{Weight: w.Get(name+".gap.u.weight", nn.Zeros, width, rank)}
	return &Harmonizer{v, u, name, width, rank}
}

func (b *Harmonizer) mapName() string { return "harmonizer" }

// Parts shows V and U, called gap.v and gap.u.
func (b *Harmonizer) Parts(v nn.Visitor) {
	v = v.In(&b.name)
	v.Linear(&b.V, "gap.v", b.width, b.rank, false)
	v.Projection(&b.U, "gap.u", func(w nn.Weights) nn.Projection {
		return &nn.Linear{Weight: w.Get("weight", nn.Zeros, b.width, b.rank)}
	})
}

// Forward maps x [N D].
func (b *Harmonizer) Forward(p *autograd.Pass, x autograd.Var, _ Place) autograd.Var {
	return nn.LinearAdd(p, x, b.U, nn.LinearFunc(p, kernels.ReLU, b.V, x))
}

// Clone returns a frozen map over the same values.
func (b *Harmonizer) Clone() Block { return nn.CloneOf(b) }

// Scaled is a block whose part of the stream is scaled, y = x + By·f(x) for a block that
// has y = x + f(x).
type Scaled struct {
	Block
	By float64
}

// Forward maps x [N D].
func (b *Scaled) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	return p.Add(x, p.Scale(p.Sub(b.Block.Forward(p, x, at), x), b.By))
}

// Clone returns a frozen block over the same values, as much scaled.
func (b *Scaled) Clone() Block { return &Scaled{b.Block.Clone(), b.By} }
