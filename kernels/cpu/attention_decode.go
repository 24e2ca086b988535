package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// AttentionDecode implements kernels.Backend: one row a segment. Keys and values
// are read once, where they lie, for all query heads of a key head.
func (be *Backend) AttentionDecode(a kernels.AttentionArgs) {
	mustF32("AttentionDecode", a.Q)
	h := headsOf(a)
	_, work := h.chunks()
	be.each(work/attentionCost, len(h.segments)*h.kvHeads, func(chunk int) {
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
	ownK := view{h.k[seg.Start*h.kStride+g*d:], 1, d, h.kStride}
	ownV := view{h.v[seg.Start*h.kStride+g*d:], 1, d, h.kStride}
	var earlierK, earlierV view
	if seg.PrefixLen > 0 {
		earlierK = view{f32(h.prefix[segment].K)[g*d:], seg.PrefixLen, d, h.kStride}
		earlierV = view{f32(h.prefix[segment].V)[g*d:], seg.PrefixLen, d, h.kStride}
	}
	scores := s.floats(h.group * n)
	for i := range h.group {
		row, head := scores[i*n:(i+1)*n], q[i*d:(i+1)*d]
		simd.Dots(row[:seg.PrefixLen], head, earlierK.data, earlierK.stride)
		simd.Dots(row[seg.PrefixLen:], head, ownK.data, ownK.stride)
		simd.Scale(row, row, h.scale)
		top := simd.Max(row)
		sum := simd.ExpSum(row, row, top)
		if h.lse != nil {
			h.lse[first/d+i] = float32(float64(top) + math.Log(float64(sum)))
		}
		o := out[i*d : (i+1)*d]
		clear(o)
		simd.AddRows(o, row[:seg.PrefixLen], earlierV.data, earlierV.stride)
		simd.AddRows(o, row[seg.PrefixLen:], ownV.data, ownV.stride)
		simd.Scale(o, o, 1/sum)
	}
}
