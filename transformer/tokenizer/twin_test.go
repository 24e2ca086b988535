package tokenizer

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strings"
	"testing"
)

// mergeTwin is byte-pair encoding as one would write it down: look for the
// pair of lowest rank, leftmost, and merge it, until there is none. word is in
// the spelling of the vocabulary.
func mergeTwin(s *spec, word string) []int32 {
	rank := map[[2]string]int{}
	for i, pair := range s.merges {
		rank[pair] = i
	}
	if id, ok := s.vocab[word]; ok && s.ignoreMerges {
		return []int32{id}
	}
	parts := strings.Split(word, "")
	for {
		at, best := -1, len(s.merges)
		for i := range max(0, len(parts)-1) {
			if r, ok := rank[[2]string{parts[i], parts[i+1]}]; ok && r < best {
				at, best = i, r
			}
		}
		if at < 0 {
			break
		}
		parts[at] += parts[at+1]
		parts = slices.Delete(parts, at+1, at+2)
	}
	var ids []int32
	for _, p := range parts {
		ids = append(ids, s.vocab[p])
	}
	return ids
}

// compareWithTwin encodes s as one word. The twin knows no unknown characters,
// so those are left out.
func compareWithTwin(t testing.TB, tok *Tokenizer, s string) {
	t.Helper()
	word, spelled := s, s
	if tok.model.raw {
		spelled = toByteLevel(s)
	} else {
		known := func(r rune) rune {
			if _, ok := tok.model.runeID[r]; ok {
				return r
			}
			return -1
		}
		word = strings.Map(known, s)
		spelled = word
	}
	want := mergeTwin(tok.spec, spelled)
	if word == "" {
		want = nil
	}
	for range 2 { // the second time from the cache
		ws := &workspace{}
		if got := tok.model.encode(nil, word, ws); !slices.Equal(got, want) {
			t.Fatalf("%q becomes %v, the twin has %v", word, got, want)
		}
	}
	ids, sizes := tok.model.encodeSized(nil, nil, word, &workspace{})
	total := 0
	for i, id := range ids {
		piece := word[total : total+int(sizes[i])]
		if tok.model.raw {
			piece = toByteLevel(piece)
		}
		if tok.tokens[id] != piece {
			t.Fatalf("%q: token %d is %q and stands for %q", word, i, tok.tokens[id], piece)
		}
		total += int(sizes[i])
	}
	if !slices.Equal(ids, want) || total != len(word) {
		t.Fatalf("%q with sizes becomes %v for %d of %d bytes, the twin has %v", word, ids, total, len(word), want)
	}
}

func twins(t testing.TB) []*Tokenizer {
	return []*Tokenizer{tiny(t, "byte.json"), tiny(t, "meta.json"), tiny(t, "wide_byte.json"), tiny(t, "wide_meta.json"), rawWide(t)}
}

// rawWide is wide_byte.json on plain bytes, with whole words looked up first.
func rawWide(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := FromJSON(patched(t, "wide_byte", map[string]json.RawMessage{
		"pre_tokenizer": json.RawMessage(jsonByteLevel), "model": json.RawMessage(`{"ignore_merges":true}`),
	}))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestMergesEqualTwin(t *testing.T) {
	for _, tok := range twins(t) {
		for i, s := range readGolden(t).texts() {
			if len(s) < 200 && i%3 == 0 {
				compareWithTwin(t, tok, strings.ReplaceAll(s, " ", "▁"))
			}
		}
	}
}

func FuzzMerges(f *testing.F) {
	for _, s := range []string{"the ▁the", "aaaaaaaa", "é\u0301x 12345", strings.Repeat("in the ", 20)} {
		f.Add(s)
	}
	toks := twins(f)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<10 {
			t.Skip("the twin is quadratic")
		}
		for _, tok := range toks {
			compareWithTwin(t, tok, strings.ToValidUTF8(s, "\ufffd"))
		}
	})
}

// naiveFind looks for the leftmost, then longest token by trying all.
func naiveFind(tokens []AddedToken, s string, from int) (start, end int, id int32) {
	for i := from; i < len(s); i++ {
		best := -1
		for k, a := range tokens {
			if strings.HasPrefix(s[i:], a.Content) && (best < 0 || len(a.Content) > len(tokens[best].Content)) {
				best = k
			}
		}
		if best >= 0 {
			return i, i + len(tokens[best].Content), tokens[best].ID
		}
	}
	return len(s), len(s), -1
}

// TestAddedTokensFound: the automaton against trying every token everywhere,
// over few letters so that tokens overlap and end in one another.
func TestAddedTokensFound(t *testing.T) {
	word := func(x uint64, most uint64) string {
		var w []byte
		for n := x%most + 1; n > 0; n-- {
			x = x*6364136223846793005 + 1442695040888963407
			w = append(w, "aab"[(x>>40)%3])
		}
		return string(w)
	}
	for seed := range uint64(3000) {
		var tokens []AddedToken
		var spellings []string
		for k := range seed%5 + 1 {
			w := word(bits.Reverse64(seed*31+k), 6)
			if !slices.Contains(spellings, w) {
				spellings = append(spellings, w)
				tokens = append(tokens, AddedToken{ID: int32(k), Content: w})
			}
		}
		tr, s := newTrie(spellings, tokens), word(seed+7, 40)
		for from := 0; from < len(s); {
			start, end, id := naiveFind(tokens, s, from)
			gotStart, gotEnd, token, _ := tr.find(s, from)
			if gotStart != start || gotEnd != end || (token == nil) != (id < 0) || token != nil && token.ID != id {
				t.Fatalf("tokens %q in %q from %d: found %d to %d, want %d to %d", spellings, s, from, gotStart, gotEnd, start, end)
			}
			from = end
		}
	}
}
