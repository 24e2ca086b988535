package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// An AddedToken is a token that is cut out of the text before anything else
// happens to it, so that it always becomes its id.
type AddedToken struct {
	ID         int32
	Content    string
	SingleWord bool // only where no word character touches it
	LStrip     bool // takes white space on its left with it
	RStrip     bool // takes white space on its right with it
	Normalized bool // looked for in the normalized text
	Special    bool // left out by Decode with skipSpecial
}

// trie finds the added tokens of a text: leftmost first, then the longest.
type trie struct {
	first [256]bool        // bytes some token starts with
	only  byte             // that byte if there is just one
	one   bool             //
	edges map[uint64]int32 // node<<8 | byte → node
	final map[int32]int    // node → index in tokens
	token []AddedToken
}

func newTrie() *trie {
	return &trie{edges: map[uint64]int32{}, final: map[int32]int{}}
}

// add enters a token under the given spelling; the first of two equal ones
// counts, an empty one is left out.
func (t *trie) add(spelling string, token AddedToken) {
	if spelling == "" {
		return
	}
	at := int32(0)
	for i := range len(spelling) {
		edge := uint64(at)<<8 | uint64(spelling[i])
		next, ok := t.edges[edge]
		if !ok {
			next = int32(len(t.edges)) + 1
			t.edges[edge] = next
		}
		at = next
	}
	if _, dup := t.final[at]; !dup {
		t.final[at] = len(t.token)
		t.token = append(t.token, token)
	}
	if c := spelling[0]; !t.first[c] {
		t.one = len(t.token) == 1
		t.only, t.first[c] = c, true
	}
}

// find returns the next token at or after s[from:].
func (t *trie) find(s string, from int) (start, end int, token *AddedToken) {
	for i := from; i < len(s); i++ {
		if t.one {
			skip := strings.IndexByte(s[i:], t.only)
			if skip < 0 {
				break
			}
			i += skip
		} else if !t.first[s[i]] {
			continue
		}
		at := int32(0)
		for j := i; j < len(s); j++ {
			next, ok := t.edges[uint64(at)<<8|uint64(s[j])]
			if !ok {
				break
			}
			at = next
			if k, ok := t.final[at]; ok {
				end, token = j+1, &t.token[k]
			}
		}
		if token != nil {
			return i, end, token
		}
	}
	return len(s), len(s), nil
}

// cut calls between for every stretch of p without an added token and found
// for every token, in order (tokenizers, added_vocabulary.rs: find_matches).
func (t *trie) cut(p piece, between func(piece), found func(id int32, p piece)) {
	if len(t.token) == 0 {
		between(p)
		return
	}
	s, done := p.text, 0
	for from := 0; ; {
		start, end, token := t.find(s, from)
		if token == nil {
			break
		}
		from = end
		if token.SingleWord && (endsInWord(s[:start]) || startsWithWord(s[end:])) {
			continue
		}
		if token.LStrip {
			// Spaces an earlier token took stay with it.
			start = max(len(strings.TrimRightFunc(s[:start], unicode.IsSpace)), done)
		}
		if token.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
		}
		if done < start {
			between(p.slice(done, start))
		}
		found(token.ID, p.slice(start, end))
		done = end
	}
	if done < len(s) {
		between(p.slice(done, len(s)))
	}
}

func startsWithWord(s string) bool {
	r, w := utf8.DecodeRuneInString(s)
	return w > 0 && isWord(r)
}

func endsInWord(s string) bool {
	r, w := utf8.DecodeLastRuneInString(s)
	return w > 0 && isWord(r)
}

// isWord is \w of the Rust regex crate (UTS 18: alphabetic, mark, decimal
// digit, connector punctuation, join control).
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) || unicode.Is(unicode.Nl, r) ||
		unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Other_Alphabetic, r) || r == 0x200c || r == 0x200d
}
