package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Span is a stretch of a text, from character From up to character To. It
// counts characters (code points), not bytes: []rune(text)[From:To].
type Span struct{ From, To int }

// EncodeOffsets returns the ids that Encode returns and for each the stretch
// of text it stands for, as the reference's offset_mapping: tokens of the
// template have Span{}; what a normalizer or pre-tokenizer added stands for
// the character beside it; tokens of one byte stand for the whole character.
// In a text that is no UTF-8 each maximal ill-formed part counts as one
// character. The error is a [*PatternError].
func (t *Tokenizer) EncodeOffsets(text string, addSpecial bool) (ids []int32, spans []Span, err error) {
	defer rescue(&err)
	var c collector
	text = replaceInvalid(text)
	t.cutAll(whole(text, true), func(p piece) { c.word(t.model, p) }, c.added)
	toCharacters(text, c.spans)
	for _, prefix := range t.template.trims {
		t.trim(&c, prefix)
	}
	if !addSpecial {
		return c.ids, c.spans, nil
	}
	before, after := t.template.before, t.template.after
	spans = make([]Span, len(before)+len(c.ids)+len(after))
	copy(spans[len(before):], c.spans)
	return slices.Concat(before, c.ids, after), spans, nil
}

// A collector gathers the tokens of one text.
type collector struct {
	ids   []int32
	spans []Span
	found map[int]string // added tokens by place in ids, as the text has them
	ws    workspace
	sizes []int32
}

func (c *collector) added(id int32, p piece) {
	if c.found == nil {
		c.found = map[int]string{}
	}
	c.found[len(c.ids)] = p.text
	c.ids = append(c.ids, id)
	c.spans = append(c.spans, p.extent(0, len(p.text)))
}

func (c *collector) word(m *bpe, p piece) {
	c.ids, c.sizes = m.encodeSized(c.ids, c.sizes[:0], p.text, &c.ws)
	at := 0
	for _, size := range c.sizes {
		c.spans = append(c.spans, p.extent(at, at+int(size)))
		at += int(size)
	}
}

// extent returns the bytes of the text as it came that the bytes from to to
// of p stand for.
func (p piece) extent(from, to int) Span {
	if from >= to {
		return Span{}
	}
	stands := p.stands()
	return Span{int(stands[from].from), int(stands[to-1].to)}
}

// toCharacters turns spans of bytes of text into spans of characters.
func toCharacters(text string, spans []Span) {
	if utf8.RuneCountInString(text) == len(text) {
		return
	}
	count := make([]int32, len(text)+1)
	n := int32(0)
	for i := range len(text) {
		if utf8.RuneStart(text[i]) {
			n++
		}
		count[i+1] = n
	}
	for i, s := range spans {
		spans[i] = Span{int(count[s.From]), int(count[s.To])}
	}
}

// trim takes the spaces at both ends of the tokens out of their spans
// (tokenizers, byte_level.rs: process_offsets). With prefix one space at the
// start of the text stays: it was put there.
func (t *Tokenizer) trim(c *collector, prefix bool) {
	for i, id := range c.ids {
		token, ok := c.found[i]
		if !ok {
			token = t.tokens[id]
		}
		s := &c.spans[i]
		left := utf8.RuneCountInString(token) - utf8.RuneCountInString(strings.TrimLeftFunc(token, isBlank))
		right := utf8.RuneCountInString(token) - utf8.RuneCountInString(strings.TrimRightFunc(token, isBlank))
		if prefix && left == 1 && (i == 0 || s.From == 0) {
			left = 0
		}
		s.From = min(s.From+left, s.To)
		if s.To >= right {
			s.To = max(s.To-right, s.From)
		}
	}
}

// isBlank reports whether r is white space or the byte-level spelling of a
// space.
func isBlank(r rune) bool { return r == 'Ġ' || unicode.IsSpace(r) }
