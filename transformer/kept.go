package transformer

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"lamina/autograd"
	"lamina/tensor"
)

// Kept keeps the streams [N D] that enter a place of a decoder from one [Decoder.Score] of
// some items to the next of the same ones: what stands below runs once, and what stands
// from the place on may have other weights in each call. The scores have the bits that they
// have without, and contexts are shared as without.
//
//	kept := &transformer.Kept{Place: 20, Memory: 1 << 30}
//	for _, w := range weights { // of blocks 20 and up
//		…
//		scores, err := d.Score(ctx, be, items, transformer.ScoreOptions{Kept: kept})
//	}
//
// It is for one decoder, whose weights below the place stay as they are, and not for
// concurrent use.
type Kept struct {
	Place  int // that the streams enter, 0 to the number of blocks
	Memory int // bytes at the most; where the streams of all items take more, none is kept

	of      [sha256.Size]byte // digest of the items that streams are of
	streams []tensor.Tensor   // of each pass over them, in turn
	whole   bool              // all of them are there
	next    int               // of them, in the call that runs
	off     bool              // in the call that runs nothing is kept or read
	bytes   int
}

// Bytes returns what the streams take that are kept now.
func (k *Kept) Bytes() int { return k.bytes }

// Close gives the memory back. A nil Kept holds none.
func (k *Kept) Close() {
	if k == nil {
		return
	}
	for _, s := range k.streams {
		s.Free()
	}
	k.streams, k.whole, k.bytes = nil, false, 0
}

// begin makes ready for a call that scores items in passes of about so many tokens, of
// which rows run in all.
func (k *Kept) begin(d *Decoder, items []Continuation, limit, rows int) {
	if k == nil {
		return
	}
	h := sha256.New()
	put := func(n int) { writeInts(h, []int32{int32(n)}) }
	put(limit)
	for _, it := range items {
		put(len(it.Context))
		writeInts(h, it.Context)
		put(len(it.Target))
		writeInts(h, it.Target)
	}
	var of [sha256.Size]byte
	h.Sum(of[:0])
	if k.of != of || !k.whole {
		k.Close()
		k.of = of
	}
	k.next, k.off = 0, tensor.F32.Bytes(rows*d.Config.Width) > k.Memory
}

// end notes that every pass of the call has run.
func (k *Kept) end() {
	if k != nil && !k.off {
		k.whole = true
	}
}

func writeInts(h hash.Hash, ints []int32) { _ = binary.Write(h, binary.LittleEndian, ints) }

// forward is [Decoder.Forward], where k is not nil through what is kept.
func (k *Kept) forward(p *autograd.Pass, d *Decoder, b *Batch) autograd.Var {
	if k == nil || k.off {
		return d.Forward(p, b, nil)
	}
	var x autograd.Var
	if k.whole {
		x = p.Input(k.streams[k.next])
		k.next++
	} else {
		x = d.ForwardBlocks(p, b, autograd.Var{}, 0, k.Place)
		k.keep(p, x.T)
	}
	y := d.ForwardBlocks(p, b, x, k.Place, len(d.Blocks))
	b.advance()
	return y
}

// keep copies a stream to memory of its own. Where there is none nothing is kept.
func (k *Kept) keep(p *autograd.Pass, x tensor.Tensor) {
	if k.off || p.Err() != nil {
		return
	}
	s, err := tensor.New(p.Backend, x.DType(), x.Shape()...)
	if err != nil {
		k.Close()
		k.off = true
		return
	}
	s.SetRaw(x.Raw())
	k.streams = append(k.streams, s)
	k.bytes += s.Bytes()
}
