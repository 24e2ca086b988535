// Package kernels defines what a device computes: the [Backend] interface, the
// descriptors of its larger calls, and one checked front function per call.
//
// The front functions (MatMul, LayerNorm, …) check shapes and types once and
// panic `kernels: Op: what: shapes`; backends assume. Package autograd calls
// front functions only. Three implementations exist or are planned: ref (obvious
// loops, the oracle), cpu (assembly and goroutines), cuda.
//
//	be := ref.New()
//	kernels.MatMul(be, kernels.MatMulArgs{C: c, A: x, B: w, TransB: true})
//
// Conventions of every call:
//   - axes: N rows of a ragged batch, D model width, H query heads, K head width,
//     F feed-forward width, V vocabulary; matrices are row-major;
//   - the first argument is written; `dX` is the gradient of x;
//   - all float operands of one call have one type, F32 (F64 in ref), except
//     weights, which may have any storage type where the comment says so;
//   - a tensor of more than two axes is a matrix [Rows Cols] where one is asked for;
//   - any axis may be empty;
//   - outputs are overwritten unless the comment says "added";
//   - outputs alias no input unless the comment allows it;
//   - the same bits come out for any number of workers and any other rows in the
//     batch: a row's sums depend on its own data and on the operation's constants;
//   - several goroutines may call one backend at once, on outputs of their own.
package kernels

import "lamina/tensor"

// Backend computes on one device, in the order of one queue: see [tensor.Device] for
// what that means for memory and copies. Methods correspond one to one to the front
// functions of this package, whose comments are their contracts; each issues work and
// may return before it is done. An error of the work is Sync's.
type Backend interface {
	tensor.Device

	// Queue returns a further queue of the same device, for a pass that is to run
	// beside others; a device without queues returns itself. Memory belongs to all
	// queues of a device alike. Work on the new queue comes after what was issued on
	// this one before the call; later on, what one queue writes another may use after
	// Sync of the first. Closing the device ends its queues; Close of a queue that
	// Queue returned is not called.
	Queue() (Backend, error)

	MatMul(MatMulArgs)
	MatMuls([]MatMulArgs)
	MatVec(MatMulArgs)
	MatVecs([]MatMulArgs)

	Unary(f Func, y, x tensor.Tensor)
	UnaryBackward(f Func, dX, dY, x tensor.Tensor)
	Gated(f Func, y, gate, up tensor.Tensor)
	GatedBackward(f Func, dGate, dUp, dY, gate, up tensor.Tensor)
	Binary(op BinaryOp, y, a, b tensor.Tensor)
	AddScaled(y, x tensor.Tensor, s float64)
	Reduce(op ReduceOp, y, x tensor.Tensor)
	Fill(y tensor.Tensor, v float64)
	Convert(y, x tensor.Tensor)

	Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int)
	CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool)
	Gather(y, table, ids tensor.Tensor)
	ScatterAdd(dTable, ids, dY tensor.Tensor)
	Dropout(DropoutArgs)

	Softmax(y, x tensor.Tensor)
	SoftmaxBackward(dX, dY, y tensor.Tensor)
	CrossEntropy(loss, lse, logits, targets tensor.Tensor)
	CrossEntropyBackward(dLogits, logits, lse, targets, dLoss tensor.Tensor)
	CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor)
	ArgMax(ids, x tensor.Tensor)

	LayerNorm(NormArgs)
	LayerNormBackward(NormGrads)
	RMSNorm(NormArgs)
	RMSNormBackward(NormGrads)

	RoPE(RoPEArgs)
	Attention(AttentionArgs)
	AttentionBackward(AttentionGrads)
	AttentionDecode(AttentionArgs)

	SumSquares(sum, x tensor.Tensor)
	ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64)
	AdamW(AdamWArgs)

	Custom(Kernel) bool
}

// Func is a function of one number, for [Unary] and [Gated].
type Func uint8

// The unary functions. GELU is x·Φ(x) with the error function, GELUTanh its
// tanh approximation (transformers' "gelu_new"), SiLU x·σ(x).
const (
	Identity Func = iota
	ReLU
	GELU
	GELUTanh
	SiLU
	Tanh
	Sigmoid
	Exp
	Log
	Sqrt
	Square
	Neg
	NumFuncs
)

var funcNames = [NumFuncs]string{"identity", "relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid", "exp", "log", "sqrt", "square", "neg"}

// String returns the lower-case name.
func (f Func) String() string { return funcNames[f] }

// BinaryOp combines two arrays element by element with broadcasting.
type BinaryOp uint8

// The binary operations.
const (
	Add BinaryOp = iota
	Sub
	Mul
	Div
	NumBinaryOps
)

// String returns the lower-case name.
func (op BinaryOp) String() string { return [NumBinaryOps]string{"add", "sub", "mul", "div"}[op] }

// ReduceOp folds axes.
type ReduceOp uint8

// The reductions.
const (
	Sum ReduceOp = iota
	Max
	NumReduceOps
)

// String returns the lower-case name.
func (op ReduceOp) String() string { return [NumReduceOps]string{"sum", "max"}[op] }

// MatMulArgs describes C = Func(op(A)·op(B) + Bias) + Residual, or
// C += op(A)·op(B).
//
//	op(A) [M P], stored [M P], or [P M] with TransA
//	op(B) [P N], stored [P N], or [N P] with TransB (a Linear's weight, [out in])
//	C     [M N]
//
// A and C are F32 or F64. B may have any float storage type, block types
// included (its rows as stored are whole blocks); it is brought to C's type on
// the way.
// Products of one element are summed in order of the inner index within
// constant-length blocks, whose sums are added in order, so a row of C depends
// on its row of op(A) only.
type MatMulArgs struct {
	C, A, B        tensor.Tensor
	TransA, TransB bool
	Accumulate     bool          // C += …, without Bias, Func and Residual
	Bias           tensor.Tensor // [N] or none, type of C
	Func           Func          // of the finished sum, bias included
	Residual       tensor.Tensor // [M N] or none, type of C; may be C; the sum may begin with it
}

// DropoutArgs describes y = x·mask/(1-P), mask element = 0 with probability P.
// Element (row r, column c) is dropped if word c%4 of
//
//	philox.New(Seed, Stream).At(DropoutCounter(Rows[r,0], Rows[r,1], c/4))
//
// is below P·2³² ([DropoutArgs.Threshold]), so it depends on sample and position,
// not on where in a batch the row stands. A dropped element is 0 whatever x
// holds; the others are x times 1/(1-P), that factor rounded to x's type. The
// backward pass is the same call on dY. Y may alias X.
type DropoutArgs struct {
	Y, X   tensor.Tensor // [N D]
	Rows   tensor.Tensor // I32 [N 2]: sample id, position
	P      float64       // 0 ≤ P < 1
	Seed   uint64
	Stream uint64 // step, place and op, packed by the caller
}

// NormArgs describes a normalisation over the last axis of x [N D].
//
//	LayerNorm: y = (x - mean)·rstd·Gain + Bias, rstd = 1/√(var + Eps), biased var
//	RMSNorm:   y = x·rstd·Gain,                 rstd = 1/√(mean(x²) + Eps)
//
// Gain and Bias [D] may have any float storage type; Bias may be none; both may
// be none for LayerNorm. Mean (LayerNorm only) and Rstd [N] are written for the
// backward pass; none in inference.
type NormArgs struct {
	Y, X       tensor.Tensor
	Gain, Bias tensor.Tensor
	Mean, Rstd tensor.Tensor
	Eps        float64
}

// NormGrads describes the gradients of a normalisation. DX may be none and may
// alias DY; with Accumulate the gradient is added to it, as a residual connection
// around the norm wants. DGain and DBias (F32/F64 [D], or none) are added to.
type NormGrads struct {
	DX, DGain, DBias tensor.Tensor
	Accumulate       bool
	DY, X, Gain      tensor.Tensor
	Mean, Rstd       tensor.Tensor
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
// see); Scale is not 0 then. LSE [N H], if not none, receives the logarithm of the
// softmax's denominator, for the backward pass. Key blocks begin at absolute position 0 of the sequence, so
// the split between prefix and own rows does not change a bit.
//
// AttentionDecode is the same for segments of exactly one row, with its own
// order of sums.
type AttentionArgs struct {
	Out, Q, K, V   tensor.Tensor
	LSE            tensor.Tensor
	Segments       []Segment
	Prefix         []KV
	Heads, KVHeads int
	HeadDim        int
	Scale          float64
	Slopes         []float64 // [H], or nil
}

// AttentionGrads describes the gradients of attention without prefixes. All of
// DQ, DK, DV are overwritten. Fwd is the forward call, Out and LSE included. With
// p the probabilities and Δ[h] = DOut[h]·Out[h],
//
//	dV[s,g] = Σ p·DOut[h];  ds = p·(DOut[h]·v[s,g] - Δ[h])
//	dQ[h] = Scale·Σ_s ds·k[s,g];  dK[s,g] = Scale·Σ ds·q[h]
//
// where the sums of dV and dK go over later rows and the heads h of group g.
type AttentionGrads struct {
	DQ, DK, DV, DOut tensor.Tensor
	Fwd              AttentionArgs
}

// AdamWArgs describes one step of AdamW with decoupled weight decay, as
// torch.optim.AdamW computes it:
//
//	g = coef·grad;  w -= LR·WeightDecay·w
//	m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²
//	w -= LR/(1-β1^Step) · m / (√v/√(1-β2^Step) + Eps)
//
// W, Grad, M, V are F32 (F64 in ref) of equal length. Coef [1] is the clip
// coefficient on the device, or none for 1. Step counts from 1. With ZeroGrad the
// same pass sets Grad to 0, for the next step to add to.
type AdamWArgs struct {
	W, Grad, M, V tensor.Tensor
	Coef          tensor.Tensor
	LR            float64
	Beta1, Beta2  float64
	Eps           float64
	WeightDecay   float64
	Step          int
	ZeroGrad      bool
}
