package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// AttentionBackward implements kernels.Backend. A chunk is one segment and key
// head. It goes through blocks of rows and, within one, through the query heads;
// probabilities come back from the scores and the stored logarithm of their sum,
// and the sums of dK and dV grow in that order.
func (be *Backend) AttentionBackward(a kernels.AttentionGrads) {
	mustF32("AttentionBackward", a.DQ)
	h := headsOf(a.Fwd)
	dQ, dK, dV, dOut := f32(a.DQ), f32(a.DK), f32(a.DV), f32(a.DOut)
	_, work := h.chunks()
	be.each(work/attentionCost, len(h.segments)*h.kvHeads, func(chunk int) {
		s := be.scratch.get()
		h.backward(s, dQ, dK, dV, dOut, h.segments[chunk/h.kvHeads], chunk%h.kvHeads)
		be.scratch.put(s)
	})
}

func (h *heads) backward(s *scratch, dQ, dK, dV, dOut []float32, seg kernels.Segment, g int) {
	if seg.Len == 0 {
		return
	}
	d := h.width
	first := seg.Start*h.kStride + g*d
	for t := range seg.Len {
		clear(dK[first+t*h.kStride:][:d])
		clear(dV[first+t*h.kStride:][:d])
	}
	block := h.rowsPerChunk()
	for from := 0; from < seg.Len; from += block {
		rows := min(block, seg.Len-from)
		seen := from + rows
		all := rows * h.group
		buf := s.floats(3*all*d + 2*all*seen)
		q := view{take(&buf, all*d), all, d, d}
		dO := view{take(&buf, all*d), all, d, d}
		dq := view{take(&buf, all*d), all, d, d}
		p := view{take(&buf, all*seen), all, seen, seen}
		ds := view{take(&buf, all*seen), all, seen, seen}
		k := view{h.k[first:], seen, d, h.kStride}
		v := view{h.v[first:], seen, d, h.kStride}

		for r := range all {
			place := h.place(seg, g, from, r)
			simd.Scale(q.data[r*d:(r+1)*d], h.q[place:][:d], h.scale)
			copy(dO.data[r*d:(r+1)*d], dOut[place:])
		}
		s.sgemm(p, q, false, k, true, false)
		s.sgemm(ds, dO, false, v, true, false)
		for r := range all {
			place, sees := h.place(seg, g, from, r), from+r/h.group+1
			h.slopes(p.data[r*seen:(r+1)*seen], ds.data[r*seen:(r+1)*seen], sees, h.lse[place/d],
				simd.Dot(dOut[place:][:d], h.out[place:][:d]))
		}
		s.sgemm(view{dV[first:], seen, d, h.kStride}, p, true, dO, false, true)
		s.sgemm(view{dK[first:], seen, d, h.kStride}, ds, true, q, false, true)
		s.sgemm(dq, ds, false, k, false, false)
		for r := range all {
			simd.Scale(dQ[h.place(seg, g, from, r):][:d], dq.data[r*d:(r+1)*d], h.scale)
		}
	}
}

// slopes turns a row of scores into probabilities p and a row of dO·v into the
// gradient of the scores, ds = p·(dO·v - delta), zeros beyond the row's last key.
func (h *heads) slopes(p, ds []float32, sees int, lse, delta float32) {
	simd.ExpScaled(p[:sees], p[:sees], lse, 1)
	simd.SoftmaxBackward(ds[:sees], ds[:sees], p[:sees], delta)
	clear(p[sees:])
	clear(ds[sees:])
}
