package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// A spec is everything a tokenizer.json says, checked only as JSON: the five
// components as they stand in the file and the tables. Every loader makes
// one, build makes the Tokenizer of it, WriteJSON writes it back.
type spec struct {
	normalizer, preTokenizer, postProcessor, decoder string // JSON, "" for null

	vocab        map[string]int32
	merges       [][2]string
	byteFallback bool
	unk          string
	fuseUnk      bool
	ignoreMerges bool
	added        []AddedToken
}

const (
	maxVocab     = 1 << 20 // tokens: four times the largest published vocabulary
	maxMerges    = 2 << 20
	maxAddedSize = 1 << 19 // bytes of all added tokens: published files have a tenth
	maxComponent = 1 << 20 // bytes
	maxWarnings  = 16
	maxTokenSize = 64 << 10 // bytes of one token
)

// component parses one component's JSON text.
func component(name, text string) (field, error) {
	f := field{path: name}
	if text == "" {
		return f, nil
	}
	if len(text) > maxComponent {
		return f, fmt.Errorf("%s: %d bytes, at most %d are taken", name, len(text), maxComponent)
	}
	n, err := parseJSON([]byte(text))
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	f.Node = n
	return f, checkGrowth(f)
}

func (s *spec) build() (*Tokenizer, error) {
	t := &Tokenizer{spec: s, ids: make(map[string]int32, len(s.vocab)), pool: &sync.Pool{New: func() any { return &workspace{} }}}
	if err := t.number(); err != nil {
		return nil, err
	}
	var pre preTokens
	for _, part := range []struct {
		name, text string
		parse      func(f field) error
	}{
		{"normalizer", s.normalizer, func(f field) (err error) { t.normalize, err = parseNormalizer(f, 0); return }},
		{"pre_tokenizer", s.preTokenizer, func(f field) (err error) { pre, err = parsePreTokenizer(f, 0); return }},
		{"post_processor", s.postProcessor, t.setTemplate},
		{"decoder", s.decoder, func(f field) (err error) { t.decode, err = parseDecoder(f, 0); return }},
	} {
		f, err := component(part.name, part.text)
		if err != nil {
			return nil, err
		}
		if err := part.parse(f); err != nil {
			return nil, err
		}
	}
	var err error
	if t.model, err = newBPE(s, pre.lastBytes); err != nil {
		return nil, err
	}
	t.cut = pre.cut
	if !t.model.raw {
		t.cut = pre.spelled()
	}
	return t, t.addTries()
}

func (t *Tokenizer) setTemplate(f field) (err error) {
	if t.template, err = parsePost(f, 0); err != nil {
		return err
	}
	for _, id := range slices.Concat(t.template.before, t.template.after) {
		if int(id) >= len(t.used) || !t.used[id] {
			return f.errorf("id %d is no token", id)
		}
	}
	return nil
}

// number fills the tables id → token and token → id of the vocabulary and
// the added tokens, and refuses ids that are taken, negative or far apart.
func (t *Tokenizer) number() error {
	s := t.spec
	last := int32(-1)
	for token, id := range s.vocab {
		if id < 0 || id > maxID {
			return fmt.Errorf("model.vocab: token %s: id %d is outside 0 to %d", quote(token), id, maxID)
		}
		if len(token) > maxTokenSize || !utf8.ValidString(token) {
			return fmt.Errorf("model.vocab: token %s: no utf-8, or longer than %d bytes", quote(token), maxTokenSize)
		}
		last = max(last, id)
	}
	for i, a := range s.added {
		if a.ID < 0 || a.ID > maxID || a.Content == "" || len(a.Content) > maxTokenSize || !utf8.ValidString(a.Content) {
			return fmt.Errorf("added_tokens[%d]: token %s: bad id %d or content", i, quote(a.Content), a.ID)
		}
		last = max(last, a.ID)
	}
	if entries := len(s.vocab) + len(s.added); int(last) > 2*entries+1<<16 {
		return fmt.Errorf("model.vocab: id %d with only %d tokens: ids too far apart", last, entries)
	}
	t.tokens = make([]string, last+1)
	t.used = make([]bool, last+1)
	for token, id := range s.vocab {
		if t.used[id] {
			return fmt.Errorf("model.vocab: id %d: two tokens, %s and %s", id, quote(t.tokens[id]), quote(token))
		}
		t.tokens[id], t.used[id], t.ids[token] = token, true, id
	}
	t.special = map[int32]bool{}
	highest := int32(len(s.vocab)) - 1
	for i, a := range s.added {
		next := highest + 1
		switch moved := !in(s.vocab, a.Content) && a.ID != next; {
		case moved && len(t.warnings) == maxWarnings:
			t.warnings = append(t.warnings, "added_tokens: and further ones")
		case moved && len(t.warnings) < maxWarnings:
			t.warnings = append(t.warnings, fmt.Sprintf("added_tokens[%d]: token %s has id %d, which is taken; transformers numbers tokens "+
				"as they stand in the file and makes it %d (sort added_tokens by id, without gaps)", i, quote(a.Content), a.ID, next))
		}
		highest = max(highest, a.ID)
		if have, known := t.ids[a.Content]; known && have != a.ID || !known && t.used[a.ID] {
			return fmt.Errorf("added_tokens[%d]: token %s: id %d does not agree with the vocabulary", i, quote(a.Content), a.ID)
		}
		t.tokens[a.ID], t.used[a.ID], t.ids[a.Content] = a.Content, true, a.ID
		if a.Special {
			t.special[a.ID] = true
		}
	}
	return nil
}

func in(vocab map[string]int32, token string) bool {
	_, ok := vocab[token]
	return ok
}

// addTries sorts the added tokens into those looked for in the text as it
// came and those looked for after normalizing, special ones first.
func (t *Tokenizer) addTries() (err error) {
	defer rescue(&err)
	size := 0
	var spellings [2][]string // looked for verbatim, and normalized
	var tokens [2][]AddedToken
	for _, special := range []bool{true, false} {
		for _, a := range t.spec.added {
			spelling, kind := a.Content, 0
			if a.Special != special {
				continue
			}
			if a.Normalized {
				if kind = 1; t.normalize != nil {
					spelling = t.normalize(whole(spelling, false)).text
				}
			}
			if size += len(spelling); size > maxAddedSize {
				return fmt.Errorf("added_tokens: more than %d bytes, all together", maxAddedSize)
			}
			spellings[kind] = append(spellings[kind], spelling)
			tokens[kind] = append(tokens[kind], a)
		}
	}
	t.verbatim, t.normalized = newTrie(spellings[0], tokens[0]), newTrie(spellings[1], tokens[1])
	return nil
}

func newBPE(s *spec, lastBytes bool) (*bpe, error) {
	m := &bpe{vocab: s.vocab, byteFallback: s.byteFallback, fuseUnk: s.fuseUnk, ignoreMerges: s.ignoreMerges, unk: -1}
	if s.unk != "" {
		id, ok := s.vocab[s.unk]
		if !ok {
			return nil, fmt.Errorf("model.unk_token: %s is not in the vocabulary", quote(s.unk))
		}
		m.unk = id
	}
	m.runeID = map[rune]int32{}
	for token, id := range s.vocab {
		if r, w := utf8.DecodeRuneInString(token); w == len(token) && w > 0 {
			m.runeID[r] = id
		}
	}
	for b := range m.fallbackID {
		m.fallbackID[b] = -1
		if id, ok := s.vocab[fmt.Sprintf("<0x%02X>", b)]; ok {
			m.fallbackID[b] = id
		}
	}
	if lastBytes {
		m.raw = true
		for b := range m.byteID {
			id, ok := m.runeID[byteToRune[b]]
			if !ok {
				id = -1
			}
			m.byteID[b] = id
			// Bytes that no UTF-8 text holds may be missing.
			m.raw = m.raw && (ok || b == 0xc0 || b == 0xc1 || b > 0xf4)
		}
	}
	if s.ignoreMerges {
		m.whole = s.vocab
		if m.raw {
			m.whole = make(map[string]int32, len(s.vocab))
			for token, id := range s.vocab {
				if raw, ok := fromByteLevel(token); ok {
					m.whole[raw] = id
				}
			}
		}
	}
	if err := m.rank(s.merges); err != nil {
		return nil, err
	}
	if !m.raw {
		m.findJoints(s)
	}
	return m, nil
}

// rank fills the table of merges. Every part and every result must be a
// token, so each merge makes a longer token and merging ends.
func (m *bpe) rank(merges [][2]string) error {
	if len(merges) > maxMerges {
		return fmt.Errorf("model.merges: %d merges, at most %d are taken", len(merges), maxMerges)
	}
	m.merges = make(map[uint64]merge, len(merges))
	for i, pair := range merges {
		var ids [3]int32
		if pair[0] == "" || pair[1] == "" {
			return fmt.Errorf("model.merges[%d]: empty part", i)
		}
		if len(pair[0])+len(pair[1]) > maxTokenSize {
			return fmt.Errorf("model.merges[%d]: result longer than %d bytes", i, maxTokenSize)
		}
		for j, token := range []string{pair[0], pair[1], pair[0] + pair[1]} {
			id, ok := m.vocab[token]
			if !ok {
				return fmt.Errorf("model.merges[%d]: token %s is not in the vocabulary", i, quote(token))
			}
			ids[j] = id
		}
		key := pairOf(ids[0], ids[1])
		if _, dup := m.merges[key]; dup {
			return fmt.Errorf("model.merges[%d]: the pair %s %s stands there twice", i, quote(pair[0]), quote(pair[1]))
		}
		m.merges[key] = merge{int32(i), ids[2]}
	}
	return nil
}

// findJoints fills joints: a merge puts the last rune of its left part beside
// the first rune of its right part.
func (m *bpe) findJoints(s *spec) {
	m.joints = make(map[uint64]struct{}, len(s.merges)/4)
	for _, pair := range s.merges {
		left, _ := utf8.DecodeLastRuneInString(pair[0])
		right, _ := utf8.DecodeRuneInString(pair[1])
		m.joints[pairOf(left, right)] = struct{}{}
	}
}

// splitMerge cuts the merge "a b" in two.
func splitMerge(line string) ([2]string, error) {
	a, b, ok := strings.Cut(line, " ")
	if !ok || strings.Contains(b, " ") {
		return [2]string{}, errors.New("want two tokens with one space between, got " + quote(line))
	}
	return [2]string{a, b}, nil
}
