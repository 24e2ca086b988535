package kerneltest

import (
	"math"
	"sync"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var attentionBackwardRows = []row{
	{"AttentionBackward", (*suite).attentionBackward},
}

func (s *suite) attentionBackward(t *testing.T) {
	for i, w := range geometries() {
		for _, size := range []float64{1, 4, 60} {
			src := newSource(uint64(i) + 110)
			s.check(t, attentionBackwardCase(w, ragged(src, w, size, 1, 2, 7, 0, 33, 65, 16), src))
			s.check(t, attentionBackwardCase(w, sloped(w, ragged(src, w, size, 1, 2, 7, 0, 33, 65)), src))
		}
	}
	w := heads{2, 1, 8}
	src := newSource(120)
	s.check(t, attentionBackwardCase(w, ragged(src, w, 1, 3, 610), src))
	s.check(t, attentionBackwardCase(w, sloped(w, ragged(src, w, 1, 3, 410)), src))
	w = heads{4, 2, 16}
	batch := ragged(newSource(121), w, 1, 9, 70, 1)
	s.attentionBackwardAlone(t, w, batch)
	s.attentionBackwardAlone(t, w, sloped(w, batch))
}

// attentionBackwardCase has operands DQ, DK, DV, DOut, Q, K, V.
func attentionBackwardCase(w heads, batch []sequence, src source) testCase {
	forward := attentionCase("AttentionBackward", w, batch, kernels.Attention)
	rows := forward.operands[argOut].shape[0]
	dOut := src.normal(rows*w.h*w.k, 1)
	args := kernels.AttentionArgs{Heads: w.h, KVHeads: w.g, HeadDim: w.k, Scale: 1 / math.Sqrt(float64(w.k))}
	start := 0
	for _, b := range batch {
		args.Slopes = b.slopes
		args.Segments = append(args.Segments, kernels.Segment{Start: start, Len: b.len})
		start += b.len
	}
	c := testCase{
		name: forward.name,
		operands: []operand{
			out("DQ", rows, w.h*w.k), out("DK", rows, w.g*w.k), out("DV", rows, w.g*w.k),
			in("DOut", dOut, rows, w.h*w.k),
			forward.operands[argQ], forward.operands[argK], forward.operands[argV],
		},
		run: func(be kernels.Backend, o []tensor.Tensor) {
			a := args
			a.Q, a.K, a.V = o[4], o[5], o[6]
			kernels.AttentionBackward(be, kernels.AttentionGrads{DQ: o[0], DK: o[1], DV: o[2], DOut: o[3], Fwd: a})
		},
	}
	bounds := sync.OnceValue(func() [3][]float64 { return backwardBounds(w, batch, args.Scale, dOut) })
	c.bound = func(o, i int, _, u float64) float64 { return u * bounds()[o][i] }
	return c
}

// backwardBounds bounds the errors of DQ, DK and DV in units of u: a probability
// is off relative to itself by its score's error, DOut·v by (K+4) times its sum of
// absolute values, its mean by both of all keys, and each sum by a random walk. A
// probability below 2^-126 may be 0.
func backwardBounds(w heads, batch []sequence, scale float64, dOut []float64) [3][]float64 {
	rows := len(dOut) / (w.h * w.k)
	bounds := [3][]float64{make([]float64, rows*w.h*w.k), make([]float64, rows*w.g*w.k), make([]float64, rows*w.g*w.k)}
	dots, flushed := float64(w.k+4), 0x1p-126/unit(tensor.F32)
	start := 0
	for _, s := range batch {
		steps := walk(s.len * w.h / w.g)
		for t := range s.len {
			for h := range w.h {
				from := ((start+t)*w.h + h) * w.k
				g := dOut[from:][:w.k]
				probabilities, off := s.probabilities(w, t, h, scale)
				dp, dpError := make([]float64, len(off)), make([]float64, len(off))
				mean, meanError := 0.0, 0.0
				for pos, p := range probabilities {
					var size float64
					dp[pos], size = products(g, s.value(w, pos, h/(w.h/w.g)))
					dpError[pos] = dots * size
					mean += p * dp[pos]
					meanError += p * (dpError[pos] + math.Abs(dp[pos])*off[pos])
				}
				for pos, p := range probabilities {
					ds := scale * p * math.Abs(dp[pos]-mean)
					dsError := ds*(off[pos]+steps) + scale*p*(dpError[pos]+meanError) + scale*flushed*math.Abs(dp[pos]-mean)
					key, to := s.key(w, pos, h/(w.h/w.g)), ((start+pos)*w.g+h/(w.h/w.g))*w.k
					for j := range w.k {
						bounds[0][from+j] += dsError * math.Abs(key[j])
						bounds[1][to+j] += dsError * math.Abs(s.q[(t*w.h+h)*w.k+j])
						bounds[2][to+j] += math.Abs(g[j]) * (p*(off[pos]+steps) + flushed)
					}
				}
			}
		}
		start += s.len
	}
	return bounds
}

// products returns Σ x·y and Σ |x·y|.
func products(x, y []float64) (sum, size float64) {
	for i, v := range x {
		sum += v * y[i]
		size += math.Abs(v * y[i])
	}
	return sum, size
}

// attentionBackwardAlone compares segments of a batch with the same alone, bit
// by bit.
func (s *suite) attentionBackwardAlone(t *testing.T, w heads, batch []sequence) {
	all := attentionBackwardCase(w, batch, newSource(122))
	for _, d := range s.types {
		together := all.execute(t, s.be, d, aligned)
		row := 0
		for i, b := range batch {
			c := attentionBackwardCase(w, []sequence{b}, newSource(122))
			const dOut = 3
			width := len(all.operands[dOut].values) / 80
			c.operands[dOut].values = all.operands[dOut].values[row*width : (row+b.len)*width]
			want := make([][]byte, len(c.operands))
			for arg := range 3 {
				size := len(together[arg]) / 80
				want[arg] = together[arg][row*size : (row+b.len)*size]
			}
			c.wantBits(t, named("segment %d alone", i), d, want, c.execute(t, s.be, d, aligned))
			row += b.len
		}
	}
}
