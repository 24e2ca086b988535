package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"lamina/internal/cases"
)

// longTexts are texts of n bytes without a place to cut, or full of places
// where cutting might be tried again and again.
func longTexts(n int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, n/len(s)+1)[:n/len(s)*len(s)] }
	state := uint64(5)
	letters := make([]byte, n)
	for i := range letters {
		state = state*6364136223846793005 + 1442695040888963407
		letters[i] = 'a' + byte((state>>33)%26)
	}
	return map[string]string{
		"one letter":     fill("a"),
		"random letters": string(letters),
		"spaces":         fill(" ") + "x",
		"lines":          fill(" \n"),
		"digits":         fill("1234567890"),
		"marks":          "a" + fill("\u0323\u0301"),
		"composed":       fill("é\u0323"),
		"other":          fill("!?"),
		"unknown":        fill("\u0f03"),
		"nearly a token": fill("<|endoftext|"),
		"nearly a run":   fill(strings.Repeat("x", 5000) + "y"),
	}
}

// longFamily returns a family's tokenizer that also has a long added token.
func longFamily(t testing.TB, f *families, name string) *Tokenizer {
	t.Helper()
	family := f.Families[name]
	tok, err := FromJSON(patched(t, family.Base, family.Patch))
	if err != nil {
		t.Fatal(err)
	}
	s := *tok.spec
	s.addTokens([]AddedToken{{Content: strings.Repeat("x", 5000) + "z"}, {Content: strings.Repeat("a", 3000) + "b", Special: true}})
	long, err := s.build()
	if err != nil {
		t.Fatal(err)
	}
	return long
}

// TestWorkIsLinear: four times the text is four times the work, counted in
// candidates for a merge, nodes tried for added tokens, and bytes handed to
// the model.
func TestWorkIsLinear(t *testing.T) {
	f, _ := readFamilies(t)
	const small = 1 << 15
	texts, larger := longTexts(small), longTexts(4*small)
	for _, name := range pipelines {
		tok := longFamily(t, f, name)
		for kind, text := range texts {
			once, four := workOf(tok, text), workOf(tok, larger[kind])
			for i, what := range []string{"merge candidates", "nodes of added tokens", "bytes for the model"} {
				if four[i] > 5*once[i]+1000 || once[i] > 8*len(text) {
					t.Errorf("%s, %s: %d %s for %d bytes, %d for %d", name, kind, once[i], what, len(text), four[i], len(larger[kind]))
				}
			}
		}
	}
}

func workOf(tok *Tokenizer, text string) (work [3]int) {
	ws := &workspace{}
	tok.cutAll(whole(text, false), func(p piece) {
		work[2] += len(p.text)
		tok.model.encode(nil, p.text, ws)
	}, func(int32, piece) {})
	work[0] = ws.taken
	for _, trie := range []*trie{tok.verbatim, tok.normalized} {
		for from := 0; from < len(text); {
			_, end, _, tried := trie.find(text, from)
			work[1] += tried
			from = end
		}
	}
	return work
}

// pipelines are the families that differ in what they do to a long text.
var pipelines = []string{"bloom", "gpt2", "llama2", "llama3", "mistral-0.3", "qwen2", "smollm2"}

// TestLongTexts: a quarter of a megabyte through every pipeline, ids and offsets;
// anything quadratic in it would not come to an end.
func TestLongTexts(t *testing.T) {
	f, _ := readFamilies(t)
	size := 1 << 18
	if cases.Few() {
		size = 1 << 14
	}
	texts := longTexts(size)
	for _, name := range pipelines {
		tok := longFamily(t, f, name)
		for kind, text := range texts {
			ids := tok.Encode(text, true)
			other, spans, err := tok.EncodeOffsets(text, true)
			if err != nil || !slices.Equal(ids, other) || len(spans) != len(ids) {
				t.Errorf("%s, %s: EncodeOffsets gives %d ids and %d spans, %v; Encode %d", name, kind, len(other), len(spans), err, len(ids))
			}
			tok.Decode(ids, true)
		}
	}
}

// BenchmarkLongTexts prints the speed on ten megabytes of each kind.
func BenchmarkLongTexts(b *testing.B) {
	f, _ := readFamilies(b)
	texts := longTexts(10 << 20)
	for _, name := range pipelines {
		tok := longFamily(b, f, name)
		for _, kind := range slices.Sorted(maps.Keys(texts)) {
			b.Run(fmt.Sprintf("%s/%s", name, strings.ReplaceAll(kind, " ", "-")), func(b *testing.B) {
				b.SetBytes(int64(len(texts[kind])))
				for b.Loop() {
					tok.Encode(texts[kind], true)
				}
			})
		}
	}
}
