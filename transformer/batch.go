package transformer

import (
	"fmt"
	"math"

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
		if err := c.CheckIDs(b.Tokens[s.Start : s.Start+s.Len]); err != nil {
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
	if err := c.CheckIDs(context); err != nil {
		return fmt.Errorf("context, %w", err)
	}
	if err := c.CheckIDs(target); err != nil {
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

// CheckIDs returns an error naming the first id that is not in the vocabulary.
func (c Config) CheckIDs(ids []int32) error {
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
	ids      tensor.Tensor // I32 [N]
	rows     tensor.Tensor // I32 [N]: of the table of learned positions; none without one
	cos, sin tensor.Tensor // [N R/2]; none without RoPE
	shape    autograd.AttentionShape
	prefix   []kernels.KV // one place's, reused
	prefixed bool
}

// newStream uploads what embedding and blocks need, in one copy; it lives as long as
// the pass.
func (d *Decoder) newStream(p *autograd.Pass, b *Batch) *Stream {
	c, n := d.Config, len(b.Tokens)
	s := &Stream{Batch: b}
	s.shape = autograd.AttentionShape{
		Segments: b.Segments, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim,
	}
	if slopes := c.family().slopes; slopes != nil {
		s.shape.Slopes = slopes(c.Heads)
	}
	for _, seg := range b.Segments {
		s.prefixed = s.prefixed || seg.PrefixLen > 0
	}
	if s.prefixed {
		s.prefix = make([]kernels.KV, len(b.Segments))
	}
	words := append(make([]int32, 0, n*(4+c.RoPE.Dim)), b.Tokens...)
	rows, samples, angles := len(words), 0, 0 // where each part begins
	if table := c.family().embedding; table.positions != "" {
		words = b.appendPositions(words, table.unused)
	}
	if samples = len(words); p.Dropout.P > 0 || p.Dropout.Own {
		words = b.appendSamples(words)
	}
	if angles = len(words); c.RoPE.Dim > 0 {
		words = b.appendAngles(words, c.RoPE)
	}
	all := p.New(tensor.I32, len(words))
	all.SetInts(words)
	s.ids = all.Slice(0, n)
	if samples > rows {
		s.rows = all.Slice(rows, samples)
	}
	if angles > samples {
		p.Dropout.Rows = all.Slice(samples, angles).Reshape(n, 2)
	}
	if half := (len(words) - angles) / 2; half > 0 {
		s.cos = all.Slice(angles, angles+half).As(tensor.F32, n, half/n)
		s.sin = all.Slice(angles+half, len(words)).As(tensor.F32, n, half/n)
	}
	return s
}

// appendPositions appends the position of each token, counted from first.
func (b *Batch) appendPositions(words []int32, first int) []int32 {
	for _, seg := range b.Segments {
		for j := range seg.Len {
			words = append(words, int32(first+seg.PrefixLen+j))
		}
	}
	return words
}

// appendSamples appends what dropout depends on: sample and position of each token.
func (b *Batch) appendSamples(words []int32) []int32 {
	for i, seg := range b.Segments {
		sample := int32(i)
		if b.Samples != nil {
			sample = b.Samples[i]
		}
		for j := range seg.Len {
			words = append(words, sample, int32(seg.PrefixLen+j))
		}
	}
	return words
}

// appendAngles appends the cosines of all tokens' angles and then the sines, [N R/2]
// each, as the bits of a float32.
func (b *Batch) appendAngles(words []int32, rope nn.RoPE) []int32 {
	n := len(b.Tokens)
	cos, sin := make([]float64, 0, n*rope.Dim/2), make([]float64, 0, n*rope.Dim/2)
	for _, seg := range b.Segments {
		inv := rope.InverseFrequencies(seg.PrefixLen + seg.Len)
		for j := range seg.Len {
			cos, sin = nn.Angles(cos, sin, seg.PrefixLen+j, inv)
		}
	}
	for _, values := range [...][]float64{cos, sin} {
		for _, v := range values {
			words = append(words, int32(math.Float32bits(float32(v))))
		}
	}
	return words
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
// keys. H and G are what the widths say: a block may have fewer heads than its model.
func (pl Place) Attend(p *autograd.Pass, scale float64, q, k, v autograd.Var) autograd.Var {
	return pl.attend(p, scale, q, k, v, nil)
}

// attend is Attend for a block that has some of its layer's heads left, nil for all.
func (pl Place) attend(p *autograd.Pass, scale float64, q, k, v autograd.Var, heads []int) autograd.Var {
	shape := pl.shapeOf(q.T.Cols(), k.T.Cols(), heads)
	if pl.Store {
		for i, seg := range pl.Segments {
			if c := pl.Caches[i]; c != nil {
				c.write(p.Backend, pl.index, seg, k.T, v.T)
			}
		}
	}
	if !pl.prefixed {
		return p.Attention(q, k, v, shape, scale, nil)
	}
	for i := range pl.Segments {
		pl.prefix[i] = kernels.KV{}
		if c := pl.Caches[i]; c != nil {
			pl.prefix[i] = c.at(pl.index)
		}
	}
	return p.Attention(q, k, v, shape, scale, pl.prefix)
}

// shapeOf returns the geometry of a block whose queries and keys are so wide.
func (s *Stream) shapeOf(q, kv int, heads []int) *autograd.AttentionShape {
	shape := s.shape
	shape.Heads, shape.KVHeads = q/shape.HeadDim, kv/shape.HeadDim
	if shape.Heads == s.shape.Heads && shape.KVHeads == s.shape.KVHeads {
		return &s.shape
	}
	if s.shape.Slopes != nil {
		if len(heads) != shape.Heads {
			panic(fmt.Sprintf("transformer: Attend: %d heads of %d, and %d numbers of them: see KeepHeads", shape.Heads, s.shape.Heads, len(heads)))
		}
		shape.Slopes = make([]float64, len(heads))
		for i, h := range heads {
			shape.Slopes[i] = s.shape.Slopes[h]
		}
	}
	return &shape
}

// KVStore is memory for the keys and values of several sequences: for each place
// of a decoder two tensors [rows G·K], none for a map. It holds it until Close.
type KVStore struct {
	memory tensor.Tensor // what places are slices of
	places []kernels.KV
	rows   int
	used   int
}

// NewKVStore makes room for rows positions in all, at every place of d as it
// stands now. The error is that of memory.
func (d *Decoder) NewKVStore(dev tensor.Device, rows int) (*KVStore, error) {
	s := &KVStore{rows: rows, places: make([]kernels.KV, len(d.Blocks))}
	var err error
	s.memory, err = tensor.New(dev, tensor.F32, 2*rows*d.kvWidth())
	if err != nil {
		return nil, fmt.Errorf("keys and values of %d positions: %w", rows, err)
	}
	first := 0
	next := func(width int) tensor.Tensor {
		first += rows * width
		return s.memory.Slice(first-rows*width, first).Reshape(rows, width)
	}
	for i, b := range d.Blocks {
		if width := d.Config.kvWidth(b); width > 0 {
			s.places[i] = kernels.KV{K: next(width), V: next(width)}
		}
	}
	return s, nil
}

// kvWidth returns the widths of the keys of all places together.
func (d *Decoder) kvWidth() (sum int) {
	for _, b := range d.Blocks {
		sum += d.Config.kvWidth(b)
	}
	return sum
}

// Close gives the memory back. The caches of the store are invalid then. A nil store
// is closed already.
func (s *KVStore) Close() {
	if s != nil {
		s.memory.Free()
		*s = KVStore{}
	}
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
