package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// laneGradients is what a chunk of the backward pass works on: a segment and one of its
// query heads, of which one block of lanes goes through all keys that it sees.
type laneGradients struct {
	seg   kernels.Segment
	head  int
	lanes laneBlocks

	keys, values    []float32 // rows of the segment
	keyStride       int       // of both
	columns         []float32 // keys in panels of 8
	q, dOut, dQ     []float32 // of the block, element by element
	p, ds           []float32 // probabilities and their slopes, key by key
	queries, outs   []float32 // rows of the block, in one piece
	dK, dV          []float32 // of the segment, in one piece
	ones, room      []float32
	row, rows, lane int  // the block's first row, number of rows, lane of the first
	finite          bool // no query or gradient of the block is NaN or infinite
}

func (g *gradients) laneGradients(s *scratch, seg kernels.Segment, head int) laneGradients {
	const lanes = simd.Lanes
	d, n := g.width, seg.Len
	b := laneGradients{seg: seg, lanes: lanesOf(n, 1, 0)}
	rows, keys := min(lanes, n), n+2*simd.LaneKeys // a tile may begin anywhere
	copied := 0
	if b.lanes.n >= copiedBlocks && g.kStride != d {
		copied = n * d
	}
	buf := s.floats(2*keys*lanes + 3*lanes*d + lanes + 2*rows*d + laneRows*d + 2*n*d + 2*copied + n*padded(d, 8))
	b.p, b.ds = take(&buf, keys*lanes), take(&buf, keys*lanes)
	b.q, b.dOut, b.dQ = take(&buf, lanes*d), take(&buf, lanes*d), take(&buf, lanes*d)
	b.ones = take(&buf, lanes)
	fill(b.ones, 1)
	b.queries, b.outs = take(&buf, rows*d), take(&buf, rows*d)
	b.dK, b.dV = take(&buf, n*d), take(&buf, n*d)
	b.room = take(&buf, laneRows*d)
	key := seg.Start*g.kStride + head/g.group*d
	b.keys, b.values, b.keyStride = g.k[key:], g.v[key:], g.kStride
	if copied > 0 {
		keys, values := take(&buf, copied), take(&buf, copied)
		simd.CopyRows(keys, d, b.keys, g.kStride, n, d)
		simd.CopyRows(values, d, b.values, g.kStride, n, d)
		b.keys, b.values, b.keyStride = keys, values, d
	}
	b.columns = take(&buf, n*padded(d, 8))
	simd.Gather(b.columns, 8, b.keys, b.keyStride, d, n)
	return b
}

// segmentLanes computes the gradients of query heads [head, head+n), which read one
// key head, in one segment.
func (g *gradients) segmentLanes(s *scratch, seg kernels.Segment, head, n int) {
	if seg.Len == 0 {
		return
	}
	b := g.laneGradients(s, seg, head)
	for b.head = head; b.head < head+n; b.head++ {
		for i := range b.lanes.n {
			g.laneBlock(&b, i)
		}
		at := seg.Start*g.qStride + b.head*g.width
		simd.CopyRows(g.partK[at:], g.qStride, b.dK, g.width, seg.Len, g.width)
		simd.CopyRows(g.partV[at:], g.qStride, b.dV, g.width, seg.Len, g.width)
	}
}

// laneBlock computes what a block of lanes has to do with all keys that it sees: their
// products with queries and incoming gradients; probabilities and slopes from all of
// them; and what these give to the gradients of queries, keys and values.
func (g *gradients) laneBlock(b *laneGradients, i int) {
	d := g.width
	g.turnBlock(b, i)
	seen := b.row + b.rows
	for k0 := 0; k0 < seen; k0 += laneKeys {
		n, sees := min(laneKeys, seen-k0), b.lanes.sees(i, k0)
		p, ds := b.p[k0*simd.Lanes:], b.ds[k0*simd.Lanes:]
		simd.LaneScores(p, b.q, b.keys[k0*b.keyStride:], b.keyStride, d, n, &sees)
		g.addLaneDistances(p, n, &b.lanes, i, &sees, b.head)
		simd.LaneScores(ds, b.dOut, b.values[k0*b.keyStride:], b.keyStride, d, n, &sees)
	}
	sees := b.lanes.sees(i, 0)
	simd.LaneSlopes(b.p, b.ds, seen, &sees, g.scale)
	for k0 := 0; k0 < seen; k0 += laneKeys {
		n, sees, before := min(laneKeys, seen-k0), b.lanes.sees(i, k0), b.ones
		if k0 == 0 {
			before = nil
		}
		simd.LaneValues(b.dQ, b.ds[k0*simd.Lanes:], b.columns[k0*8:], 8, 8*b.seg.Len, d, n, &sees, before)
		g.laneKeyGradients(b, k0, k0+n)
	}
	g.turnOut(g.dQ[b.seg.Start*g.qStride+b.head*d:], &b.lanes, i, b.dQ, b.room)
}

// turnBlock prepares block i's queries and incoming gradients, in lanes and in rows.
func (g *gradients) turnBlock(b *laneGradients, i int) {
	b.lane = 0
	for u := range laneVectors {
		row, rows, _ := b.lanes.vector(i, u)
		switch {
		case rows == 0:
			b.lane += laneRows
		case u*laneRows == b.lane:
			b.row, b.rows = row, rows
		default:
			b.rows += rows
		}
	}
	head := b.seg.Start*g.qStride + b.head*g.width
	first := head + b.row*g.qStride
	g.turnQueries(b.q, &b.lanes, i, g.q[head:])
	g.turnIn(b.dOut, &b.lanes, i, g.dOut[head:])
	simd.CopyRows(b.queries, g.width, g.q[first:], g.qStride, b.rows, g.width)
	simd.CopyRows(b.outs, g.width, g.dOut[first:], g.qStride, b.rows, g.width)
	b.finite = finite(b.queries[:b.rows*g.width]) && finite(b.outs[:b.rows*g.width])
}

// laneKeyGradients adds to dK and dV of keys [from, to) what the block's rows give to
// them: all rows to keys before the first, and to the others those from the first one
// that sees a tile of them on.
func (g *gradients) laneKeyGradients(b *laneGradients, from, to int) {
	if n := min(to, b.row) - from; n > 0 {
		g.laneKeyTile(b, from, n)
	}
	from = max(from, b.row)
	if b.finite {
		if from < to {
			g.laneKeyTile(b, from, to-from)
		}
		return
	}
	// Zero times an infinite or NaN row would reach the keys that it does not see.
	for ; from < to; from++ {
		g.laneKeyTile(b, from, 1)
	}
}

// laneKeyTile adds to dK and dV of m keys from key on, all before the block's first row
// or none.
func (g *gradients) laneKeyTile(b *laneGradients, key, m int) {
	d, from, own := g.width, max(key-b.row, 0), key >= b.row
	lane := key*simd.Lanes + b.lane + from
	simd.LaneOuter(b.dV[key*d:], d, b.p[lane:], b.outs[from*d:], d, m, b.rows-from, d, own, !own)
	simd.LaneOuter(b.dK[key*d:], d, b.ds[lane:], b.queries[from*d:], d, m, b.rows-from, d, own, !own)
}
