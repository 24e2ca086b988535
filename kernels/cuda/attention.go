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

const (
	attentionThreads = 256
	attentionRows    = 64 // rows of the other side of a tile, and of stacked queries forward
	attentionPad     = 4  // floats between rows of a tile
)

// attentionForm is a set of kernels for heads of up to so many columns. Which one a call
// takes depends on its HeadDim alone.
type attentionForm struct {
	forward, queries, keys string
	columns                int
	own                    int // rows of a block's own, backward
}

var attentionForms = [...]attentionForm{
	{"lamina_attention_16", "lamina_attention_queries_16", "lamina_attention_keys_16", 16, 64},
	{"lamina_attention_64", "lamina_attention_queries_64", "lamina_attention_keys_64", 64, 64},
	{"lamina_attention_80", "lamina_attention_queries_80", "lamina_attention_keys_80", 80, 64},
	{"lamina_attention_96", "lamina_attention_queries_96", "lamina_attention_keys_96", 96, 32},
	{"lamina_attention_128", "lamina_attention_queries_128", "lamina_attention_keys_128", 128, 32},
}

// wideForm takes 128 columns at a time of heads of any width.
var wideForm = attentionForm{"lamina_attention_wide", "lamina_attention_queries_wide", "lamina_attention_keys_wide", 128, 32}

func formOf(headDim int) *attentionForm {
	for i := range attentionForms {
		if f := &attentionForms[i]; headDim <= f.columns {
			return f
		}
	}
	return &wideForm
}

// shared is the shared memory of so many rows' tiles and one of probabilities, in bytes.
func (f *attentionForm) shared(rows, probabilities int) int {
	return 4 * (rows*(f.columns+attentionPad) + probabilities*(attentionRows+attentionPad))
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
// products, operands are rounded to BF16 where a form for that has the head's width.
func (be *Backend) Attention(a kernels.AttentionArgs) {
	mustF32("Attention", a.Q)
	f := formOf(a.HeadDim)
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
		l.launch3([3]int{b.tiles, a.KVHeads, ceilDiv(a.HeadDim, f.columns)}, [3]int{attentionThreads, 1, 1}, f.shared(2*attentionRows, attentionRows))
	}
	slopes.free()
}
