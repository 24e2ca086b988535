package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// decodeKeys is how many keys, or values, the heads of a group go through before
// they take the next ones: 32 KiB at head width 64 stay in the first-level cache.
// It does not reach a bit: scores do not depend on each other, and the weighted
// sum of values goes from key to key.
const decodeKeys = 128

// decodeCost is what one multiply-add of a query with a key, and its share of the
// rest, costs in the unit of smallWork: keys and values come from memory.
const decodeCost = 2

// AttentionDecode implements kernels.Backend: one row a segment. Keys and values
// are read once, where they lie, for all query heads of a key head.
func (be *Backend) AttentionDecode(a kernels.AttentionArgs) {
	mustF32("AttentionDecode", a.Q)
	h := headsOf(a)
	_, work := h.chunks()
	be.each(decodeCost*work, len(h.segments)*h.kvHeads, func(chunk int) {
		s := be.scratch.get()
		h.decode(s, chunk/h.kvHeads, chunk%h.kvHeads)
		be.scratch.put(s)
	})
}

func (h *heads) decode(s *scratch, segment, g int) {
	seg, d := h.segments[segment], h.width
	n := seg.PrefixLen + 1
	first := h.place(seg, g, 0, 0)
	q, out := h.q[first:][:h.group*d], h.out[first:][:h.group*d]
	own := seg.Start*h.kStride + g*d
	ramp := 0
	if h.slopes != nil {
		ramp = n
	}
	buf := s.floats(h.group*(n+1) + ramp)
	scores, sums, far := take(&buf, h.group*n), take(&buf, h.group), distances(take(&buf, ramp))
	var earlierK, earlierV []float32
	if seg.PrefixLen > 0 {
		earlierK, earlierV = f32(h.prefix[segment].K)[g*d:], f32(h.prefix[segment].V)[g*d:]
	}

	for from := 0; from < seg.PrefixLen; from += decodeKeys {
		to := min(from+decodeKeys, seg.PrefixLen)
		for i := range h.group {
			simd.Dots(scores[i*n+from:i*n+to], q[i*d:(i+1)*d], earlierK[from*h.kStride:], h.kStride)
		}
	}
	for i := range h.group {
		row := scores[i*n : (i+1)*n]
		simd.Dots(row[n-1:], q[i*d:(i+1)*d], h.k[own:], h.kStride)
		simd.Scale(row, row, h.scale)
		if h.slopes != nil {
			addDistances(row, far, 1-n, float32(h.slopes[g*h.group+i]))
		}
		sums[i] = simd.ExpSum(row, row, simd.Max(row))
	}
	clear(out)
	for from := 0; from < seg.PrefixLen; from += decodeKeys {
		to := min(from+decodeKeys, seg.PrefixLen)
		for i := range h.group {
			simd.AddRows(out[i*d:(i+1)*d], scores[i*n+from:i*n+to], earlierV[from*h.kStride:], h.kStride)
		}
	}
	for i := range h.group {
		o := out[i*d : (i+1)*d]
		simd.AddRows(o, scores[(i+1)*n-1:(i+1)*n], h.v[own:], h.kStride)
		simd.Scale(o, o, 1/sums[i])
	}
}
