package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Blocks of the backward pass, multiples of every tile: the packed rows of backKeys
// keys and values stay in the second-level cache while backRows rows go through them.
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
// query head, or all heads of a key head where that leaves enough chunks. It takes
// some rows at a time: their scores with every key that they see are there at once,
// and the softmax is computed anew from them, so that probabilities and what is
// subtracted from their slopes come from the same numbers, however large. A query's
// gradient grows from block to block of keys, those of keys and values from block to
// block of rows, and then from head to head of a group.
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
		if g.lanes {
			g.segmentLanes(s, g.segments[chunk/n], chunk%n*together, together)
		} else {
			g.segment(s, g.segments[chunk/n], chunk%n*together, together)
		}
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

// blocks is what a chunk of the backward pass works on: some rows of a segment and
// query head against the keys that they see.
type blocks struct {
	seg      kernels.Segment
	head     int
	r0, rows int     // rows [r0, r0+rows)
	p, ds    view    // probabilities and their slopes, [rows T]
	sees     []int32 // of each row: keys

	// Packed operands: kᵀ and vᵀ for q·kᵀ and dO·vᵀ and k for ds·k, of the whole
	// segment; q and dO for dsᵀ·q and pᵀ·dO, of the rows.
	keyPanels, valuePanels, keyColumns []float32
	queries, outs                      []float32
	kept                               []float32 // room for a panel's rows
	ramp                               []float32 // distances between the segment's rows

	// No key, or no query and gradient of the rows, is NaN or infinite.
	finiteKeys, finiteRows bool
}

func (g *gradients) blocks(s *scratch, seg kernels.Segment) blocks {
	t, d := simd.GemmTile(), g.width
	keys, rows := padded(seg.Len, t.NR), min(backRows, seg.Len)
	// A tile of keys begins at or before a row's own key: so far rows are cleared.
	ld, wide := padded(keys+t.MR, 8), padded(d, t.NR)
	all := padded(rows, t.MR)
	ramp := 0
	if g.slopes != nil {
		ramp = seg.Len
	}
	buf := s.floats(2*all*ld + all + keys*(2*d+wide) + 2*rows*wide + t.NR*d + ramp)
	b := blocks{seg: seg}
	b.p, b.ds = view{take(&buf, all*ld), all, keys, ld}, view{take(&buf, all*ld), all, keys, ld}
	b.sees = tensor.View[int32](tensor.Bytes(take(&buf, all)))
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
	packKeys(b.keyPanels, g.k[key:], g.kStride, seg.Len, d, b.kept)
	packKeys(b.valuePanels, g.v[key:], g.kStride, seg.Len, d, b.kept)
	nr := simd.GemmTile().NR
	for k0 := 0; k0 < seg.Len; k0 += backKeys {
		keys := min(backKeys, seg.Len-k0)
		simd.Gather(b.keyColumns[k0*padded(d, nr):], nr, g.k[key+k0*g.kStride:], g.kStride, d, keys)
	}
	b.finiteKeys = finite(b.keyColumns[:seg.Len*padded(d, nr)])
	for b.head = head; b.head < head+n; b.head++ {
		for b.r0 = 0; b.r0 < seg.Len; b.r0 += backRows {
			b.rows = min(backRows, seg.Len-b.r0)
			g.rowBlock(s, &b)
		}
	}
}

// finite reports whether no x is NaN or infinite; it may say no where large ones
// are finite.
func finite(x []float32) bool {
	sum := simd.Sum(x)
	return sum-sum == 0
}

// rowBlock computes what a block of rows has to do with all keys that it sees.
func (g *gradients) rowBlock(s *scratch, b *blocks) {
	t, d := simd.GemmTile(), g.width
	first := (b.seg.Start+b.r0)*g.qStride + b.head*d
	simd.Gather(b.queries, t.NR, g.q[first:], g.qStride, d, b.rows)
	simd.Gather(b.outs, t.NR, g.dOut[first:], g.qStride, d, b.rows)
	wide := b.rows * padded(d, t.NR)
	b.finiteRows = finite(b.queries[:wide]) && finite(b.outs[:wide])
	for r := range b.rows {
		b.sees[r] = int32(b.r0 + r + 1)
	}
	seen := b.r0 + b.rows
	for k0 := 0; k0 < seen; k0 += backKeys {
		g.products(s, b, k0, min(backKeys, seen-k0))
	}
	ld := b.p.stride
	for r := 0; r < b.rows; r += t.MR {
		m := min(t.MR, b.rows-r)
		cols := int(b.sees[r+m-1])
		if g.slopes != nil {
			slope := float32(g.slopes[b.head] / float64(g.scale)) // the sum is still to be scaled
			for i, n := range b.sees[r : r+m] {
				addDistances(b.p.data[(r+i)*ld:][:n], b.ramp, -int(n)+1, slope)
			}
		}
		simd.SoftmaxSlopes(b.p.data[r*ld:], b.ds.data[r*ld:], ld, cols+t.MR, b.sees[r:r+m], g.scale)
	}
	for k0 := 0; k0 < seen; k0 += backKeys {
		keys := min(backKeys, seen-k0)
		g.rowTiles(s, b, k0, keys)
		g.keyTiles(s, b, k0, keys)
	}
}

// tileSees returns how many of keys [k0, k0+keys) the first and the last of rows
// [r, r+m) of the block see.
func (b *blocks) tileSees(r, m, k0, keys int) (least, most int) {
	least, most = int(b.sees[r])-k0, int(b.sees[r+m-1])-k0
	return min(max(least, 0), keys), min(max(most, 0), keys)
}

// products goes through a block's rows in tiles: q·kᵀ and dO·vᵀ with keys
// [k0, k0+keys) up to the last one that the tile sees.
func (g *gradients) products(s *scratch, b *blocks, k0, keys int) {
	t, d, ld := simd.GemmTile(), g.width, b.p.stride
	first := (b.seg.Start+b.r0)*g.qStride + b.head*d
	for r := 0; r < b.rows; r += t.MR {
		m := min(t.MR, b.rows-r)
		_, cols := b.tileSees(r, m, k0, keys)
		if cols == 0 {
			continue
		}
		at, from, wide := r*ld+k0, first+r*g.qStride, padded(cols, t.NR)
		s.multiply(b.p.data[at:], ld, m, wide, g.q[from:], g.qStride, 1, b.keyPanels[k0*d:], d, d, false)
		s.multiply(b.ds.data[at:], ld, m, wide, g.dOut[from:], g.qStride, 1, b.valuePanels[k0*d:], d, d, false)
	}
}

// rowTiles goes through a block's rows in tiles and adds to dQ what keys
// [k0, k0+keys) give to them.
func (g *gradients) rowTiles(s *scratch, b *blocks, k0, keys int) {
	t, d, ld := simd.GemmTile(), g.width, b.p.stride
	first := (b.seg.Start+b.r0)*g.qStride + b.head*d
	columns, depth := b.keyColumns[k0*padded(d, t.NR):], min(backKeys, b.seg.Len-k0)
	for r := 0; r < b.rows; r += t.MR {
		m := min(t.MR, b.rows-r)
		least, cols := b.tileSees(r, m, k0, keys)
		at, ds := first+r*g.qStride, b.ds.data[r*ld+k0:]
		if b.finiteKeys || least == cols {
			s.multiply(g.dQ[at:], g.qStride, m, d, ds, ld, 1, columns, depth, cols, k0 > 0)
			continue
		}
		// Zero times an infinite or NaN key would reach the rows that do not see it.
		for i := range m {
			n, _ := b.tileSees(r+i, 1, k0, keys)
			s.multiply(g.dQ[at+i*g.qStride:], g.qStride, 1, d, ds[i*ld:], ld, 1, columns, depth, n, k0 > 0)
		}
	}
}

// keyTiles goes through keys [k0, k0+keys) in tiles and adds to dK and dV what the
// block's rows from the first one that sees the tile on give to them.
func (g *gradients) keyTiles(s *scratch, b *blocks, k0, keys int) {
	t := simd.GemmTile()
	for c := k0; c < k0+keys; c += t.MR {
		m := min(t.MR, k0+keys-c)
		if b.finiteRows || c+m-1 <= b.r0 {
			g.keyTile(s, b, c, m)
			continue
		}
		// Zero times an infinite or NaN row would reach the keys that it does not see.
		for i := range m {
			g.keyTile(s, b, c+i, 1)
		}
	}
}

// keyTile adds to dK and dV of m keys from key on.
func (g *gradients) keyTile(s *scratch, b *blocks, key, m int) {
	t, d, ld := simd.GemmTile(), g.width, b.p.stride
	from := max(key-b.r0, 0)
	if from >= b.rows {
		return
	}
	at, n, add := (b.seg.Start+key)*g.qStride+b.head*d, b.rows-from, key < b.r0
	p, ds := b.p.data[from*ld+key:], b.ds.data[from*ld+key:]
	s.multiply(g.partV[at:], g.qStride, m, d, p, 1, ld, b.outs[from*t.NR:], b.rows, n, add)
	s.multiply(g.partK[at:], g.qStride, m, d, ds, 1, ld, b.queries[from*t.NR:], b.rows, n, add)
}
