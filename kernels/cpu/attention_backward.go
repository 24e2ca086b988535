package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// gradients are the outputs of one backward call. partK and partV hold each
// query head's share of dK and dV, [N H·K]: the outputs themselves where every
// query head has a key head of its own.
type gradients struct {
	heads
	dQ, dK, dV, dOut []float32
	partK, partV     []float32
}

// AttentionBackward implements kernels.Backend. A chunk is one segment and query
// head. Probabilities come back from the scores and the stored logarithm of their
// sum; the sums of dK and dV grow from block to block of rows, and then from
// head to head of a group.
func (be *Backend) AttentionBackward(a kernels.AttentionGrads) {
	mustF32("AttentionBackward", a.DQ)
	g := gradients{heads: headsOf(a.Fwd), dQ: f32(a.DQ), dK: f32(a.DK), dV: f32(a.DV), dOut: f32(a.DOut)}
	_, work := g.chunks()
	n := g.kvHeads * g.group
	s := be.scratch.get()
	g.partK, g.partV = g.dK, g.dV
	if g.group > 1 {
		parts := s.floats(2 * len(g.dQ))
		g.partK, g.partV = parts[:len(g.dQ)], parts[len(g.dQ):]
	}
	be.each(work/attentionCost, len(g.segments)*n, func(chunk int) {
		s := be.scratch.get()
		g.head(s, g.segments[chunk/n], chunk%n)
		be.scratch.put(s)
	})
	if g.group > 1 {
		be.eachRow(len(g.dQ)/g.qStride, g.qStride, 2*cheap, g.addGroups)
	}
	be.scratch.put(s)
}

// addGroups adds the shares of one row's heads, in order.
func (g *gradients) addGroups(row int) {
	for kv := range g.kvHeads {
		to := row*g.kStride + kv*g.width
		from := row*g.qStride + kv*g.group*g.width
		sumPieces(g.dK[to:to+g.width], g.partK[from:], g.group)
		sumPieces(g.dV[to:to+g.width], g.partV[from:], g.group)
	}
}

// sumPieces sets dst to the sum of the first n pieces of its length in parts.
func sumPieces(dst, parts []float32, n int) {
	d := len(dst)
	copy(dst, parts)
	for i := 1; i < n; i++ {
		simd.AddTo(dst, parts[i*d:])
	}
}

// head computes the gradients of one segment and query head.
func (g *gradients) head(s *scratch, seg kernels.Segment, head int) {
	if seg.Len == 0 {
		return
	}
	d, first := g.width, seg.Start*g.qStride+head*g.width
	dK := view{g.partK[first:], seg.Len, d, g.qStride}
	dV := view{g.partV[first:], seg.Len, d, g.qStride}
	for t := range seg.Len {
		clear(dK.data[t*dK.stride:][:d])
		clear(dV.data[t*dV.stride:][:d])
	}
	for from := 0; from < seg.Len; from += queryRows {
		g.block(s, seg, head, from, dK, dV)
	}
}

// block computes dQ of rows [from, from+queryRows) of a segment and adds what
// they give to dK and dV.
func (g *gradients) block(s *scratch, seg kernels.Segment, head, from int, dK, dV view) {
	d, stride := g.width, g.qStride
	rows := min(queryRows, seg.Len-from)
	seen := from + rows // keys up to the last one in sight
	first := (seg.Start+from)*stride + head*d
	key := seg.Start*g.kStride + head/g.group*d
	k, v := view{g.k[key:], seen, d, g.kStride}, view{g.v[key:], seen, d, g.kStride}
	dO, dQ := view{g.dOut[first:], rows, d, stride}, view{g.dQ[first:], rows, d, stride}
	buf := s.floats(rows*d + 2*rows*seen)
	q := view{take(&buf, rows*d), rows, d, d}
	p := view{take(&buf, rows*seen), rows, seen, seen}
	ds := view{take(&buf, rows*seen), rows, seen, seen}

	for r := range rows {
		simd.Scale(q.data[r*d:(r+1)*d], g.q[first+r*stride:][:d], g.scale)
	}
	s.sgemm(p, q, false, k, true, false)
	s.sgemm(ds, dO, false, v, true, false)
	for r := range rows {
		at := first + r*stride
		delta := simd.Dot(g.dOut[at:at+d], g.out[at:])
		slopes(p.data[r*seen:(r+1)*seen], ds.data[r*seen:(r+1)*seen], from+r+1, g.lse[at/d], delta)
	}
	dK.rows, dV.rows = seen, seen
	s.sgemm(dV, p, true, dO, false, true)
	s.sgemm(dK, ds, true, q, false, true)
	s.sgemm(dQ, ds, false, k, false, false)
	for r := range rows {
		row := dQ.data[r*stride:][:d]
		simd.Scale(row, row, g.scale)
	}
}

// slopes turns a row of scores into probabilities p, and a row of dO·v into the
// gradient of the scores, ds = p·(dO·v - delta): zeros from key sees on.
func slopes(p, ds []float32, sees int, lse, delta float32) {
	simd.ExpScaled(p[:sees], p[:sees], lse, 1)
	simd.SoftmaxBackward(ds[:sees], ds[:sees], p[:sees], delta)
	clear(p[sees:])
	clear(ds[sees:])
}
