package ref

import (
	"lamina/kernels"
)

// RoPE implements kernels.RoPE.
func (*Backend) RoPE(a kernels.RoPEArgs) {
	if isF64(a.Y) {
		rope[float64](a)
	} else {
		rope[float32](a)
	}
}

func rope[T real](a kernels.RoPEArgs) {
	y, x, cosines, sines := floats[T](a.Y), floats[T](a.X), floats[T](a.Cos), floats[T](a.Sin)
	half, width := a.Cos.Cols(), a.X.Cols()
	for r := range a.X.Rows() {
		for head := 0; head < width; head += a.HeadDim {
			in, out := x[r*width+head:][:a.HeadDim], y[r*width+head:][:a.HeadDim]
			for i := range half {
				c, s := float64(cosines[r*half+i]), float64(sines[r*half+i])
				if a.Inverse {
					s = -s
				}
				u, v := float64(in[i]), float64(in[i+half])
				out[i], out[i+half] = T(u*c-v*s), T(v*c+u*s)
			}
			copy(out[2*half:], in[2*half:])
		}
	}
}

// Attention implements kernels.Attention.
func (*Backend) Attention(a kernels.AttentionArgs) {
	if isF64(a.Q) {
		attention[float64](a)
	} else {
		attention[float32](a)
	}
}

// AttentionDecode implements kernels.AttentionDecode.
func (be *Backend) AttentionDecode(a kernels.AttentionArgs) { be.Attention(a) }

// sequence gives a segment's keys and values by absolute position.
type sequence[T real] struct {
	k, v                    []T // of the stream
	prefixK, prefixV        []T
	start, prefixLen        int
	heads, kvHeads, headDim int
}

func sequenceOf[T real](a kernels.AttentionArgs, i int) sequence[T] {
	seg := a.Segments[i]
	s := sequence[T]{
		k: floats[T](a.K), v: floats[T](a.V),
		start: seg.Start, prefixLen: seg.PrefixLen,
		heads: a.Heads, kvHeads: a.KVHeads, headDim: a.HeadDim,
	}
	if seg.PrefixLen > 0 {
		s.prefixK, s.prefixV = floats[T](a.Prefix[i].K), floats[T](a.Prefix[i].V)
	}
	return s
}

// at returns key and value of position pos for query head h.
func (s sequence[T]) at(pos, h int) (k, v []T) {
	k, v = s.prefixK, s.prefixV
	if pos >= s.prefixLen {
		k, v, pos = s.k, s.v, pos-s.prefixLen+s.start
	}
	from := (pos*s.kvHeads + h/(s.heads/s.kvHeads)) * s.headDim
	return k[from:][:s.headDim], v[from:][:s.headDim]
}

func attention[T real](a kernels.AttentionArgs) {
	q, out := floats[T](a.Q), floats[T](a.Out)
	for i, seg := range a.Segments {
		s := sequenceOf[T](a, i)
		for t := range seg.Len {
			for h := range a.Heads {
				from := ((seg.Start+t)*a.Heads + h) * a.HeadDim
				s.attend(out[from:][:a.HeadDim], q[from:][:a.HeadDim], h, seg.PrefixLen+t+1, a)
			}
		}
	}
}

// attend writes softmax(score)·v over the first n positions to out.
func (s sequence[T]) attend(out, q []T, h, n int, a kernels.AttentionArgs) {
	sums := make([]float64, len(out))
	for pos, p := range s.probabilities(q, h, n, a) {
		_, v := s.at(pos, h)
		for j, w := range v {
			sums[j] += p * float64(w)
		}
	}
	for j, sum := range sums {
		out[j] = T(sum)
	}
}

// probabilities returns the softmax of the scores that query head h gives to the first
// n positions, the last of which is its own.
func (s sequence[T]) probabilities(q []T, h, n int, a kernels.AttentionArgs) []float64 {
	p := make([]float64, n)
	for pos := range p {
		k, _ := s.at(pos, h)
		p[pos] = score(a, q, k, h, pos-(n-1))
	}
	softmaxRow(p, p)
	return p
}

// score is what query head h gives to a key that stands at the given distance, 0 or
// less, from the query.
func score[T real](a kernels.AttentionArgs, q, k []T, h, distance int) float64 {
	s := a.Scale * dot(q, k)
	if a.Slopes != nil {
		s += a.Slopes[h] * float64(distance)
	}
	return s
}

// AttentionBackward implements kernels.AttentionBackward.
func (*Backend) AttentionBackward(a kernels.AttentionGrads) {
	if isF64(a.DQ) {
		attentionBackward[float64](a)
	} else {
		attentionBackward[float32](a)
	}
}

func attentionBackward[T real](a kernels.AttentionGrads) {
	f := a.Fwd
	q, dOut := floats[T](f.Q), floats[T](a.DOut)
	dQ := make([]float64, len(q))
	dK := make([]float64, f.K.Len())
	dV := make([]float64, f.V.Len())
	for i, seg := range f.Segments {
		s := sequenceOf[T](f, i)
		for t := range seg.Len {
			for h := range f.Heads {
				from := ((seg.Start+t)*f.Heads + h) * f.HeadDim
				qRow, g := q[from:][:f.HeadDim], dOut[from:][:f.HeadDim]
				probabilities := s.probabilities(qRow, h, t+1, f)
				dp, mean := make([]float64, t+1), 0.0
				for pos, p := range probabilities {
					_, v := s.at(pos, h)
					dp[pos] = dot(g, v)
					mean += p * dp[pos]
				}
				for pos, p := range probabilities {
					k, _ := s.at(pos, h)
					ds := f.Scale * p * (dp[pos] - mean)
					kFrom := ((seg.Start+pos)*f.KVHeads + h/(f.Heads/f.KVHeads)) * f.HeadDim
					for j := range f.HeadDim {
						dQ[from+j] += ds * float64(k[j])
						dK[kFrom+j] += ds * float64(qRow[j])
						dV[kFrom+j] += p * float64(g[j])
					}
				}
			}
		}
	}
	round(floats[T](a.DQ), dQ)
	round(floats[T](a.DK), dK)
	round(floats[T](a.DV), dV)
}

// round stores sums in dst.
func round[T real](dst []T, sums []float64) {
	for i, v := range sums {
		dst[i] = T(v)
	}
}
