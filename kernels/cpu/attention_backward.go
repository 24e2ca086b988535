package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Blocks of the backward pass, multiples of every tile: a block's keys and values
// are packed once for all rows that see them, and probabilities and slopes of
// backRows×backKeys stay in the second-level cache with them.
const (
	backKeys = 192
	backRows = 96
)

// gradients is a backward call. partK and partV hold each query head's share of
// dK and dV, [N H·K]: the outputs themselves where every query head has a key
// head of its own.
type gradients struct {
	heads
	dQ, dK, dV, dOut []float32
	partK, partV     []float32
}

// AttentionBackward implements kernels.Backend. A chunk is one segment and one
// query head, or all heads of a key head where that leaves enough chunks.
// Probabilities come back, block by block of keys and of rows, from the scores
// and the stored logarithm of their sum. A query's gradient grows from block to
// block of keys, those of keys and values from block to block of rows, and then
// from head to head of a group.
func (be *Backend) AttentionBackward(a kernels.AttentionGrads) {
	mustF32("AttentionBackward", a.DQ)
	g := gradients{heads: headsOf(a.Fwd), dQ: f32(a.DQ), dK: f32(a.DK), dV: f32(a.DV), dOut: f32(a.DOut)}
	_, work := g.chunks()
	together := g.group
	if len(g.segments)*g.kvHeads < fewChunks {
		together = 1
	}
	n := g.kvHeads * g.group / together
	s := be.scratch.get()
	g.partK, g.partV = g.dK, g.dV
	if g.group > 1 {
		parts := s.floats(2 * len(g.dQ))
		g.partK, g.partV = parts[:len(g.dQ)], parts[len(g.dQ):]
	}
	be.each(work/attentionCost, len(g.segments)*n, func(chunk int) {
		s := be.scratch.get()
		g.segment(s, g.segments[chunk/n], chunk%n*together, together)
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

// blocks is what a chunk of the backward pass works on: some rows of a segment
// and query head against some of its keys.
type blocks struct {
	seg        kernels.Segment
	head       int
	k0, keys   int       // keys [k0, k0+keys) of the segment
	r0, rows   int       // rows [r0, r0+rows)
	p, ds      view      // probabilities and their slopes, [rows keys]
	sees       []int32   // of each row: keys of the block
	lse, delta []float32 // of each row

	// Packed operands: kᵀ and vᵀ for q·kᵀ and dO·vᵀ, k for ds·k; q and dO for
	// dsᵀ·q and pᵀ·dO. kept is room for a panel's rows.
	keyPanels, valuePanels, keyColumns []float32
	queries, outs                      []float32
	kept                               []float32
	ramp                               []float32 // distances between the segment's rows
}

func (g *gradients) blocks(s *scratch, seg kernels.Segment) blocks {
	t, d := simd.GemmTile(), g.width
	keys, rows := padded(min(backKeys, seg.Len), t.NR), min(backRows, seg.Len)
	// A tile of keys begins at or before a row's own key: so far rows are cleared.
	ld, wide := padded(keys+t.MR, 8), padded(d, t.NR)
	all := padded(rows, t.MR)
	ramp := 0
	if g.slopes != nil {
		ramp = seg.Len
	}
	buf := s.floats(2*all*ld + 3*all + keys*(2*d+wide) + 2*rows*wide + t.NR*d + ramp)
	b := blocks{seg: seg}
	b.p, b.ds = view{take(&buf, all*ld), all, keys, ld}, view{take(&buf, all*ld), all, keys, ld}
	b.sees = tensor.View[int32](tensor.Bytes(take(&buf, all)))
	b.lse, b.delta = take(&buf, all), take(&buf, all)
	b.keyPanels, b.valuePanels = take(&buf, keys*d), take(&buf, keys*d)
	b.keyColumns = take(&buf, keys*wide)
	b.queries, b.outs = take(&buf, rows*wide), take(&buf, rows*wide)
	b.kept, b.ramp = take(&buf, t.NR*d), distances(take(&buf, ramp))
	return b
}

// segment computes the gradients of query heads [head, head+n), which read one
// key head, in one segment.
func (g *gradients) segment(s *scratch, seg kernels.Segment, head, n int) {
	if seg.Len == 0 {
		return
	}
	b, d := g.blocks(s, seg), g.width
	key := seg.Start*g.kStride + head/g.group*d
	for b.k0 = 0; b.k0 < seg.Len; b.k0 += backKeys {
		b.keys = min(backKeys, seg.Len-b.k0)
		k, v := g.k[key+b.k0*g.kStride:], g.v[key+b.k0*g.kStride:]
		packKeys(b.keyPanels, k, g.kStride, b.keys, d, b.kept)
		packKeys(b.valuePanels, v, g.kStride, b.keys, d, b.kept)
		simd.Gather(b.keyColumns, simd.GemmTile().NR, k, g.kStride, d, b.keys)
		for b.head = head; b.head < head+n; b.head++ {
			for b.r0 = b.k0; b.r0 < seg.Len; b.r0 += backRows {
				b.rows = min(backRows, seg.Len-b.r0)
				g.rowTiles(s, &b)
				g.keyTiles(s, &b)
			}
		}
	}
}

// rowTiles goes through a block's rows in tiles: scores and dO·vᵀ up to the last
// key that the tile sees, from them probabilities and slopes, from these a part
// of dQ.
func (g *gradients) rowTiles(s *scratch, b *blocks) {
	t, d, stride := simd.GemmTile(), g.width, g.qStride
	first := (b.seg.Start+b.r0)*stride + b.head*d
	simd.DotPairs(b.delta[:b.rows], g.dOut[first:], g.out[first:], stride, d)
	for r := range b.rows {
		b.sees[r], b.lse[r] = int32(min(b.r0+r+1-b.k0, b.keys)), g.lse[(first+r*stride)/d]
	}
	ld := b.p.stride
	for r := 0; r < b.rows; r += t.MR {
		m := min(t.MR, b.rows-r)
		cols := int(b.sees[r+m-1])
		at, p, ds := first+r*stride, b.p.data[r*ld:], b.ds.data[r*ld:]
		s.multiply(p, ld, m, padded(cols, t.NR), g.q[at:], stride, 1, b.keyPanels, d, d, false)
		s.multiply(ds, ld, m, padded(cols, t.NR), g.dOut[at:], stride, 1, b.valuePanels, d, d, false)
		if g.slopes != nil {
			slope := float32(g.slopes[b.head] / float64(g.scale)) // the sum is still to be scaled
			for i, n := range b.sees[r : r+m] {
				addDistances(p[i*ld:][:n], b.ramp, b.k0-b.r0-r-i, slope)
			}
		}
		simd.SoftmaxSlopes(p, ds, ld, cols+t.MR, b.sees[r:r+m], b.lse[r:], b.delta[r:], g.scale)
		s.multiply(g.dQ[at:], stride, m, d, ds, ld, 1, b.keyColumns, b.keys, cols, b.k0 > 0)
	}
}

// keyTiles goes through a block's keys in tiles and adds to dK and dV what the
// block's rows from the first one that sees the tile on give to them.
func (g *gradients) keyTiles(s *scratch, b *blocks) {
	t, d, stride, ld := simd.GemmTile(), g.width, g.qStride, b.p.stride
	first := (b.seg.Start+b.r0)*stride + b.head*d
	simd.Gather(b.queries, t.NR, g.q[first:], stride, d, b.rows)
	simd.Gather(b.outs, t.NR, g.dOut[first:], stride, d, b.rows)
	for c := 0; c < b.keys; c += t.MR {
		key := b.k0 + c
		from := max(key-b.r0, 0)
		if from >= b.rows {
			return
		}
		m, n := min(t.MR, b.keys-c), b.rows-from
		at, add := (b.seg.Start+key)*stride+b.head*d, key < b.r0
		p, ds := b.p.data[from*ld+c:], b.ds.data[from*ld+c:]
		s.multiply(g.partV[at:], stride, m, d, p, 1, ld, b.outs[from*t.NR:], b.rows, n, add)
		s.multiply(g.partK[at:], stride, m, d, ds, 1, ld, b.queries[from*t.NR:], b.rows, n, add)
	}
}
