package cuda

import "lamina/kernels"

// softmaxBytes is what is kept of a row's softmax, for each head: shift, inverse of the sum,
// mean of dp, and room up to 16 bytes.
const softmaxBytes = 16

// AttentionBackward implements kernels.Backend, in two kernels: a block of the first has a
// tile of stacked queries and computes their softmax anew and dQ, one of the second a tile
// of keys and dK and dV, over the rows that see them and the heads of a group in order.
// With BF16 products q, k, v, dO, p and ds are rounded to BF16, in heads of up to 128 columns.
func (be *Backend) AttentionBackward(a kernels.AttentionGrads) {
	mustF32("AttentionBackward", a.DQ)
	f := be.attentionForm(a.Fwd.HeadDim)
	slopes := be.slopes(&a.Fwd)
	kept := be.scratch(softmaxBytes * a.Fwd.Q.Rows() * a.Fwd.Heads)
	be.backward(&a, f, f.queries, f.queriesShared, slopes, kept, cut{rows: a.Fwd.Heads / a.Fwd.KVHeads, size: f.own})
	be.backward(&a, f, f.keys, f.keysShared, slopes, kept, cut{rows: 1, size: f.own})
	kept.free()
	slopes.free()
}

// backward launches one of the two kernels for all segments.
func (be *Backend) backward(a *kernels.AttentionGrads, f *attentionForm, kernel string, shared int, slopes, kept scratch, c cut) {
	fwd := &a.Fwd
	for from := 0; from < len(fwd.Segments); {
		var b batch
		l := be.start(kernel)
		if kernel == f.queries {
			l.tensor(a.DQ)
		} else {
			l.tensor(a.DK)
			l.tensor(a.DV)
		}
		l.ptr(kept.Ptr)
		l.tensor(a.DOut)
		l.tensor(fwd.Q)
		l.tensor(fwd.K)
		l.tensor(fwd.V)
		from = l.heads(&b, fwd, slopes, from, c)
		l.f32(float32(fwd.Scale))
		l.bytes(b.bytes[:])
		l.launch3([3]int{b.tiles, fwd.KVHeads, ceilDiv(fwd.HeadDim, f.columns)}, [3]int{f.threads, 1, 1}, shared)
	}
}
