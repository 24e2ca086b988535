package tokenizer

import (
	"fmt"
	"slices"
	"sync"
)

// A Tokenizer turns text into token ids and back. It does not change after
// it was made and may be used from several goroutines at once.
type Tokenizer struct {
	spec    *spec
	tokens  []string // by id; "" at holes
	used    []bool   // by id
	ids     map[string]int32
	special map[int32]bool

	verbatim, normalized *trie
	normalize            normalizer // nil: none
	cut                  cutter
	model                *bpe
	template             template
	decode               decoder
	tidy                 bool // Decode cleans up
	pool                 *sync.Pool

	roles     Roles
	further   []SpecialToken
	templates map[string]string
	limit     int // ids from here on are none of the model's; 0: no limit
	warnings  []string
}

// Roles names the tokens with a part to play; "" for none.
type Roles struct {
	BOS, EOS, Pad, Unk string
	ChatTemplate       string // Jinja text, kept and written back, not run
}

// Encode returns the ids of text. Added tokens written in the text become
// their ids. Bytes that are no UTF-8 count as U+FFFD. With addSpecial the
// template's tokens stand around the result (OPT: </s> before it; LLaMA: <s>
// before it). Characters without any token vanish where the model has
// neither byte fallback nor an unknown token, as in the reference.
//
// Encode panics with a [*PatternError] where a pattern of the tokenizer's file
// runs out of time. No pattern named in this package does so; EncodeChecked
// returns the error.
func (t *Tokenizer) Encode(text string, addSpecial bool) []int32 {
	ws := t.pool.Get().(*workspace)
	ids := make([]int32, 0, len(text)/4+8)
	if addSpecial {
		ids = append(ids, t.template.before...)
	}
	t.cutAll(whole(replaceInvalid(text), false),
		func(p piece) { ids = t.model.encode(ids, p.text, ws) },
		func(id int32, _ piece) { ids = append(ids, id) })
	if addSpecial {
		ids = append(ids, t.template.after...)
	}
	t.pool.Put(ws)
	return ids
}

// EncodeChecked is Encode that returns the error instead of a panic: for files
// of strangers. An id beyond the vocabulary of [Tokenizer.ForVocabulary] is one too.
func (t *Tokenizer) EncodeChecked(text string, addSpecial bool) (ids []int32, err error) {
	defer rescue(&err)
	ids = t.Encode(text, addSpecial)
	for _, id := range ids {
		if t.limit > 0 && int(id) >= t.limit {
			return nil, fmt.Errorf("the text %s holds %s, token %d of the tokenizer: the model has a vocabulary of %d", quote(text), quote(t.Token(id)), id, t.limit)
		}
	}
	return ids, nil
}

// ForVocabulary returns t for a model whose embedding has n rows: ids that it lacks are
// an error of EncodeChecked where a text holds one, and none before.
func (t *Tokenizer) ForVocabulary(n int) *Tokenizer {
	limited := *t
	limited.limit = n
	return &limited
}

// Warnings are what was not as it should be in the file, a line each.
func (t *Tokenizer) Warnings() []string { return t.warnings }

// cutAll does all that comes before the model: it hands the words of p to
// word and the added tokens in it to added, in order.
func (t *Tokenizer) cutAll(p piece, word func(piece), added func(id int32, p piece)) {
	t.verbatim.cut(p, func(p piece) {
		if t.normalize != nil {
			p = t.normalize(p)
		}
		t.normalized.cut(p, func(p piece) { t.cut(p, word) }, added)
	}, added)
}

// Decode returns the text of ids. Ids without a token are left out; with
// skipSpecial special tokens are too. Bytes that are no UTF-8 come out as
// U+FFFD. Where the configuration of the tokenizer says so
// (clean_up_tokenization_spaces), spaces before punctuation and abbreviations are taken
// out, as transformers' decode does.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if id < 0 || int(id) >= len(t.tokens) || !t.used[id] || skipSpecial && t.special[id] {
			continue
		}
		tokens = append(tokens, t.tokens[id])
	}
	var out []byte
	for _, s := range t.decode(tokens) {
		out = append(out, s...)
	}
	if t.tidy {
		return cleanUp(string(out))
	}
	return string(out)
}

// Tidies reports whether Decode takes out spaces before punctuation, so that the text of
// some ids is not the beginning of that of more.
func (t *Tokenizer) Tidies() bool { return t.tidy }

// VocabSize returns one more than the largest id.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// Token returns the spelling of an id in the vocabulary (bytes in the
// byte-level alphabet, ▁ for a space), "" where it has none.
func (t *Tokenizer) Token(id int32) string {
	if id < 0 || int(id) >= len(t.tokens) {
		return ""
	}
	return t.tokens[id]
}

// ID returns the id of a token spelled as Token spells it.
func (t *Tokenizer) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// BOS returns the id of the token that begins a text, if the model has one.
func (t *Tokenizer) BOS() (int32, bool) { return t.role(t.roles.BOS) }

// EOS returns the id of the token that ends a text, if the model has one.
func (t *Tokenizer) EOS() (int32, bool) { return t.role(t.roles.EOS) }

// Pad returns the id of the padding token, if the model has one.
func (t *Tokenizer) Pad() (int32, bool) { return t.role(t.roles.Pad) }

// Unk returns the id of the token for unknown text, if the model has one.
func (t *Tokenizer) Unk() (int32, bool) { return t.role(t.roles.Unk) }

func (t *Tokenizer) role(token string) (int32, bool) {
	if token == "" {
		return 0, false
	}
	return t.ID(token)
}

// Roles returns the names of the tokens with a part to play and the chat
// template.
func (t *Tokenizer) Roles() Roles { return t.roles }

// IsSpecial reports whether Decode with skipSpecial leaves id out.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.special[id] }

// Added returns the added tokens in the order of their ids.
func (t *Tokenizer) Added() []AddedToken {
	out := slices.Clone(t.spec.added)
	slices.SortFunc(out, func(a, b AddedToken) int { return int(a.ID - b.ID) })
	return out
}
