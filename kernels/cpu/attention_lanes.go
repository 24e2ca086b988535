package cpu

import (
	"math"

	"lamina/kernels/internal/simd"
)

// laneKeys is how many keys, from absolute position 0 of a sequence, a block of lanes
// takes at a time: their scores, 24 KiB, stay in the first-level cache until the
// values are done.
const laneKeys = 128

// A vector of lanes is laneRows places of a sequence and one head; there are
// laneVectors in a block.
const (
	laneRows    = 16
	laneVectors = simd.Lanes / laneRows
)

// A chunk takes at most laneQueries rows of queries, all heads that read one key head
// counted: keys and values are copied once for all of them. It takes fewer where there
// would be less than laneChunks.
const (
	laneQueries = 768
	laneChunks  = 16
)

// copiedBlocks is how many blocks of lanes that share keys and values make it pay to
// copy them into one piece: rows that lie far apart put each other out of the caches.
const copiedBlocks = 3

// laneBlocks are rows of a segment, all heads of a group, in blocks of lanes: vector
// after vector place by place, and head by head in each. The first vectors of the
// first block are blind where there are too few.
type laneBlocks struct {
	own, group int // rows and heads
	first      int // absolute position of the first row
	blind      int // vectors
	n          int // blocks
}

func lanesOf(own, group, first int) laneBlocks {
	vectors := ceilDiv(own, laneRows) * group
	n := ceilDiv(vectors, laneVectors)
	return laneBlocks{own, group, first, n*laneVectors - vectors, n}
}

// vector returns what vector u of block b is: rows [row, row+rows) from the first on of
// one head of the group; no rows if it is blind.
func (l *laneBlocks) vector(b, u int) (row, rows, head int) {
	i := b*laneVectors + u - l.blind
	if i < 0 {
		return 0, 0, 0
	}
	row = i / l.group * laneRows
	return row, min(laneRows, l.own-row), i % l.group
}

// sees returns how many keys from k0 on the first lane of each of block b's vectors
// sees.
func (l *laneBlocks) sees(b, k0 int) (sees [laneVectors]int) {
	for u := range sees {
		sees[u] = simd.Blind
		if row, rows, _ := l.vector(b, u); rows > 0 {
			sees[u] = l.first + row + 1 - k0
		}
	}
	return sees
}

// turnIn writes the rows of a block's vectors in x, which begins at the first row and
// head, into lanes, element by element.
func (h *heads) turnIn(lanes []float32, l *laneBlocks, b int, x []float32) {
	for u := range laneVectors {
		row, rows, head := l.vector(b, u)
		if rows < laneRows {
			for p := range h.width {
				clear(lanes[p*simd.Lanes+u*laneRows:][:laneRows])
			}
		}
		if rows > 0 {
			simd.Transpose(lanes[u*laneRows:], simd.Lanes, x[row*h.qStride+head*h.width:], h.qStride, rows, h.width)
		}
	}
}

// turnOut is the inverse: lanes to rows. It goes by way of room for a vector's rows:
// what lies far apart in x is written in whole rows, for pieces of many rows in turn
// put each other out of the cache.
func (h *heads) turnOut(x []float32, l *laneBlocks, b int, lanes, room []float32) {
	for u := range laneVectors {
		if row, rows, head := l.vector(b, u); rows > 0 {
			simd.Transpose(room, h.width, lanes[u*laneRows:], simd.Lanes, h.width, rows)
			simd.CopyRows(x[row*h.qStride+head*h.width:], h.qStride, room, h.width, rows, h.width)
		}
	}
}

// turnQueries is turnIn for queries, which bear the sign of the scale, or 0 if it is
// 0, so that the largest score is the largest product.
func (h *heads) turnQueries(lanes []float32, l *laneBlocks, b int, x []float32) {
	h.turnIn(lanes, l, b, x)
	if h.scale <= 0 {
		simd.Scale(lanes[:simd.Lanes*h.width], lanes, signOf(h.scale))
	}
}

// signOf returns -1, 0 or 1.
func signOf(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// addLaneDistances adds the slopes' terms to the products of a block's queries, whose
// first head is given, with n keys; sums are still to be scaled.
func (h *heads) addLaneDistances(s []float32, n int, l *laneBlocks, b int, sees *[laneVectors]int, head int) {
	if h.slopes == nil {
		return
	}
	var slopes [laneVectors]float32
	for u := range slopes {
		_, _, i := l.vector(b, u)
		slopes[u] = float32(h.slopes[head+i] / math.Abs(float64(h.scale)))
	}
	simd.LaneDistances(s, n, sees, &slopes)
}

// laneStack is the state of a chunk of Attention.
type laneStack struct {
	chunkRows
	lanes            laneBlocks
	q, o             []float32 // of each block: queries, and sums of values, element by element
	s                []float32 // scores of one block; in the end a vector's rows
	top, sum, shrink []float32 // of each block
	keys, values     []float32 // room for copies
}

func (h *heads) laneStack(s *scratch, chunk int) laneStack {
	st := laneStack{chunkRows: h.chunk(chunk)}
	st.lanes = lanesOf(st.own, h.group, st.first)
	lanes, d, keys := st.lanes.n*simd.Lanes, h.width, min(laneKeys, st.first+st.own)
	room := max(keys*simd.Lanes, laneRows*d)
	buf := s.floats(lanes*(2*d+3) + room + keys*(d+padded(d, 8)))
	st.q, st.o, st.s = take(&buf, lanes*d), take(&buf, lanes*d), take(&buf, room)
	st.top, st.sum, st.shrink = take(&buf, lanes), take(&buf, lanes), take(&buf, lanes)
	st.keys, st.values = take(&buf, keys*d), take(&buf, keys*padded(d, 8))
	fill(st.top, -math.MaxFloat32)
	clear(st.sum)
	return st
}

// attendLanes computes a chunk of Attention. It goes from block to block of keys, and
// in each from block to block of lanes.
func (h *heads) attendLanes(s *scratch, chunk int) {
	st := h.laneStack(s, chunk)
	seen := st.first + st.own
	for k0 := 0; k0 < seen; k0 += laneKeys {
		keys := h.laneKeyBlock(&st, k0, min(laneKeys, seen-k0))
		for b := range st.lanes.n {
			h.attendBlock(&st, b, &keys)
		}
	}
}

// laneKeyBlock is keys and values of a sequence from absolute position k0 on: keys in
// rows, value i's element d at d/8·panel + i·valueStride + d%8.
type laneKeyBlock struct {
	k0, n                         int
	keys, values                  []float32
	keyStride, valueStride, panel int
}

func (h *heads) laneKeyBlock(st *laneStack, k0, n int) laneKeyBlock {
	kb, d := laneKeyBlock{k0: k0, n: n, panel: 8}, h.width
	kb.keys, kb.keyStride = h.run(&st.chunkRows, h.k, k0, n, false, st.keys)
	kb.values, kb.valueStride = h.run(&st.chunkRows, h.v, k0, n, true, st.values)
	if st.lanes.n < copiedBlocks || h.kStride == d || kb.valueStride == d { // few, or in one piece
		return kb
	}
	simd.CopyRows(st.keys, d, kb.keys, kb.keyStride, n, d)
	simd.Gather(st.values, 8, kb.values, kb.valueStride, d, n)
	return laneKeyBlock{k0, n, st.keys, st.values, d, 8, 8 * n}
}

// attendBlock takes a block of lanes through a block of keys:
//
//	scores = k·q up to the last key that a lane sees
//	softmax of each lane's scores, with maximum and sum so far
//	o = shrink·o + v·p over the keys that each lane sees
//
// and, where these are the last that it sees, divides by the sums and writes its rows.
func (h *heads) attendBlock(st *laneStack, b int, keys *laneKeyBlock) {
	const lanes = simd.Lanes
	seg, l, d, n := h.segments[st.segment], &st.lanes, h.width, keys.n
	sees := l.sees(b, keys.k0)
	row, rows, _ := l.vector(b, laneVectors-1)
	seen := l.first + row + rows - keys.k0
	if seen <= 0 {
		return
	}
	q, o := st.q[b*lanes*d:][:lanes*d], st.o[b*lanes*d:][:lanes*d]
	sum, shrink := st.sum[b*lanes:][:lanes], st.shrink[b*lanes:][:lanes]
	place := h.place(seg, st.g, st.from, 0)
	if keys.k0 == 0 {
		h.turnQueries(q, l, b, h.q[place:])
	}
	simd.LaneScores(st.s, q, keys.keys, keys.keyStride, d, n, &sees)
	h.addLaneDistances(st.s, n, l, b, &sees, st.g*h.group)
	simd.LaneSoftmax(st.s, n, &sees, st.top[b*lanes:], sum, shrink, float32(math.Abs(float64(h.scale))))
	if keys.k0 == 0 {
		shrink = nil
	}
	simd.LaneValues(o, st.s, keys.values, keys.valueStride, keys.panel, d, n, &sees, shrink)
	if seen > n {
		return
	}
	for i, v := range sum {
		sum[i] = 1 / v
	}
	simd.LaneScale(o, sum, d)
	h.turnOut(h.out[place:], l, b, o, st.s)
}
