package transformer

import (
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// Batch is the input of one pass: sequences of any lengths in one stream of N
// tokens, without padding. A sequence may continue a [Cache].
type Batch struct {
	Tokens   []int32
	Segments []kernels.Segment
	// Samples names each segment for dropout: its mask depends on this number
	// and the position, not on the place in the batch. nil: 0, 1, 2, ….
	Samples []int32
	// Caches holds each segment's earlier keys and values; nil for none, as a
	// whole or per segment. PrefixLen of the segment says how much of it counts.
	Caches []*Cache
	// Store appends the segments' own keys and values to their caches.
	Store bool
}

// NewBatch returns a batch of independent sequences, none of them empty.
func NewBatch(rows ...[]int32) *Batch {
	b := &Batch{}
	for _, r := range rows {
		b.Add(r, nil)
	}
	return b
}

// Add appends a sequence that continues cache (nil: starts at position 0).
func (b *Batch) Add(tokens []int32, cache *Cache) {
	if len(tokens) == 0 {
		panic("transformer: Batch.Add: a sequence has at least one token")
	}
	prefix := 0
	if cache != nil {
		prefix = cache.Len
	}
	b.Segments = append(b.Segments, kernels.Segment{Start: len(b.Tokens), Len: len(tokens), PrefixLen: prefix})
	b.Tokens = append(b.Tokens, tokens...)
	b.Caches = append(b.Caches, cache)
}

// Validate returns an error naming the first token or length that the model has
// no place for: for tokens that come from outside.
func (b *Batch) Validate(c Config) error {
	if len(b.Tokens) == 0 {
		return fmt.Errorf("no tokens")
	}
	for i, s := range b.Segments {
		if err := c.CheckLength(s.PrefixLen + s.Len); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		if err := c.checkIDs(b.Tokens[s.Start : s.Start+s.Len]); err != nil {
			return fmt.Errorf("row %d, %w", i, err)
		}
	}
	return nil
}

// CheckContinuation returns an error if the model cannot score target after
// context: one of them empty, an id beyond the vocabulary, or more tokens to read
// (all but the last) than it has positions.
func (c Config) CheckContinuation(context, target []int32) error {
	if len(context) == 0 || len(target) == 0 {
		return fmt.Errorf("context of %d and target of %d tokens (want at least one each)", len(context), len(target))
	}
	if err := c.CheckLength(len(context) + len(target) - 1); err != nil {
		return err
	}
	if err := c.checkIDs(context); err != nil {
		return fmt.Errorf("context, %w", err)
	}
	if err := c.checkIDs(target); err != nil {
		return fmt.Errorf("target, %w", err)
	}
	return nil
}

// CheckLength returns an error if a sequence of n tokens is longer than the table of
// learned positions; of rotary positions and slopes there is no end.
func (c Config) CheckLength(n int) error {
	if n > c.MaxPositions && c.family().embedding.positions != "" {
		return fmt.Errorf("%d tokens exceed the model's %d positions", n, c.MaxPositions)
	}
	return nil
}

func (c Config) checkIDs(ids []int32) error {
	for i, id := range ids {
		if id < 0 || int(id) >= c.Vocab {
			return fmt.Errorf("token %d: id %d is not in the vocabulary (0 to %d)", i, id, c.Vocab-1)
		}
	}
	return nil
}

// Stream is a batch made ready for the blocks of one pass.
type Stream struct {
	*Batch
	ids, positions tensor.Tensor // I32 [N]
	cos, sin       tensor.Tensor // [N R/2]; none without RoPE
	shape          autograd.AttentionShape
	prefix         []kernels.KV // one place's, reused
	prefixed       bool
}

// newStream uploads what every block needs; it lives as long as the pass.
func (d *Decoder) newStream(p *autograd.Pass, b *Batch) *Stream {
	c, n := d.Config, len(b.Tokens)
	s := &Stream{Batch: b, ids: p.New(tensor.I32, n), positions: p.New(tensor.I32, n)}
	s.shape = autograd.AttentionShape{
		Segments: b.Segments, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim,
	}
	if slopes := c.family().slopes; slopes != nil {
		s.shape.Slopes = slopes(c.Heads)
	}
	at := make([]int32, n)
	samples := make([]int32, 0, 2*n)
	for i, seg := range b.Segments {
		s.prefixed = s.prefixed || seg.PrefixLen > 0
		sample := int32(i)
		if b.Samples != nil {
			sample = b.Samples[i]
		}
		for j := range seg.Len {
			at[seg.Start+j] = int32(seg.PrefixLen + j)
			samples = append(samples, sample, at[seg.Start+j])
		}
	}
	s.ids.SetInts(b.Tokens)
	s.positions.SetInts(at)
	if s.prefixed {
		s.prefix = make([]kernels.KV, len(b.Segments))
	}
	if p.Dropout.P > 0 {
		p.Dropout.Rows = p.New(tensor.I32, n, 2)
		p.Dropout.Rows.SetInts(samples)
	}
	if c.RoPE.Dim > 0 {
		s.setAngles(p, c.RoPE)
	}
	return s
}

func (s *Stream) setAngles(p *autograd.Pass, rope nn.RoPE) {
	n := len(s.Tokens)
	cos, sin := make([]float64, 0, n*rope.Dim/2), make([]float64, 0, n*rope.Dim/2)
	for _, seg := range s.Segments {
		inv := rope.InverseFrequencies(seg.PrefixLen + seg.Len)
		for j := range seg.Len {
			cos, sin = nn.Angles(cos, sin, seg.PrefixLen+j, inv)
		}
	}
	s.cos, s.sin = p.New(tensor.F32, n, rope.Dim/2), p.New(tensor.F32, n, rope.Dim/2)
	s.cos.SetFloats(cos)
	s.sin.SetFloats(sin)
}

// Place is where a block stands in one pass: its view of the stream and of the
// caches. A block asks it for angles, prefix and geometry and never learns its
// index.
type Place struct {
	*Stream
	index int
}

// Attend stores k and v [N G·K] in the caches if the batch asks for it, and
// returns causal attention of q [N H·K], with scores scale·q·k, over prefix and own
// keys.
func (pl Place) Attend(p *autograd.Pass, scale float64, q, k, v autograd.Var) autograd.Var {
	if pl.Store {
		for i, seg := range pl.Segments {
			if c := pl.Caches[i]; c != nil {
				c.write(p.Backend, pl.index, seg, k.T, v.T)
			}
		}
	}
	if !pl.prefixed {
		return p.Attention(q, k, v, &pl.shape, scale, nil)
	}
	for i := range pl.Segments {
		pl.prefix[i] = kernels.KV{}
		if c := pl.Caches[i]; c != nil {
			pl.prefix[i] = c.at(pl.index)
		}
	}
	return p.Attention(q, k, v, &pl.shape, scale, pl.prefix)
}

// KVStore is memory for the keys and values of several sequences: for each place
// of a decoder two tensors [rows G·K].
type KVStore struct {
	places []kernels.KV
	rows   int
	used   int
}

// NewKVStore makes room for rows positions in all, at every place of d as it
// stands now.
func (d *Decoder) NewKVStore(dev tensor.Device, rows int) *KVStore {
	s := &KVStore{rows: rows, places: make([]kernels.KV, len(d.Blocks))}
	width := d.Config.KVHeads * d.Config.HeadDim
	for i := range s.places {
		s.places[i] = kernels.KV{K: tensor.New(dev, tensor.F32, rows, width), V: tensor.New(dev, tensor.F32, rows, width)}
	}
	return s
}

// Rows returns how many positions the store has room for.
func (s *KVStore) Rows() int { return s.rows }

// Reset forgets all sequences.
func (s *KVStore) Reset() { s.used = 0 }

// Sequence returns an empty cache for up to capacity positions.
func (s *KVStore) Sequence(capacity int) *Cache {
	if s.used+capacity > s.rows {
		panic(fmt.Sprintf("transformer: KVStore.Sequence: %d of %d rows are taken, %d asked for", s.used, s.rows, capacity))
	}
	c := &Cache{store: s, from: s.used, capacity: capacity}
	s.used += capacity
	return c
}

// Cache is the keys and values of one sequence's first Len positions.
type Cache struct {
	Len            int
	store          *KVStore
	from, capacity int
}

func (c *Cache) at(place int) kernels.KV {
	kv := c.store.places[place]
	return kernels.KV{K: kv.K.Slice(c.from, c.from+c.capacity), V: kv.V.Slice(c.from, c.from+c.capacity)}
}

func (c *Cache) write(be kernels.Backend, place int, seg kernels.Segment, k, v tensor.Tensor) {
	if seg.PrefixLen+seg.Len > c.capacity {
		panic(fmt.Sprintf("transformer: Cache: %d positions in a cache of %d", seg.PrefixLen+seg.Len, c.capacity))
	}
	kv := c.at(place)
	kernels.CopyAxis(be, kv.K, k, 0, seg.PrefixLen, seg.Start, seg.Len, false)
	kernels.CopyAxis(be, kv.V, v, 0, seg.PrefixLen, seg.Start, seg.Len, false)
}

// advance counts the stored positions once every place has stored them.
func (b *Batch) advance() {
	if !b.Store {
		return
	}
	for i, seg := range b.Segments {
		if c := b.Caches[i]; c != nil {
			c.Len = seg.PrefixLen + seg.Len
		}
	}
}
