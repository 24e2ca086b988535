package transformer

import (
	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/tensor"
)

// Noisy is a block whose result a pass that records disturbs, row by row of the stream:
//
//	y = f(x) + Size·rms(f(x))·n      rms over the row's features, n normal
//
// What is trained above it learns to do without the last digits of f: of a stand-in for
// other layers they are wrong anyway. n depends on the pass's seed and step, the place, the
// sample, the position and the feature only, as dropout does; the gradient takes the noise
// for a constant. A pass that records nothing, such as one that validates, has f alone.
type Noisy struct {
	Block
	Size float64
}

// noiseSeed sets the numbers that noise is made of apart from those of dropout.
const noiseSeed = 0x6e6f697365

// Forward maps x [N D].
func (b *Noisy) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	y := b.Block.Forward(p, x, at)
	if !p.Training() || b.Size == 0 {
		return y
	}
	n, width := y.T.Rows(), y.T.Cols()
	squares, sizes, scaled := p.New(tensor.F32, n, width), p.New(tensor.F32, n, 1), p.New(tensor.F32, n, 1)
	kernels.Unary(p.Backend, kernels.Square, squares, y.T)
	kernels.Reduce(p.Backend, kernels.Sum, sizes, squares)
	kernels.Fill(p.Backend, scaled, 0)
	kernels.AddScaled(p.Backend, scaled, sizes, b.Size*b.Size/float64(width))
	kernels.Unary(p.Backend, kernels.Sqrt, sizes, scaled)
	noise := squares
	noise.SetFloat32s(at.noise(p.Dropout.Seed, p.Dropout.Step, width))
	kernels.Binary(p.Backend, kernels.Mul, noise, noise, sizes)
	return p.Add(y, p.Input(noise))
}

// Clone returns a frozen block over the same values, as noisy.
func (b *Noisy) Clone() Block { return &Noisy{b.Block.Clone(), b.Size} }

// noise draws a number for each feature of each row.
func (pl Place) noise(seed, step uint64, width int) []float32 {
	draw := philox.New(seed^noiseSeed, step<<16|uint64(pl.index))
	all := make([]float32, len(pl.Tokens)*width)
	words := pl.appendSamples(make([]int32, 0, 2*len(pl.Tokens)))
	for row := range pl.Tokens {
		sample, position := uint64(words[2*row]), uint64(words[2*row+1])
		draw.FillNormal(all[row*width:(row+1)*width], (sample<<20|position)*uint64(width), 0, 1)
	}
	return all
}
