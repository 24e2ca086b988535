package kernels

import (
	"fmt"

	"lamina/tensor"
)

// AttentionKernels are attention, and what turns its operands; the functions of the same names say what each computes.
type AttentionKernels interface {
	RoPE(RoPEArgs)
	Attention(AttentionArgs)
	AttentionBackward(AttentionGrads)
	AttentionDecode(AttentionArgs)
}

// RoPEArgs describes rotary position embedding of x [N H·K] in Hugging Face's
// half-split form: for each head and i < R/2 (R = rotary width = 2·Cols(Cos)),
//
//	y[i]     = x[i]·cos - x[i+R/2]·sin
//	y[i+R/2] = x[i+R/2]·cos + x[i]·sin
//
// and elements from R on are copied. Cos and Sin [N R/2] hold each row's angles.
// Inverse negates sin: the gradient. Y may alias X.
type RoPEArgs struct {
	Y, X     tensor.Tensor
	Cos, Sin tensor.Tensor
	HeadDim  int
	Inverse  bool
}

// Segment is one sequence of a ragged batch: rows [Start, Start+Len) of the
// token stream, preceded by PrefixLen positions whose keys and values are
// given by the call.
type Segment struct {
	Start, Len int
	PrefixLen  int
}

// KV is the keys and values of earlier positions: [≥PrefixLen G·K], of Q's type.
type KV struct{ K, V tensor.Tensor }

// AttentionArgs describes causal grouped-query attention over ragged segments.
// For the row at place t of a segment with prefix P, and query head h reading
// key head g = h/(H/G):
//
//	out[h] = Σ_{s ≤ P+t} softmax_s(Scale·q[h]·k[s,g] + Slopes[h]·(s-P-t))·v[s,g]
//
// Out and Q are [N H·K], K and V [N G·K] (the segments' own rows), Prefix[i] the
// earlier positions of segment i (ignored where PrefixLen is 0; Prefix may be
// nil if all are). Segments follow one another and fill all rows; several may
// share one prefix. Slopes, if not nil, has a number for each query head, by which a
// score falls with the distance of its key (Press et al., "Train Short, Test Long",
// 2021, whose terms differ from these by one number a row, which the softmax does not
// see); Scale is not 0 then. Key blocks begin at absolute position 0 of the sequence, so
// the split between prefix and own rows does not change a bit. Whatever stands in a row
// of Q, K or V, NaN and infinities too, reaches only rows of Out that see it.
//
// AttentionDecode is the same for segments of exactly one row, with its own
// order of sums.
type AttentionArgs struct {
	Out, Q, K, V   tensor.Tensor
	Segments       []Segment
	Prefix         []KV
	Heads, KVHeads int
	HeadDim        int
	Scale          float64
	Slopes         []float64 // [H], or nil
}

// AttentionGrads describes the gradients of attention without prefixes. All of
// DQ, DK, DV are overwritten. Fwd is the forward call; its Out is not read and may be
// none. With the probabilities p computed again from the scores, and
// dp = DOut[h]·v[s,g],
//
//	dV[s,g] = Σ p·DOut[h];  ds = p·(dp - Σ_s p·dp)
//	dQ[h] = Scale·Σ_s ds·k[s,g];  dK[s,g] = Scale·Σ ds·q[h]
//
// where the sums of dV and dK go over the rows that see s, and the heads h of group g.
// Nothing between forward and backward is rounded, so that large scores cost no
// accuracy, and what a row does not see does not reach its gradient.
type AttentionGrads struct {
	DQ, DK, DV, DOut tensor.Tensor
	Fwd              AttentionArgs
}

// RoPE turns pairs of elements by the row's angles (Su et al., "RoFormer",
// 2021), in the half-split order of transformers' apply_rotary_pos_emb; see
// [RoPEArgs].
func RoPE(be Backend, a RoPEArgs) {
	const op = "RoPE"
	wantReal(op, "Y", a.Y)
	wantLike(op, "X", a.X, "Y", a.Y)
	wantMatrix(op, "Cos", a.Cos, a.X.DType(), a.X.Rows(), a.Cos.Cols())
	wantLike(op, "Sin", a.Sin, "Cos", a.Cos)
	if a.HeadDim <= 0 || a.X.Cols()%a.HeadDim != 0 {
		fail(op, "rows are not whole heads", "X", a.X, "HeadDim", a.HeadDim)
	}
	if 2*a.Cos.Cols() > a.HeadDim {
		fail(op, "rotary width exceeds the head", "Cos", a.Cos, "HeadDim", a.HeadDim)
	}
	wantWhole(op, "Y", a.Y, "X", a.X)
	wantApart(op, "Y", a.Y, "Cos", a.Cos)
	wantApart(op, "Y", a.Y, "Sin", a.Sin)
	be.RoPE(a)
}

// Attention computes causal grouped-query attention; see [AttentionArgs].
func Attention(be Backend, a AttentionArgs) {
	wantAttention("Attention", a)
	wantOut("Attention", a)
	be.Attention(a)
}

// AttentionDecode is [Attention] where every segment has exactly one row: the
// step of decoding.
func AttentionDecode(be Backend, a AttentionArgs) {
	const op = "AttentionDecode"
	wantAttention(op, a)
	wantOut(op, a)
	for i, s := range a.Segments {
		if s.Len != 1 {
			fail(op, "segment has not one row", fmt.Sprint("segment ", i), fmt.Sprintf("%+v", s))
		}
	}
	be.AttentionDecode(a)
}

// AttentionBackward computes the gradients of [Attention] without prefixes; see
// [AttentionGrads].
func AttentionBackward(be Backend, a AttentionGrads) {
	const op = "AttentionBackward"
	f := a.Fwd
	wantAttention(op, f)
	for i, s := range f.Segments {
		if s.PrefixLen != 0 {
			fail(op, "takes no prefix", fmt.Sprint("segment ", i), fmt.Sprintf("%+v", s))
		}
	}
	wantLike(op, "DOut", a.DOut, "Q", f.Q)
	wantLike(op, "DQ", a.DQ, "Q", f.Q)
	wantLike(op, "DK", a.DK, "K", f.K)
	wantLike(op, "DV", a.DV, "V", f.V)
	outs := [...]tensor.Tensor{a.DQ, a.DK, a.DV}
	for i, y := range outs {
		name := [...]string{"DQ", "DK", "DV"}[i]
		for _, x := range outs[i+1:] {
			wantApart(op, name, y, "another gradient", x)
		}
		for _, x := range [...]tensor.Tensor{f.Q, f.K, f.V, a.DOut} {
			wantApart(op, name, y, "an operand", x)
		}
	}
	be.AttentionBackward(a)
}

func wantAttention(op string, a AttentionArgs) {
	if a.Heads <= 0 || a.KVHeads <= 0 || a.HeadDim <= 0 || a.Heads%a.KVHeads != 0 {
		fail(op, "impossible heads", "Heads", a.Heads, "KVHeads", a.KVHeads, "HeadDim", a.HeadDim)
	}
	if a.Slopes != nil && (len(a.Slopes) != a.Heads || a.Scale == 0) {
		fail(op, "wants a slope for each head, and a scale", "Slopes", len(a.Slopes), "Heads", a.Heads, "Scale", a.Scale)
	}
	wantReal(op, "Q", a.Q)
	d, n := a.Q.DType(), a.Q.Rows()
	width := a.KVHeads * a.HeadDim
	wantMatrix(op, "Q", a.Q, d, n, a.Heads*a.HeadDim)
	wantMatrix(op, "K", a.K, d, n, width)
	wantMatrix(op, "V", a.V, d, n, width)
	wantSegments(op, a, d, n, width)
}

func wantOut(op string, a AttentionArgs) {
	wantLike(op, "Out", a.Out, "Q", a.Q)
	for i, x := range [...]tensor.Tensor{a.Q, a.K, a.V} {
		wantApart(op, "Out", a.Out, [...]string{"Q", "K", "V"}[i], x)
	}
	for i, s := range a.Segments {
		if s.PrefixLen > 0 {
			wantApart(op, "Out", a.Out, "Prefix.K", a.Prefix[i].K)
			wantApart(op, "Out", a.Out, "Prefix.V", a.Prefix[i].V)
		}
	}
}

// wantSegments panics unless the segments follow one another, fill all rows and
// have their prefixes.
func wantSegments(op string, a AttentionArgs, d tensor.DType, n, width int) {
	row := 0
	for i, s := range a.Segments {
		if s.Start != row || s.Len < 0 || s.Len > n-row || s.PrefixLen < 0 {
			fail(op, "segments do not follow one another", fmt.Sprint("segment ", i), fmt.Sprintf("%+v", s), "Q", a.Q)
		}
		row += s.Len
		if s.PrefixLen == 0 {
			continue
		}
		if i >= len(a.Prefix) {
			fail(op, "no Prefix", fmt.Sprint("segment ", i), fmt.Sprintf("%+v", s))
		}
		wantPrefix(op, "Prefix.K", a.Prefix[i].K, d, s.PrefixLen, width)
		wantPrefix(op, "Prefix.V", a.Prefix[i].V, d, s.PrefixLen, width)
	}
	if row != n {
		fail(op, "segments do not fill all rows", "rows in segments", row, "Q", a.Q)
	}
}

func wantPrefix(op, name string, t tensor.Tensor, d tensor.DType, rows, cols int) {
	if t.DType() != d || t.Rows() < rows || t.Cols() != cols {
		fail(op, fmt.Sprintf("wants %s [≥%d %d]", d, rows, cols), name, t)
	}
}
