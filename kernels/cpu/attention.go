package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// queryRows is about how many rows of queries one chunk takes, all heads that
// read one key head counted: their scores share the packed keys.
const queryRows = 64

// attentionCost is how many multiplications of a product take the time of one
// addition to memory.
const attentionCost = 16

// heads is an attention call in numbers.
type heads struct {
	q, k, v, out, lse []float32
	group             int // query heads that read one key head
	kvHeads, width    int // key heads, head width K
	qStride, kStride  int
	scale             float32
	segments          []kernels.Segment
	prefix            []kernels.KV
}

func headsOf(a kernels.AttentionArgs) heads {
	return heads{
		q: f32(a.Q), k: f32(a.K), v: f32(a.V), out: f32(a.Out), lse: f32(a.LSE),
		group: a.Heads / a.KVHeads, kvHeads: a.KVHeads, width: a.HeadDim,
		qStride: a.Heads * a.HeadDim, kStride: a.KVHeads * a.HeadDim,
		scale: float32(a.Scale), segments: a.Segments, prefix: a.Prefix,
	}
}

// rowsPerChunk returns how many rows of the stream one chunk takes.
func (h *heads) rowsPerChunk() int { return max(queryRows/h.group, 1) }

// chunks returns the number of (segment, key head, block of rows), and the
// work of the call.
func (h *heads) chunks() (n, work int) {
	for _, s := range h.segments {
		n += ceilDiv(s.Len, h.rowsPerChunk()) * h.kvHeads
		work += s.Len * (s.PrefixLen + s.Len) * h.qStride
	}
	return n, work
}

// chunk returns segment, key head and first row of a chunk; the last rows of a
// segment, which see the most keys, come first.
func (h *heads) chunk(chunk int) (segment, g, row int) {
	for i, s := range h.segments {
		n := ceilDiv(s.Len, h.rowsPerChunk())
		if chunk < n*h.kvHeads {
			return i, chunk % h.kvHeads, (n - 1 - chunk/h.kvHeads) * h.rowsPerChunk()
		}
		chunk -= n * h.kvHeads
	}
	panic("cpu: Attention: chunk beyond the last segment")
}

// Attention implements kernels.Backend. A chunk takes some rows of one segment
// and all query heads of one key head: scores = Q·Kᵀ up to the last key that one
// of its rows sees, the causal softmax of each row in place, and the weighted
// sum of values. A row's scores beyond its own position are zeros, which add
// nothing to a sum that runs in order of absolute position: so neither the cut
// into chunks nor that between prefix and own rows reaches a bit.
func (be *Backend) Attention(a kernels.AttentionArgs) {
	mustF32("Attention", a.Q)
	h := headsOf(a)
	n, work := h.chunks()
	be.each(work/attentionCost, n, func(chunk int) {
		s := be.scratch.get()
		h.attend(s, chunk)
		be.scratch.put(s)
	})
}

func (h *heads) attend(s *scratch, chunk int) {
	segment, g, from := h.chunk(chunk)
	seg, d := h.segments[segment], h.width
	rows := min(h.rowsPerChunk(), seg.Len-from)
	seen := seg.PrefixLen + from + rows // keys up to the last one in sight
	all := rows * h.group
	gathered := 0
	if seg.PrefixLen > 0 {
		gathered = seen * d
	}
	buf := s.floats(all + 2*all*d + all*seen + 2*gathered)
	sums := take(&buf, all)
	q := view{take(&buf, all*d), all, d, d}
	o := view{take(&buf, all*d), all, d, d}
	scores := view{take(&buf, all*seen), all, seen, seen}
	k := h.keys(take(&buf, gathered), h.k, segment, g, seen, false)
	v := h.keys(take(&buf, gathered), h.v, segment, g, seen, true)

	for r := range all {
		simd.Scale(q.data[r*d:(r+1)*d], h.q[h.place(seg, g, from, r):][:d], h.scale)
	}
	s.sgemm(scores, q, false, k, true, false)
	for r := range all {
		row := scores.data[r*seen : (r+1)*seen]
		sees := seg.PrefixLen + from + r/h.group + 1
		top := simd.Max(row[:sees])
		sum := simd.ExpSum(row[:sees], row[:sees], top)
		clear(row[sees:])
		sums[r] = sum
		if h.lse != nil {
			place := h.place(seg, g, from, r) / d
			h.lse[place] = float32(float64(top) + math.Log(float64(sum)))
		}
	}
	h.weigh(s, o, scores, v, seg.PrefixLen+from+1)
	for r := range all {
		simd.Scale(h.out[h.place(seg, g, from, r):][:d], o.data[r*d:(r+1)*d], 1/sums[r])
	}
}

// place returns where the head of stacked row r begins in q and out: the heads of
// a row follow each other, rows from from on in the segment.
func (h *heads) place(seg kernels.Segment, g, from, r int) int {
	return (seg.Start+from+r/h.group)*h.qStride + (g*h.group+r%h.group)*h.width
}

// keys returns key head g of a segment's first n positions as a matrix: in place
// without a prefix, else gathered into dst. own is h.k or h.v; values tells them
// apart in the prefix.
func (h *heads) keys(dst, own []float32, segment, g, n int, values bool) view {
	seg, d := h.segments[segment], h.width
	first := seg.Start*h.kStride + g*d
	if seg.PrefixLen == 0 {
		return view{own[first:], n, d, h.kStride}
	}
	earlier := f32(h.prefix[segment].K)
	if values {
		earlier = f32(h.prefix[segment].V)
	}
	for i := range min(seg.PrefixLen, n) {
		copy(dst[i*d:(i+1)*d], earlier[i*h.kStride+g*d:])
	}
	for i := seg.PrefixLen; i < n; i++ {
		copy(dst[i*d:(i+1)*d], own[first+(i-seg.PrefixLen)*h.kStride:])
	}
	return view{dst, n, d, d}
}

// weigh computes o = p·v. Rows of p have zeros from the key on that they do not
// see, the first of them at key visible; zero times an infinite or NaN value
// would reach them, so where such a value stands there each row stops at its own
// last key.
func (h *heads) weigh(s *scratch, o, p, v view, visible int) {
	if finite(v, visible) {
		s.sgemm(o, p, false, v, false, false)
		return
	}
	for r := range p.rows {
		sees := visible + r/h.group
		s.sgemm(view{o.data[r*o.stride:], 1, o.cols, o.stride}, view{p.data[r*p.stride:], 1, sees, p.stride}, false,
			view{v.data, sees, v.cols, v.stride}, false, false)
	}
}

// finite reports whether rows from on of v hold neither NaN nor infinities, or
// not surely: a sum may overflow.
func finite(v view, from int) bool {
	for i := from; i < v.rows; i++ {
		if sum := simd.Sum(v.data[i*v.stride:][:v.cols]); sum-sum != 0 {
			return false
		}
	}
	return true
}
