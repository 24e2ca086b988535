package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A merge is what a pair of neighbouring tokens becomes; lower ranks go first.
type merge struct{ rank, id int32 }

func pairOf(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// bpe turns one word into ids: its characters (or bytes) become tokens, then
// the pair of lowest rank, leftmost first, is merged until no pair has a rank
// (Sennrich et al. 2016, algorithm 1; ties and unknown characters as in
// tokenizers, models/bpe).
type bpe struct {
	vocab  map[string]int32
	merges map[uint64]merge
	runeID map[rune]int32 // tokens of one rune

	// raw: words arrive as plain bytes and byteID holds the token of each,
	// instead of arriving spelled in the byte-level alphabet.
	raw    bool
	byteID [256]int32

	byteFallback bool
	fallbackID   [256]int32 // <0x00> … <0xFF>, -1 where absent
	unk          int32      // -1: none, unknown characters vanish
	fuseUnk      bool
	ignoreMerges bool
	whole        map[string]int32 // for ignoreMerges: tokens as words arrive

	// joints: pairs of runes that stand side by side inside some merge's
	// result. Between two known runes that are no such pair no merge ever
	// reaches across, so a long text without a pre-tokenizer falls apart
	// into short words.
	joints map[uint64]struct{}
}

// symbol is a place of the word being merged; id -1 marks one absorbed by
// its left neighbour.
type symbol struct{ id, prev, next int32 }

// candidate is a possible merge of the symbol at pos with its right one.
type candidate struct{ rank, pos, id int32 }

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

// span is a cached word's place in workspace.arena.
type span struct{ from, to int32 }

// workspace is the memory of one Encode call; a Tokenizer keeps a pool.
type workspace struct {
	ids, ranks []int32
	symbols    []symbol
	heap       []candidate
	cache      map[string]span
	arena      []int32
	taken      int // candidates taken from heaps so far: linear_test.go counts them
}

const (
	cachedWords    = 1 << 15 // words kept, then the cache starts anew
	cachedIDs      = 1 << 18 // ids kept over all words
	cachedWordSize = 64      // bytes; longer words are merged each time
	shortWord      = 48      // tokens; longer words are merged with a heap
	keptSymbols    = 1 << 14 // workspace larger than this goes back to Go
)

// encode appends the ids of one word to dst.
func (m *bpe) encode(dst []int32, word string, ws *workspace) []int32 {
	if word == "" {
		return dst
	}
	if m.ignoreMerges {
		if id, ok := m.whole[word]; ok {
			return append(dst, id)
		}
	}
	if m.joints == nil {
		return m.encodeCached(dst, word, ws)
	}
	from, left := 0, rune(-1) // left: the rune before i if it is known
	for i, r := range word {
		if _, known := m.runeID[r]; !known {
			left = -1
			continue
		}
		if left >= 0 {
			if _, joint := m.joints[pairOf(left, r)]; !joint {
				dst = m.encodeCached(dst, word[from:i], ws)
				from = i
			}
		}
		left = r
	}
	return m.encodeCached(dst, word[from:], ws)
}

func (m *bpe) encodeCached(dst []int32, word string, ws *workspace) []int32 {
	if len(word) > cachedWordSize {
		return m.encodeWord(dst, word, ws)
	}
	if at, ok := ws.cache[word]; ok {
		return append(dst, ws.arena[at.from:at.to]...)
	}
	from := len(dst)
	dst = m.encodeWord(dst, word, ws)
	if ws.cache == nil || len(ws.cache) >= cachedWords || len(ws.arena) >= cachedIDs {
		ws.cache, ws.arena = map[string]span{}, ws.arena[:0]
	}
	at := int32(len(ws.arena))
	ws.arena = append(ws.arena, dst[from:]...)
	// The key is a copy: a substring would keep the whole text alive.
	ws.cache[strings.Clone(word)] = span{at, int32(len(ws.arena))}
	return dst
}

func (m *bpe) encodeWord(dst []int32, word string, ws *workspace) []int32 {
	p := parts{ids: slices.Grow(ws.ids[:0], len(word))}
	m.part(&p, word)
	ids := p.ids
	if len(ids) <= shortWord {
		ids = m.mergeShort(ids, ws)
		dst = append(dst, ids...)
	} else {
		dst = m.mergeLong(dst, ids, ws)
	}
	ws.keep(ids)
	return dst
}

// keep keeps the memory of a word for the next one unless it is large.
func (ws *workspace) keep(ids []int32) {
	if cap(ids) > keptSymbols {
		ids, ws.symbols, ws.heap = nil, nil, nil
	}
	ws.ids = ids[:0]
}

// encodeSized is encode that also appends to sizes how many bytes of the word
// each id stands for. Characters without a token are counted to nobody, so
// that what follows them moves to the left, as in the reference.
func (m *bpe) encodeSized(dst, sizes []int32, word string, ws *workspace) (ids, allSizes []int32) {
	if word == "" {
		return dst, sizes
	}
	if m.ignoreMerges {
		if id, ok := m.whole[word]; ok {
			return append(dst, id), append(sizes, int32(len(word)))
		}
	}
	p := parts{ids: slices.Grow(ws.ids[:0], len(word)), sizes: ws.ranks[:0], sized: true}
	m.part(&p, word)
	dst = m.mergeLong(dst, p.ids, ws)
	for i, size := range p.sizes {
		if i == 0 || ws.symbols[i].id >= 0 {
			sizes = append(sizes, 0)
		}
		sizes[len(sizes)-1] += size
	}
	ws.ranks = p.sizes[:0]
	ws.keep(p.ids)
	return dst, sizes
}

// parts are the tokens a word is made of before merging; sizes, where asked
// for, are the bytes of the word that each takes.
type parts struct {
	ids, sizes []int32
	sized      bool
}

func (p *parts) add(id int32, size int) {
	p.ids = append(p.ids, id)
	if p.sized {
		p.sizes = append(p.sizes, int32(size))
	}
}

// part appends the tokens of the bytes or the characters of word.
func (m *bpe) part(p *parts, word string) {
	if !m.raw {
		m.characters(p, word)
		return
	}
	for i := range len(word) {
		if id := m.byteID[word[i]]; id >= 0 {
			p.add(id, 1)
		}
	}
}

// characters appends the token of every rune: its own, else those of its
// bytes, else unk. A pending unk waits for the next known rune, as in the
// reference, so that neighbours can fuse.
func (m *bpe) characters(p *parts, word string) {
	pending := 0 // bytes
	for i, r := range word {
		if id, ok := m.runeID[r]; ok {
			if pending > 0 {
				p.add(m.unk, pending)
				pending = 0
			}
			p.add(id, utf8.RuneLen(r))
			continue
		}
		if m.byteFallback && m.fallback(p, word[i:i+utf8.RuneLen(r)]) {
			continue
		}
		if m.unk >= 0 {
			if pending > 0 && !m.fuseUnk {
				p.add(m.unk, pending)
				pending = 0
			}
			pending += utf8.RuneLen(r)
		}
	}
	if pending > 0 {
		p.add(m.unk, pending)
	}
}

// fallback appends the byte tokens of one character unless one is missing.
func (m *bpe) fallback(p *parts, char string) bool {
	for i := range len(char) {
		if m.fallbackID[char[i]] < 0 {
			return false
		}
	}
	for i := range len(char) {
		p.add(m.fallbackID[char[i]], 1)
	}
	return true
}

// mergeShort merges in place, looking for the best pair by a scan; that is
// quadratic but quick for the few tokens of a usual word.
func (m *bpe) mergeShort(ids []int32, ws *workspace) []int32 {
	const none = int32(1<<31 - 1)
	ranks := ws.ranks[:0]
	rank := func(i int) int32 {
		if i+1 < len(ids) {
			if mg, ok := m.merges[pairOf(ids[i], ids[i+1])]; ok {
				return mg.rank
			}
		}
		return none
	}
	for i := range ids {
		ranks = append(ranks, rank(i))
	}
	for {
		at, best := -1, none
		for i, r := range ranks {
			if r < best {
				at, best = i, r
			}
		}
		if at < 0 {
			ws.ranks = ranks
			return ids
		}
		ids[at] = m.merges[pairOf(ids[at], ids[at+1])].id
		ids = append(ids[:at+1], ids[at+2:]...)
		ranks = append(ranks[:at+1], ranks[at+2:]...)
		ranks[at] = rank(at)
		if at > 0 {
			ranks[at-1] = rank(at - 1)
		}
	}
}

// mergeLong merges with a linked list and a heap, n log n in the length.
func (m *bpe) mergeLong(dst, ids []int32, ws *workspace) []int32 {
	n := int32(len(ids))
	syms, heap := slices.Grow(ws.symbols[:0], len(ids)), slices.Grow(ws.heap[:0], len(ids))
	for i, id := range ids {
		next := int32(i) + 1
		if next == n {
			next = -1
		}
		syms = append(syms, symbol{id, int32(i) - 1, next})
	}
	propose := func(pos int32) {
		if pos < 0 || syms[pos].next < 0 {
			return
		}
		if mg, ok := m.merges[pairOf(syms[pos].id, syms[syms[pos].next].id)]; ok {
			heap = push(heap, candidate{mg.rank, pos, mg.id})
		}
	}
	for i := range n {
		propose(i)
	}
	for len(heap) > 0 {
		var top candidate
		top, heap = pop(heap)
		ws.taken++
		sym := &syms[top.pos]
		if sym.id < 0 || sym.next < 0 {
			continue
		}
		right := &syms[sym.next]
		if mg, ok := m.merges[pairOf(sym.id, right.id)]; !ok || mg.id != top.id {
			continue // proposed before a neighbour changed
		}
		sym.id, right.id, sym.next = top.id, -1, right.next
		if sym.next >= 0 {
			syms[sym.next].prev = top.pos
		}
		propose(sym.prev)
		propose(top.pos)
	}
	for i := int32(0); i >= 0 && i < n; i = syms[i].next {
		dst = append(dst, syms[i].id)
	}
	ws.symbols, ws.heap = syms, heap
	return dst
}

func push(h []candidate, c candidate) []candidate {
	h = append(h, c)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(h[up]) {
			break
		}
		h[i], i = h[up], up
	}
	h[i] = c
	return h
}

func pop(h []candidate) (candidate, []candidate) {
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for 2*i+1 < len(h) {
		down := 2*i + 1
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(last) {
			break
		}
		h[i], i = h[down], down
	}
	if len(h) > 0 {
		h[i] = last
	}
	return top, h
}
