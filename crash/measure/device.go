package measure

import (
	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// What a device can do of a similarity itself, so that the states of all tokens need not
// be read from it: pooled vectors and sums of squares, and Gram matrices. The host has
// neither kernel, and computes as [Pooling.Pool] and [Gram] say; a device's sums are
// in float64 in the same order.

// kernelOf is the kernel of a pooling.
var kernelOf = [...]kernels.Pooling{
	PoolMean: kernels.PoolMean, PoolMeanWeighted: kernels.PoolPositions, PoolLast: kernels.PoolLast, PoolMaxNonPad: kernels.PoolMax,
	PoolMeanAll: kernels.PoolMean, PoolMax: kernels.PoolMax, PoolMin: kernels.PoolMin,
}

// takePooled is take where the device of x [N D] pools, and reports whether it does.
func (s *States) takePooled(state int, p *autograd.Pass, b *transformer.Batch, x tensor.Tensor) bool {
	if !kernels.HasSimilarity(p.Backend) {
		return false
	}
	width, samples := x.Cols(), len(b.Segments)
	mark := p.Begin()
	defer p.End(mark, autograd.Var{})
	a := kernels.PoolArgs{X: x, Segments: b.Segments, Kind: kernelOf[s.Pooling], Scaled: s.Tokens == TokensRMS}
	if s.Tokens == TokensDropFirst {
		a.Skip = 1
	}
	a.Y, a.Norms = p.New(tensor.F32, samples, width), p.New(tensor.F64, samples, 2)
	if p.Err() != nil {
		return false // and what is read is NaN
	}
	kernels.Pool(p.Backend, a)
	norms := a.Norms.Floats()
	for i, seg := range b.Segments {
		s.massive.note(state, seg.Len, norms[2*i], norms[2*i+1])
	}
	s.states[state] = append(s.states[state], a.Y.Float32s()...)
	return true
}

// deviceGram is [Gram] on a device that has it, and reports whether it is one: not where
// there is no room, or the device is closed.
func deviceGram(be kernels.Backend, x []float32, n, d int) ([]float64, bool) {
	if be == nil || !kernels.HasSimilarity(be) {
		return nil, false
	}
	in, err := tensor.New(be, tensor.F32, n, d)
	if err != nil {
		return nil, false
	}
	defer in.Free()
	out, err := tensor.New(be, tensor.F64, n, n)
	if err != nil {
		return nil, false
	}
	defer out.Free()
	in.SetFloat32s(x)
	kernels.Gram(be, kernels.GramArgs{K: out, X: in})
	k := out.Floats()
	return k, be.Sync() == nil
}
