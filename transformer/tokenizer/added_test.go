package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestAddedTokensAgreeWithReference: ids and offsets where added tokens of every kind
// meet (testdata/added.json, made by gen_added.py). Where the reference panics, a text
// still has ids: a token of white space that an earlier one took is dropped.
func TestAddedTokensAgreeWithReference(t *testing.T) {
	data, err := os.ReadFile("testdata/added.json")
	var golden struct {
		Vocabs map[string]map[string]int32
		Cases  []struct {
			Vocab string
			Spec  map[string]any
			Texts [][3]json.RawMessage
		}
	}
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil || len(golden.Cases) < 50 {
		t.Fatalf("%d cases, %v", len(golden.Cases), err)
	}
	panicked := 0
	for i, c := range golden.Cases {
		c.Spec["model"].(map[string]any)["vocab"] = golden.Vocabs[c.Vocab]
		spec, err := json.Marshal(c.Spec)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := FromJSON(spec)
		if err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		for _, one := range c.Texts {
			var text string
			var ids []int32
			var offsets []int
			for k, to := range []any{&text, &ids, &offsets} {
				if err := json.Unmarshal(one[k], to); err != nil {
					t.Fatal(err)
				}
			}
			got, spans, err := tok.EncodeOffsets(text, false)
			var flat []int
			for _, s := range spans {
				flat = append(flat, s.From, s.To)
			}
			switch {
			case err != nil || !slices.Equal(got, tok.Encode(text, false)):
				t.Errorf("case %d: %q: %v with offsets, %v without, %v", i, text, got, tok.Encode(text, false), err)
			case ids == nil:
				panicked++
			case !slices.Equal(got, ids) || !slices.Equal(flat, offsets):
				added, _ := json.Marshal(c.Spec["added_tokens"])
				t.Errorf("case %d: %q: ids %v at %v, want %v at %v (%s)", i, text, got, flat, ids, offsets, added)
			}
		}
	}
	if panicked == 0 {
		t.Error("no text on which the reference panics")
	}
}

// TestAddedTokensThatAreNumberedOtherwise: transformers numbers new tokens in the order
// of the file; where its numbers are others than the file's, a warning names the token.
func TestAddedTokensThatAreNumberedOtherwise(t *testing.T) {
	const start = `{"model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2},"merges":[]},"added_tokens":[`
	token := func(content string, id int) string {
		return fmt.Sprintf(`{"id":%d,"content":%q,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}`, id, content)
	}
	for name, c := range map[string]struct {
		added []string
		want  []string // tokens named
	}{
		"in order":          {[]string{token("b", 1), token("<x>", 3), token("<y>", 4)}, nil},
		"of the vocabulary": {[]string{token("c", 2), token("a", 0)}, nil},
		"not sorted":        {[]string{token("<y>", 4), token("<x>", 3)}, []string{`"<y>" has id 4`, `"<x>" has id 3`}},
		"a gap":             {[]string{token("<x>", 3), token("<y>", 9), token("<z>", 10)}, []string{`"<y>" has id 9`}},
		"all far":           {[]string{token("<x>", 7)}, []string{`"<x>" has id 7`}},
	} {
		tok, err := FromJSON([]byte(start + strings.Join(c.added, ",") + "]}"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		warnings := tok.Warnings()
		if len(warnings) != len(c.want) {
			t.Errorf("%s: %q, want %q", name, warnings, c.want)
			continue
		}
		for i, w := range warnings {
			if !strings.Contains(w, c.want[i]) {
				t.Errorf("%s: %q, want %q in it", name, w, c.want[i])
			}
		}
	}
}

// TestAddedTokensShareWhiteSpace: white space that two tokens claim goes to the first,
// and a token with nothing left is dropped.
func TestAddedTokensShareWhiteSpace(t *testing.T) {
	space := func(id int32, content string, left, right bool) AddedToken {
		return AddedToken{ID: id, Content: content, LStrip: left, RStrip: right, Special: true}
	}
	for _, c := range []struct {
		text string
		want []int32
		add  []AddedToken
	}{
		{"the   a", []int32{2, 0}, []AddedToken{space(2, "the", false, true), space(3, "  ", true, false)}},
		{"\n\n", []int32{3}, []AddedToken{space(3, "\n", true, true)}},
		{"\n\n", []int32{3, 3}, []AddedToken{space(3, "\n", false, true)}},
		{"the \n a", []int32{2, 0}, []AddedToken{space(2, "the", false, true), space(3, "\n", true, true)}},
		{"the   the", []int32{2, 2}, []AddedToken{space(2, "the", true, true), space(3, " ", true, true)}},
		{"\n \n a", []int32{3, 0}, []AddedToken{space(3, "\n", true, true)}},
	} {
		v := VocabMerges{Vocab: map[string]int32{"a": 0, "Ġ": 1}, Specials: c.add}
		for _, a := range c.add {
			v.Vocab[a.Content] = a.ID
		}
		tok, err := FromVocabMerges(v)
		if err != nil {
			t.Fatal(err)
		}
		ids, spans, err := tok.EncodeOffsets(c.text, false)
		if err != nil || !slices.Equal(ids, c.want) || len(spans) != len(ids) || !slices.Equal(tok.Encode(c.text, false), ids) {
			t.Errorf("%q with %v: %v at %v, %v; want %v", c.text, c.add, ids, spans, err, c.want)
		}
	}
}
