package cuda

import "lamina/kernels"

const (
	decodeChunk   = 128 // keys of a block
	decodeHeads   = 16  // query heads of a block, at most
	decodeBatch   = 8   // heads whose sums a thread has at once
	decodeThreads = 256
	joinThreads   = 128
)

// decodeForms are the kernels for heads of up to so many columns; the last takes any.
var decodeForms = [...]struct {
	name    string
	columns int // 0: queries are not kept in shared memory
}{
	{"lamina_attention_decode_32", 32},
	{"lamina_attention_decode_64", 64},
	{"lamina_attention_decode_96", 96},
	{"lamina_attention_decode_128", 128},
	{"lamina_attention_decode_wide", 0},
}

// AttentionDecode implements kernels.Backend: one row a segment. A block has a chunk of 128
// keys of one key head and up to 16 of the query heads that read it, so that keys and values
// are read once; the chunks of a sequence are joined in their order. It is F32 whatever the
// precision of products.
func (be *Backend) AttentionDecode(a kernels.AttentionArgs) {
	mustF32("AttentionDecode", a.Q)
	form := 0
	for form < len(decodeForms)-1 && a.HeadDim > decodeForms[form].columns {
		form++
	}
	c := cut{rows: 1, size: decodeChunk, earlier: true}
	chunks := 0
	for _, s := range a.Segments {
		chunks += c.tiles(s)
	}
	group := a.Heads / a.KVHeads
	heads := min(group, decodeHeads)
	shared := 4 * (heads*(decodeChunk+decodeForms[form].columns) + min(heads, decodeBatch)*4*decodeThreads)
	slopes := be.slopes(&a)
	o, sums := be.scratch(4*chunks*a.Heads*a.HeadDim), be.scratch(8*chunks*a.Heads)
	for from, before := 0, 0; from < len(a.Segments); {
		var b batch
		l := be.start(decodeForms[form].name)
		toO, toSums := o.offset(4*before*a.Heads*a.HeadDim), sums.offset(8*before*a.Heads)
		l.ptr(toO)
		l.ptr(toSums)
		l.tensor(a.Q)
		l.tensor(a.K)
		l.tensor(a.V)
		from = l.heads(&b, &a, slopes, from, c)
		l.bytes(b.bytes[:])
		l.launch3([3]int{b.tiles, a.KVHeads, ceilDiv(group, decodeHeads)}, [3]int{decodeThreads, 1, 1}, shared)

		l = be.start("lamina_attention_join")
		l.tensor(a.Out)
		l.ptr(toO)
		l.ptr(toSums)
		l.u32(a.Heads)
		l.u32(a.HeadDim)
		size, _ := scaleOf(a.Scale)
		l.f32(size)
		l.bytes(b.bytes[:])
		l.launch3([3]int{a.Heads, b.n, 1}, [3]int{joinThreads, 1, 1}, 0)
		before += b.tiles
	}
	sums.free()
	o.free()
	slopes.free()
}
