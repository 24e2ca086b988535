package cuda

import (
	"encoding/binary"
	"math"

	"lamina/kernels"
)

// Segments come to a kernel by value, so many a launch: nothing is uploaded, and a decoding
// step can be a graph in which only parameters change.
const (
	segmentsAtOnce = 64
	segmentBytes   = 32
	slopesAtOnce   = 256
)

const attentionRows = 64 // rows of a tile: stacked queries forward, and the other side's

// attentionForm is a set of kernels for heads of up to so many columns. Which one a call
// takes depends on its HeadDim and the backend's precision alone.
type attentionForm struct {
	forward, queries, keys string
	columns                int
	own                    int // rows of a block's own, backward
	threads                int
	// Shared memory of a block, in bytes.
	forwardShared, queriesShared, keysShared int
}

// The forms in F32, and those whose products are BF16, on tensor cores.
var (
	plainForms   = [...]attentionForm{plainForm("16", 16), plainForm("64", 64), plainForm("80", 80), plainForm("96", 96), plainForm("128", 128)}
	wideForm     = plainForm("wide", 128) // 128 columns at a time of heads of any width
	roundedForms = [...]attentionForm{roundedForm("16", 16), roundedForm("64", 64), roundedForm("80", 80), roundedForm("96", 96), roundedForm("128", 128)}
)

// plainForm is a form whose tiles have rows 4 floats apart, and a tile of probabilities.
func plainForm(name string, columns int) attentionForm {
	own := attentionRows
	if columns > 80 {
		own /= 2 // or a block would not fit into 99 KiB, which every device has
	}
	const pad = 4
	shared := func(rows, probabilities int) int {
		return 4 * (rows*(columns+pad) + probabilities*(attentionRows+pad))
	}
	return attentionForm{
		forward: "lamina_attention_" + name, queries: "lamina_attention_queries_" + name, keys: "lamina_attention_keys_" + name,
		columns: columns, own: own, threads: 256,
		forwardShared: shared(2*attentionRows, attentionRows),
		queriesShared: shared(2*own+attentionRows, own), keysShared: shared(2*own+attentionRows, own),
	}
}

// roundedForm is a form whose tiles are BF16, in rows 8 numbers apart; tiles of queries for
// the keys' gradients have 32 rows.
func roundedForm(name string, columns int) attentionForm {
	const own = attentionRows
	row := 2 * (columns + 8)
	return attentionForm{
		forward: "lamina_attention_bf16_" + name, queries: "lamina_attention_bf16_queries_" + name, keys: "lamina_attention_bf16_keys_" + name,
		columns: columns, own: own, threads: 128,
		forwardShared: row * (own + 2*attentionRows), queriesShared: row * (2*own + 2*attentionRows), keysShared: row * (2*own + attentionRows),
	}
}

func (be *Backend) attentionForm(headDim int) *attentionForm {
	forms := plainForms[:]
	if be.dev.options.Precision == kernels.PrecisionBF16 {
		forms = roundedForms[:]
	}
	for i := range forms {
		if headDim <= forms[i].columns {
			return &forms[i]
		}
	}
	return &wideForm
}

// cut says how a segment is cut into tiles: rows for each row of its own and, where earlier
// is set, one for each earlier position, size a tile.
type cut struct {
	rows, size int
	earlier    bool
}

func (c cut) tiles(s kernels.Segment) int {
	n := s.Len * c.rows
	if c.earlier {
		n += s.PrefixLen
	}
	return ceilDiv(n, c.size)
}

// batch is the segments of one launch.
type batch struct {
	bytes    [segmentsAtOnce * segmentBytes]byte
	n, tiles int
}

// fill sets b to the segments from from on that have rows and returns the first one that is
// left. It belongs between a launch's start and its end.
func (b *batch) fill(l *launch, a *kernels.AttentionArgs, from int, c cut) int {
	b.n, b.tiles = 0, 0
	for from < len(a.Segments) && b.n < segmentsAtOnce {
		s := a.Segments[from]
		if s.Len > 0 {
			at := b.bytes[b.n*segmentBytes:][:segmentBytes]
			clear(at)
			if s.PrefixLen > 0 {
				binary.LittleEndian.PutUint64(at, uint64(l.address(a.Prefix[from].K)))
				binary.LittleEndian.PutUint64(at[8:], uint64(l.address(a.Prefix[from].V)))
			}
			for i, v := range [...]int{s.Start, s.Len, s.PrefixLen, b.tiles} {
				binary.LittleEndian.PutUint32(at[16+4*i:], uint32(v))
			}
			b.n, b.tiles = b.n+1, b.tiles+c.tiles(s)
		}
		from++
	}
	return from
}

// scaleOf returns the scale's size, 1 for 0, and its sign: scores are size·(sign·q·k +
// slope·distance).
func scaleOf(scale float64) (size, sign float32) {
	switch {
	case scale == 0:
		return 1, 0
	case scale < 0:
		return float32(-scale), -1
	}
	return float32(scale), 1
}

// slopes returns the call's slopes, divided by the scale's size, on the device; none where
// it has none. They come there as parameters of a kernel.
func (be *Backend) slopes(a *kernels.AttentionArgs) scratch {
	s := be.scratch(4 * len(a.Slopes))
	for from := 0; from < len(a.Slopes); from += slopesAtOnce {
		var values [4 * slopesAtOnce]byte
		n := min(slopesAtOnce, len(a.Slopes)-from)
		for i, slope := range a.Slopes[from : from+n] {
			binary.LittleEndian.PutUint32(values[4*i:], math.Float32bits(float32(slope/math.Abs(a.Scale))))
		}
		l := be.start("lamina_attention_slopes")
		l.ptr(s.offset(4 * from))
		l.u32(n)
		l.bytes(values[:])
		l.launch(1, slopesAtOnce)
	}
	return s
}

// heads hands over what every kernel of attention takes behind its tensors, and returns the
// first segment that is left for another launch.
func (l *launch) heads(b *batch, a *kernels.AttentionArgs, slopes scratch, from int, c cut) int {
	l.ptr(slopes.Ptr)
	l.u32(a.Heads)
	l.u32(a.KVHeads)
	l.u32(a.HeadDim)
	from = b.fill(l, a, from, c)
	l.u32(b.n)
	size, sign := scaleOf(a.Scale)
	l.f32(size)
	l.f32(sign)
	return from
}

// Attention implements kernels.Backend, as FlashAttention orders it (Dao et al., 2022): no
// row of scores is ever whole in memory. The query heads of a key head are stacked, 64 rows
// a block; blocks go through keys in tiles of 64 from absolute position 0. With BF16
// products q, k, v and probabilities are rounded to BF16, in heads of up to 128 columns.
func (be *Backend) Attention(a kernels.AttentionArgs) {
	mustF32("Attention", a.Q)
	f := be.attentionForm(a.HeadDim)
	c := cut{rows: a.Heads / a.KVHeads, size: attentionRows}
	slopes := be.slopes(&a)
	for from := 0; from < len(a.Segments); {
		var b batch
		l := be.start(f.forward)
		l.tensor(a.Out)
		l.tensor(a.Q)
		l.tensor(a.K)
		l.tensor(a.V)
		from = l.heads(&b, &a, slopes, from, c)
		l.bytes(b.bytes[:])
		l.launch3([3]int{b.tiles, a.KVHeads, ceilDiv(a.HeadDim, f.columns)}, [3]int{f.threads, 1, 1}, f.forwardShared)
	}
	slopes.free()
}
