package tokenizer

import (
	"cmp"
	"maps"
	"slices"
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

// trie finds the added tokens of a text: leftmost first, then the longest. It
// is the automaton of Aho and Corasick 1975, so that a text full of beginnings
// of tokens is gone through once.
type trie struct {
	first [256]bool        // bytes some token starts with
	only  byte             // that byte if there is just one
	one   bool             //
	edges map[uint64]int32 // node<<8 | byte → node
	nodes []trieNode
	token []AddedToken

	splits bool // special tokens written in a text are text (split_special_tokens)
}

// trieNode is a beginning of a token; node 0 is the empty one.
type trieNode struct {
	depth int32 // its length
	token int32 // the token that it is, -1 for none
	back  int32 // the longest other node that it ends with
	found int32 // the longest node with a token that it is or ends with, 0 for none
}

// newTrie enters tokens under their spellings; the first of two equal
// spellings counts, an empty one is left out.
func newTrie(spellings []string, tokens []AddedToken) *trie {
	t := &trie{edges: map[uint64]int32{}, nodes: []trieNode{{token: -1}}}
	for i, spelling := range spellings {
		if spelling == "" {
			continue
		}
		at := int32(0)
		for j := range len(spelling) {
			edge := uint64(at)<<8 | uint64(spelling[j])
			next, ok := t.edges[edge]
			if !ok {
				next = int32(len(t.nodes))
				t.edges[edge] = next
				t.nodes = append(t.nodes, trieNode{depth: int32(j) + 1, token: -1})
			}
			at = next
		}
		if t.nodes[at].token < 0 {
			t.nodes[at].token = int32(len(t.token))
			t.token = append(t.token, tokens[i])
		}
		if c := spelling[0]; !t.first[c] {
			t.one = len(t.token) == 1
			t.only, t.first[c] = c, true
		}
	}
	t.link()
	return t
}

// link fills back and found, shorter nodes first.
func (t *trie) link() {
	edges := slices.Collect(maps.Keys(t.edges))
	slices.SortFunc(edges, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(t.nodes[a>>8].depth, t.nodes[b>>8].depth), cmp.Compare(a, b))
	})
	for _, edge := range edges {
		at := t.edges[edge]
		n := &t.nodes[at]
		if from := int32(edge >> 8); from != 0 {
			n.back, _ = t.next(t.nodes[from].back, byte(edge))
		}
		n.found = t.nodes[n.back].found
		if n.token >= 0 {
			n.found = at
		}
	}
}

// next returns the longest node that node at and the byte c after it end with,
// and how many nodes were tried.
func (t *trie) next(at int32, c byte) (node int32, tried int) {
	for {
		tried++
		if to, ok := t.edges[uint64(at)<<8|uint64(c)]; ok {
			return to, tried
		}
		if at == 0 {
			return 0, tried
		}
		at = t.nodes[at].back
	}
}

// find returns the next token at or after s[from:], nil for none, and how many
// nodes were tried.
func (t *trie) find(s string, from int) (start, end int, token *AddedToken, tried int) {
	start, end = len(s), len(s)
	at := int32(0)
	for i := from; i < len(s); i++ {
		if at == 0 {
			if t.one {
				skip := strings.IndexByte(s[i:], t.only)
				if skip < 0 {
					break
				}
				i += skip
			} else if !t.first[s[i]] {
				continue
			}
		}
		var n int
		at, n = t.next(at, s[i])
		tried += n
		node := &t.nodes[at]
		if token != nil && i+1-int(node.depth) > start {
			break // what goes on here begins after the token found
		}
		if f := t.nodes[node.found]; f.token >= 0 && i+1-int(f.depth) <= start {
			start, end, token = i+1-int(f.depth), i+1, &t.token[f.token]
		}
	}
	return start, end, token, tried
}

// cut calls between for every stretch of p without an added token and found
// for every token, in order (tokenizers, added_vocabulary.rs: find_matches).
func (t *trie) cut(p piece, between func(piece), found func(id int32, p piece)) {
	if len(t.token) == 0 {
		between(p)
		return
	}
	s, done := p.text, 0
	blank := span{} // white space that was looked through
	for from := 0; ; {
		start, end, token, _ := t.find(s, from)
		if token == nil {
			break
		}
		from = end
		if t.splits && token.Special {
			continue
		}
		if token.SingleWord && (endsInWord(s[:start]) || startsWithWord(s[end:])) {
			continue
		}
		if token.LStrip {
			// Spaces an earlier token took stay with it.
			start = done + len(strings.TrimRightFunc(s[done:max(start, done)], unicode.IsSpace))
		}
		if token.RStrip {
			if at := int32(end); at < blank.from || at > blank.to {
				blank = span{at, int32(len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace)))}
			}
			end = int(blank.to)
		}
		if start >= end {
			continue // of white space alone, and an earlier token took it
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
