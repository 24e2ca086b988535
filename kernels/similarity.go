package kernels

import (
	"fmt"

	"lamina/tensor"
)

// HasSimilarity reports whether be has the kernels of [Pool] and [Gram], which a backend
// need not have: one whose memory is far from the host's should, for else the states of
// all tokens have to be read to be pooled. It knows them, and this question, by their
// types in [Backend].Custom.
func HasSimilarity(be Backend) bool { return be.Custom(SimilarityQuestion{}) }

// SimilarityQuestion is a [Kernel] that computes nothing: see [HasSimilarity].
type SimilarityQuestion struct{}

// Name implements [Kernel].
func (SimilarityQuestion) Name() string { return "HasSimilarity" }

// Pooling says how the states of a sample's tokens become one vector.
type Pooling uint8

// The poolings.
const (
	PoolMean      Pooling = iota // the mean over tokens
	PoolPositions                // weights 1, 2, … T by position
	PoolLast                     // the last token
	PoolMax                      // the largest value of each feature; NaN wins
	PoolMin                      // the smallest one; NaN wins
	numPoolings
)

// PoolArgs describes the pooling of a batch's states. Sums and means are float64, in the
// order of the tokens, rounded once.
type PoolArgs struct {
	Y        tensor.Tensor // F32 [S D]: a vector of each sample
	Norms    tensor.Tensor // F64 [S 2]: of all its tokens the largest Σ x², and the sum of them
	X        tensor.Tensor // F32 [N D]
	Segments []Segment     // S samples: rows [Start, Start+Len) of X
	Kind     Pooling
	Skip     int  // so many first tokens of each sample are left out of Y
	Scaled   bool // each token is divided by its root mean square first; zeros stay zeros
}

// Name implements [Kernel].
func (PoolArgs) Name() string { return "Pool" }

// Pool computes pooled states on a backend that [HasSimilarity]: see [PoolArgs].
func Pool(be Backend, a PoolArgs) {
	const op = "Pool"
	samples, width := len(a.Segments), a.X.Cols()
	wantType(op, "X", a.X, tensor.F32)
	wantMatrix(op, "Y", a.Y, tensor.F32, samples, width)
	wantMatrix(op, "Norms", a.Norms, tensor.F64, samples, 2)
	wantApart(op, "Y", a.Y, "X", a.X)
	wantApart(op, "Norms", a.Norms, "X", a.X)
	if a.Kind >= numPoolings || a.Skip < 0 {
		fail(op, fmt.Sprintf("no pooling %d without the first %d", a.Kind, a.Skip))
	}
	for i, s := range a.Segments {
		if s.Start < 0 || s.Len <= a.Skip || s.Start+s.Len > a.X.Rows() {
			fail(op, fmt.Sprintf("segment %d, rows [%d, %d) without the first %d", i, s.Start, s.Start+s.Len, a.Skip), "X", a.X)
		}
	}
	custom(be, op, a)
}

// GramArgs describes a centred Gram matrix: K = X̃·X̃ᵀ, X̃ being X less the mean of each of
// its columns, all in float64.
type GramArgs struct {
	K tensor.Tensor // F64 [N N]
	X tensor.Tensor // F32 [N D]
}

// Name implements [Kernel].
func (GramArgs) Name() string { return "Gram" }

// Gram computes a centred Gram matrix on a backend that [HasSimilarity]: see [GramArgs].
func Gram(be Backend, a GramArgs) {
	const op = "Gram"
	wantType(op, "X", a.X, tensor.F32)
	wantMatrix(op, "K", a.K, tensor.F64, a.X.Rows(), a.X.Rows())
	wantApart(op, "K", a.K, "X", a.X)
	custom(be, op, a)
}

// custom runs a kernel that the backend has.
func custom(be Backend, op string, k Kernel) {
	if !be.Custom(k) {
		fail(op, be.Name()+" has no such kernel")
	}
}
