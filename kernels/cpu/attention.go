package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// keyBlock is how many keys, from absolute position 0 of a sequence, the softmax
// takes at a time: packed keys and values are 64 KiB each at head width 64, and
// stay in the second-level cache with the rows' sums.
const keyBlock = 256

// A chunk takes at most queryRows rows of queries, all heads that read one key
// head counted, which share the packed keys: packing costs as much as some twenty rows.
// It takes fewer, down to leastRows, where there would be less than fewChunks.
const (
	queryRows = 384
	leastRows = 24
	fewChunks = 8
)

// attentionCost is how many multiplications of a product take the time of one
// addition to memory.
const attentionCost = 16

// heads is an attention call in numbers.
type heads struct {
	q, k, v, out     []float32
	group            int // query heads that read one key head
	kvHeads, width   int // key heads, head width K
	qStride, kStride int
	scale            float32
	slopes           []float64 // of each query head, or nil
	segments         []kernels.Segment
	prefix           []kernels.KV
	lanes            bool // whether chunks are blocks of lanes
	rows             int  // rows of the stream that one chunk takes at most
}

func headsOf(a kernels.AttentionArgs) heads {
	h := heads{
		q: f32(a.Q), k: f32(a.K), v: f32(a.V), out: f32(a.Out),
		group: a.Heads / a.KVHeads, kvHeads: a.KVHeads, width: a.HeadDim,
		qStride: a.Heads * a.HeadDim, kStride: a.KVHeads * a.HeadDim,
		scale: float32(a.Scale), slopes: a.Slopes, segments: a.Segments, prefix: a.Prefix,
	}
	h.lanes = simd.HasLanes()
	unit, most, few := 1, queryRows, fewChunks
	if h.lanes {
		unit, most, few = laneRows, laneQueries, laneChunks
	}
	for stacked := most; stacked >= leastRows; stacked /= 2 {
		h.rows = max(stacked/h.group/unit, 1) * unit
		if n, _ := h.chunks(); n >= few {
			break
		}
	}
	return h
}

// pieces returns how many rows of a segment a chunk takes, and the number of such
// pieces of it.
func (h *heads) pieces(s kernels.Segment) (rows, n int) {
	unit := 1
	if h.lanes {
		unit = laneRows
	}
	rows = max(evenly(s.Len, h.rows, unit), 1)
	return rows, ceilDiv(s.Len, rows)
}

// chunks returns the number of (segment, key head, block of rows), and the
// work of the call.
func (h *heads) chunks() (n, work int) {
	for _, s := range h.segments {
		_, pieces := h.pieces(s)
		n += pieces * h.kvHeads
		work += s.Len * (s.PrefixLen + s.Len) * h.qStride
	}
	return n, work
}

// chunk returns what a chunk has to do. Those of a key head follow each other, so that
// its keys and values stay in the caches; the last rows of a segment, which see the most
// keys, come first.
func (h *heads) chunk(chunk int) chunkRows {
	for i, s := range h.segments {
		rows, n := h.pieces(s)
		if chunk < n*h.kvHeads {
			from := (n - 1 - chunk%n) * rows
			return chunkRows{i, chunk / n, from, min(rows, s.Len-from), s.PrefixLen + from}
		}
		chunk -= n * h.kvHeads
	}
	panic("cpu: Attention: chunk beyond the last segment")
}

// Attention implements kernels.Backend, as FlashAttention orders it (Dao et al.,
// 2022): no row of scores is ever whole in memory. A chunk takes some rows of one
// segment and all query heads of one key head, stacked. It goes from block to
// block of keys, and in each through its rows in tiles of a micro-kernel:
//
//	scores = q·kᵀ up to the last key that the tile sees
//	softmax of each row's scores, with maximum and sum so far
//	o = shrink·o + p·v
//
// Blocks begin at absolute position 0, and beyond its own position a row has
// zeros, which add nothing: neither the cut into chunks nor that between prefix
// and own rows reaches a bit. Where simd has blocks of lanes, they take the place of
// tiles: see attendBlock.
func (be *Backend) Attention(a kernels.AttentionArgs) {
	mustF32("Attention", a.Q)
	h := headsOf(a)
	n, work := h.chunks()
	be.each(work/attentionCost, n, func(chunk int) {
		s := be.scratch.get()
		if h.lanes {
			h.attendLanes(s, chunk)
		} else {
			h.attend(s, chunk)
		}
		be.scratch.put(s)
	})
}

// stack is the state of a chunk's rows, all query heads of a key head stacked:
// row r is head r%group of the stream's row r/group, counted from the first.
type stack struct {
	chunkRows
	rows             int       // stacked
	q, o             view      // queries times scale; sums of values, padded to panels
	p                view      // one tile of scores
	top, sum, shrink []float32 // of each row
	sees             []int32   // of each row, keys of the block in work
	panels           []float32 // keys of the block, packed for q·kᵀ
	values           []float32 // values of the block, packed for p·v
	gathered         []float32 // room for rows that do not lie in one piece, and a panel
	finite           bool      // no value of the block is NaN or infinite
	ramp             []float32 // distances to the last row's position, of all keys
}

func (h *heads) stack(s *scratch, chunk int) stack {
	t, d := simd.GemmTile(), h.width
	st := stack{chunkRows: h.chunk(chunk)}
	g, from, own, seg := st.g, st.from, st.own, h.segments[st.segment]
	st.rows = own * h.group
	block := padded(padded(min(keyBlock, st.first+own), t.NR), 8)
	wide, all := padded(d, t.NR), st.rows
	ramp := 0
	if h.slopes != nil {
		ramp = st.first + own
	}
	buf := s.floats(all*(d+wide+4) + t.MR*block + block*(d+wide+d) + t.NR*d + ramp)
	st.q = view{take(&buf, all*d), all, d, d}
	st.o = view{take(&buf, all*wide), all, wide, wide}
	st.p = view{take(&buf, t.MR*block), t.MR, block, block}
	st.top, st.sum, st.shrink = take(&buf, all), take(&buf, all), take(&buf, all)
	st.sees = tensor.View[int32](tensor.Bytes(take(&buf, all)))
	st.panels, st.values = take(&buf, block*d), take(&buf, block*wide)
	st.gathered = take(&buf, (block+t.NR)*d)
	st.ramp = distances(take(&buf, ramp))

	fill(st.shrink, h.scale)
	for i := range h.group {
		simd.ScaleRows(st.q.data[i*d:], h.group*d, h.q[h.place(seg, g, from, i):], h.qStride, d, st.shrink[:own])
	}
	fill(st.top, float32(math.Inf(-1)))
	clear(st.sum)
	return st
}

func (h *heads) attend(s *scratch, chunk int) {
	st, t := h.stack(s, chunk), simd.GemmTile()
	seen := st.first + st.own
	for k0 := 0; k0 < seen; k0 += keyBlock {
		keys := min(keyBlock, seen-k0)
		h.packBlock(&st, k0, keys)
		for r := 0; r < st.rows; r += h.group {
			n := int32(min(max(st.first+r/h.group+1-k0, 0), keys))
			for i := range h.group {
				st.sees[r+i] = n
			}
		}
		for r := 0; r < st.rows; r += t.MR {
			if rows := min(t.MR, st.rows-r); st.sees[r+rows-1] > 0 {
				h.attendTile(s, &st, r, rows, keys, k0)
			}
		}
	}
	h.finish(&st)
}

// finish writes the stack's rows, divided by their sums, to out.
func (h *heads) finish(st *stack) {
	seg, d, own := h.segments[st.segment], h.width, st.own
	for i := range h.group {
		at := h.place(seg, st.g, st.from, i)
		f := st.shrink[:own]
		for r := range f {
			f[r] = 1 / st.sum[r*h.group+i]
		}
		simd.ScaleRows(h.out[at:], h.qStride, st.o.data[i*st.o.stride:], h.group*st.o.stride, d, f)
	}
}

// attendTile takes rows [r, r+rows) of the stack, at most a tile, through a
// block of keys from k0 on.
func (h *heads) attendTile(s *scratch, st *stack, r, rows, keys, k0 int) {
	t, d, wide, add := simd.GemmTile(), h.width, st.o.cols, k0 > 0
	sees := st.sees[r : r+rows]
	cols := int(sees[rows-1])
	s.multiply(st.p.data, st.p.stride, rows, padded(cols, t.NR), st.q.data[r*d:], d, 1, st.panels, d, d, false)
	if h.slopes != nil {
		for i, n := range sees {
			slope := float32(h.slopes[st.g*h.group+(r+i)%h.group])
			addDistances(st.p.data[i*st.p.stride:][:n], st.ramp, k0-st.first-(r+i)/h.group, slope)
		}
	}
	simd.SoftmaxRows(st.p.data, st.p.stride, cols, sees, st.top[r:], st.sum[r:], st.shrink[r:])
	o := st.o.data[r*wide:]
	if add {
		for i, f := range st.shrink[r : r+rows] {
			if f != 1 {
				simd.Scale(o[i*wide:(i+1)*wide], o[i*wide:], f)
			}
		}
	}
	if st.finite || int(sees[0]) == cols {
		s.multiply(o, wide, rows, wide, st.p.data, st.p.stride, 1, st.values, keys, cols, add)
		return
	}
	// Zero times an infinite or NaN value would reach the rows that do not see it.
	for i, n := range sees {
		s.multiply(o[i*wide:], wide, 1, wide, st.p.data[i*st.p.stride:], 0, 1, st.values, keys, int(n), add)
	}
}

// distances sets ramp, from its last element backwards, to 0, -1, -2, … and returns
// it.
func distances(ramp []float32) []float32 {
	for i := range ramp {
		ramp[i] = float32(i + 1 - len(ramp))
	}
	return ramp
}

// addDistances adds slope·(first+j) to each scores[j]; ramp is of distances, and no
// distance is above 0.
func addDistances(scores, ramp []float32, first int, slope float32) {
	if len(scores) > 0 {
		simd.Axpy(scores, ramp[len(ramp)-1+first:], slope)
	}
}

// place returns where the head of stacked row r begins in q and out: the heads of
// a row follow each other, rows from from on in the segment.
func (h *heads) place(seg kernels.Segment, g, from, r int) int {
	return (seg.Start+from+r/h.group)*h.qStride + (g*h.group+r%h.group)*h.width
}

// packBlock packs n keys and values of the stack's sequence from absolute
// position k0 on.
func (h *heads) packBlock(st *stack, k0, n int) {
	t, d := simd.GemmTile(), h.width
	rows, stride := h.run(&st.chunkRows, h.k, k0, n, false, st.gathered)
	packKeys(st.panels, rows, stride, n, d, st.gathered[len(st.gathered)-t.NR*d:])
	rows, stride = h.run(&st.chunkRows, h.v, k0, n, true, st.gathered)
	simd.Gather(st.values, t.NR, rows, stride, d, n)
	sum := simd.Sum(st.values[:n*st.o.cols])
	st.finite = sum-sum == 0
}

// chunkRows is what a chunk of Attention has to do: rows [from, from+own) of a
// segment, all query heads of key head g.
type chunkRows struct {
	segment, g, from, own int
	first                 int // absolute position of the first row
}

// run returns a key head's rows [from, from+n) of the chunk's sequence and their
// stride: in place, or gathered in room where they lie on both sides of the end of the
// prefix. own is h.k or h.v; values tells them apart in the prefix.
func (h *heads) run(c *chunkRows, own []float32, from, n int, values bool, room []float32) (rows []float32, stride int) {
	seg := h.segments[c.segment]
	own = own[seg.Start*h.kStride+c.g*h.width:]
	if from >= seg.PrefixLen {
		return own[(from-seg.PrefixLen)*h.kStride:], h.kStride
	}
	earlier := f32(h.prefix[c.segment].K)
	if values {
		earlier = f32(h.prefix[c.segment].V)
	}
	earlier = earlier[from*h.kStride+c.g*h.width:]
	before := seg.PrefixLen - from
	if before >= n {
		return earlier, h.kStride
	}
	gatherRows(room, earlier, h.kStride, before, h.width)
	gatherRows(room[before*h.width:], own, h.kStride, n-before, h.width)
	return room, h.width
}
