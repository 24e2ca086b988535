package cuda_test

import (
	"math"
	"math/rand/v2"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// attentionCall is a call of attention in numbers.
type attentionCall struct {
	heads, kvHeads, headDim int
	scale                   float64
	slopes                  []float64
	segments                []kernels.Segment
	q, k, v, dOut           []float64
	prefixK, prefixV        [][]float64 // of each segment
}

// newAttentionCall draws a call of segments {len, prefix} from numbers that float32 holds,
// or BF16.
func newAttentionCall(seed uint64, heads, kvHeads, headDim int, size float64, round func(float64) float64, segments ...[2]int) attentionCall {
	r := rand.New(rand.NewPCG(seed, 7))
	draw := func(rows, heads int, size float64) []float64 {
		x := make([]float64, rows*heads*headDim)
		for i := range x {
			x[i] = round(size * r.NormFloat64())
		}
		return x
	}
	c := attentionCall{heads: heads, kvHeads: kvHeads, headDim: headDim, scale: 1 / math.Sqrt(float64(headDim))}
	rows := 0
	for _, s := range segments {
		c.segments = append(c.segments, kernels.Segment{Start: rows, Len: s[0], PrefixLen: s[1]})
		c.prefixK = append(c.prefixK, draw(s[1], kvHeads, size))
		c.prefixV = append(c.prefixV, draw(s[1], kvHeads, 1))
		rows += s[0]
	}
	c.q, c.k, c.v, c.dOut = draw(rows, heads, size), draw(rows, kvHeads, size), draw(rows, kvHeads, 1), draw(rows, heads, 1)
	return c
}

// sloped gives the heads ALiBi's slopes.
func (c attentionCall) sloped() attentionCall {
	c.slopes = make([]float64, c.heads)
	for i := range c.slopes {
		c.slopes[i] = math.Exp2(-float64(i+1) * 8 / float64(c.heads))
	}
	return c
}

func toF32(x float64) float64 { return float64(float32(x)) }

func toBF16(x float64) float64 {
	b := math.Float32bits(float32(x))
	return float64(math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff))
}

// args is the forward call on be.
func (c attentionCall) args(be kernels.Backend, d tensor.DType) kernels.AttentionArgs {
	put := func(x []float64, heads int) tensor.Tensor {
		return tensor.MustFromFloats(be, d, x, len(x)/(heads*c.headDim), heads*c.headDim)
	}
	a := kernels.AttentionArgs{
		Q: put(c.q, c.heads), K: put(c.k, c.kvHeads), V: put(c.v, c.kvHeads), Out: put(make([]float64, len(c.q)), c.heads),
		Segments: c.segments, Heads: c.heads, KVHeads: c.kvHeads, HeadDim: c.headDim, Scale: c.scale, Slopes: c.slopes,
	}
	for i, s := range c.segments {
		kv := kernels.KV{}
		if s.PrefixLen > 0 {
			kv = kernels.KV{K: put(c.prefixK[i], c.kvHeads), V: put(c.prefixV[i], c.kvHeads)}
		}
		a.Prefix = append(a.Prefix, kv)
	}
	return a
}

// forward returns what Attention, or AttentionDecode, gives on be.
func (c attentionCall) forward(be kernels.Backend, d tensor.DType, op func(kernels.Backend, kernels.AttentionArgs)) []float64 {
	a := c.args(be, d)
	op(be, a)
	return a.Out.Floats()
}

// backward returns dQ, dK and dV.
func (c attentionCall) backward(be kernels.Backend, d tensor.DType) [3][]float64 {
	a := c.args(be, d)
	like := func(t tensor.Tensor) tensor.Tensor { return tensor.MustNew(be, d, t.Rows(), t.Cols()) }
	g := kernels.AttentionGrads{
		DQ: like(a.Q), DK: like(a.K), DV: like(a.V), Fwd: a,
		DOut: tensor.MustFromFloats(be, d, c.dOut, a.Q.Rows(), a.Q.Cols()),
	}
	kernels.AttentionBackward(be, g)
	return [3][]float64{g.DQ.Floats(), g.DK.Floats(), g.DV.Floats()}
}

// exact is the oracle in float64.
func (c attentionCall) exact() []float64 { return c.forward(ref.New(), tensor.F64, kernels.Attention) }
func (c attentionCall) exactBackward() [3][]float64 {
	return c.backward(ref.New(), tensor.F64)
}

// rounding says how far off numbers are at most, relative to themselves: operands of
// products that come from memory, those that are computed, and F32's own unit.
type rounding struct{ operands, weights float64 }

const (
	unitF32  = 0x1p-24
	unitBF16 = 0x1p-8
)

// two is how far off a product of two operands is.
func (r rounding) two() float64 { return (1+r.operands)*(1+r.operands) - 1 }

// row is the softmax of one row and head: p, how much larger it may be, as a factor, and how
// large may be what a score's error adds to dp.
func (c attentionCall) row(seg, t, h int, r rounding) (p, grown []float64) {
	s := c.segments[seg]
	n, q := s.PrefixLen+t+1, c.q[((s.Start+t)*c.heads+h)*c.headDim:][:c.headDim]
	p, grown = make([]float64, n), make([]float64, n)
	off, top := make([]float64, n), math.Inf(-1)
	for pos := range n {
		size := 0.0
		for i, k := range c.key(seg, pos, h, c.prefixK, c.k) {
			p[pos] += c.scale * q[i] * k
			size += math.Abs(c.scale * q[i] * k)
		}
		off[pos] = size * (r.two() + float64(c.headDim+8)*unitF32)
		if c.slopes != nil {
			term := c.slopes[h] * float64(pos-n+1)
			p[pos] += term
			off[pos] += 4 * unitF32 * math.Abs(term)
		}
		top = math.Max(top, p[pos])
	}
	sum, grownSum := 0.0, 0.0
	for pos := range p {
		off[pos] += unitF32 * math.Abs(p[pos]-top)
		p[pos] = math.Exp(p[pos] - top)
		sum += p[pos]
		grownSum += p[pos] * math.Exp(off[pos])
	}
	for pos := range p {
		p[pos] /= sum
		grown[pos] = math.Exp(off[pos]) * grownSum / sum * (1 + (16+2*math.Sqrt(float64(n)))*unitF32)
	}
	return p, grown
}

// key returns a row of keys or values of query head h by its position.
func (c attentionCall) key(seg, pos, h int, prefix [][]float64, own []float64) []float64 {
	s := c.segments[seg]
	x := prefix[seg]
	if pos >= s.PrefixLen {
		x, pos = own, s.Start+pos-s.PrefixLen
	}
	return x[(pos*c.kvHeads+h/(c.heads/c.kvHeads))*c.headDim:][:c.headDim]
}

// forwardBound says how far each element of Out may be off: a probability by its score's
// error and that of the sum, then rounded as a weight; a value rounded as an operand.
func (c attentionCall) forwardBound(r rounding) []float64 {
	bound := make([]float64, len(c.q))
	for seg, s := range c.segments {
		for t := range s.Len {
			for h := range c.heads {
				p, grown := c.row(seg, t, h, r)
				to := bound[((s.Start+t)*c.heads+h)*c.headDim:][:c.headDim]
				for pos, w := range p {
					f := w * (grown[pos]*(1+r.weights)*(1+r.operands) - 1)
					for i, v := range c.key(seg, pos, h, c.prefixV, c.v) {
						to[i] += f * math.Abs(v)
					}
				}
			}
		}
	}
	return bound
}

// backwardBound is the same of dQ, dK and dV: dp is off by the rounding of dO and v, its
// mean by that and the probabilities', ds by both, and then rounded as a weight.
func (c attentionCall) backwardBound(r rounding) [3][]float64 {
	bound := [3][]float64{make([]float64, len(c.q)), make([]float64, len(c.k)), make([]float64, len(c.v))}
	steps := (16 + 2*math.Sqrt(float64(len(c.q)/c.headDim))) * unitF32
	for seg, s := range c.segments {
		for t := range s.Len {
			for h := range c.heads {
				from := ((s.Start+t)*c.heads + h) * c.headDim
				q, dOut := c.q[from:][:c.headDim], c.dOut[from:][:c.headDim]
				p, grown := c.row(seg, t, h, r)
				dp, dpOff := make([]float64, len(p)), make([]float64, len(p))
				mean, meanOff := 0.0, 0.0
				for pos, w := range p {
					size := 0.0
					for i, v := range c.key(seg, pos, h, c.prefixV, c.v) {
						dp[pos] += dOut[i] * v
						size += math.Abs(dOut[i] * v)
					}
					dpOff[pos] = size * (r.two() + float64(c.headDim+8)*unitF32)
					mean += w * dp[pos]
					meanOff += w * (grown[pos]*(math.Abs(dp[pos])+dpOff[pos]) - math.Abs(dp[pos]))
				}
				for pos, w := range p {
					ds := c.scale * w * math.Abs(dp[pos]-mean)
					dsMost := math.Abs(c.scale) * w * grown[pos] * (math.Abs(dp[pos]-mean) + dpOff[pos] + meanOff)
					last := (1 + r.weights) * (1 + r.operands) * (1 + steps)
					to := ((s.Start+pos)*c.kvHeads + h/(c.heads/c.kvHeads)) * c.headDim
					for i, k := range c.key(seg, pos, h, c.prefixK, c.k) {
						bound[0][from+i] += math.Abs(k) * (dsMost*last - math.Abs(ds))
						bound[1][to+i] += math.Abs(q[i]) * (dsMost*last - math.Abs(ds))
						bound[2][to+i] += math.Abs(dOut[i]) * w * (grown[pos]*last - 1)
					}
				}
			}
		}
	}
	return bound
}
