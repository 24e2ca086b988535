package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lamina/internal/heaptest"
)

// TestHostileJSON: every broken tokenizer.json is one error that names the
// place. Each case is one change to a file that loads.
func TestHostileJSON(t *testing.T) {
	nested := func(kind, list string, depth int) string {
		return strings.Repeat(`{"type":"Sequence","`+list+`":[`, depth) + `{"type":"` + kind + `"}` + strings.Repeat(`]}`, depth)
	}
	for name, c := range map[string]struct{ member, value, want string }{
		"unknown member":         {"extra", `1`, `$: unknown member "extra"`},
		"unknown normalizer":     {"normalizer", `{"type":"Precompiled"}`, `normalizer.type: unknown normalizer "Precompiled"`},
		"unknown inside":         {"normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"BertNormalizer"}]}`, "normalizer.normalizers[1].type"},
		"unknown flag":           {"pre_tokenizer", `{"type":"ByteLevel","add_prefix_space":false,"new_flag":true}`, `pre_tokenizer: unknown member "new_flag"`},
		"unknown pre-tokenizer":  {"pre_tokenizer", `{"type":"UnicodeScripts"}`, "pre_tokenizer.type"},
		"unknown post-processor": {"post_processor", `{"type":"Mystery"}`, "post_processor.type"},
		"unknown decoder":        {"decoder", `{"type":"CTC"}`, "decoder.type"},
		"no type":                {"decoder", `{}`, "decoder.type"},
		"wrong type":             {"decoder", `[1]`, "decoder"},
		"deep normalizer":        {"normalizer", nested("Strip", "normalizers", 29), ""},
		"bomb":                   {"normalizer", `{"type":"Sequence","normalizers":[` + strings.Repeat(`{"type":"Replace","pattern":{"String":"a"},"content":"aa"},`, 40) + `{"type":"NFC"}]}`, "times longer"},
		"bomb in pre-tokenizer":  {"pre_tokenizer", `{"type":"Sequence","pretokenizers":[` + strings.Repeat(`{"type":"ByteLevel"},`, 40) + `{"type":"ByteLevel"}]}`, "times longer"},
		"deeper normalizer":      {"normalizer", nested("Strip", "normalizers", 40), "nested deeper"},
		"backtracking":           {"decoder", `{"type":"Replace","pattern":{"Regex":"(a+)+(?=b)"},"content":"x"}`, "decoder.pattern.Regex"},
		"pattern":                {"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"(?<=a)b"},"behavior":"Isolated","invert":false}`, "pre_tokenizer.pattern.Regex"},
		"behavior":               {"pre_tokenizer", `{"type":"Split","pattern":{"String":"a"},"behavior":"Shredded","invert":false}`, "pre_tokenizer.behavior"},
		"empty pattern":          {"normalizer", `{"type":"Replace","pattern":{"String":""},"content":"a"}`, "normalizer.pattern: empty"},
		"metaspace":              {"pre_tokenizer", `{"type":"Metaspace","replacement":"ab"}`, "pre_tokenizer.replacement"},
		"scheme":                 {"pre_tokenizer", `{"type":"Metaspace","replacement":"_","prepend_scheme":"often"}`, "pre_tokenizer.prepend_scheme"},
		"template twice":         {"post_processor", `{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}`, "post_processor.single"},
		"template id":            {"post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[-1]}}}`, "post_processor.special_tokens.x.ids[0]"},
		"template no ids":        {"post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}`, "has no ids"},
		"template high id":       {"post_processor", `{"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",4000000]}`, "post_processor: id 4000000"},
		"added negative":         {"added_tokens", `[{"id":-1,"content":"x"}]`, "added_tokens[0].id"},
		"added far":              {"added_tokens", `[{"id":16777216,"content":"x"}]`, "too far apart"},
		"added taken":            {"added_tokens", `[{"id":5,"content":"x"}]`, "added_tokens[0]"},
		"added moved":            {"added_tokens", `[{"id":5,"content":"a"}]`, "added_tokens[0]"},
		"added flag":             {"added_tokens", `[{"id":420,"content":"x","lstrip":1}]`, "added_tokens[0].lstrip"},
		"added no id":            {"added_tokens", `[{"content":"x"}]`, "added_tokens[0]: no id"},
		"model type":             {"model", `{"type":"Unigram","vocab":{},"merges":[]}`, `model`},
		"model dropout":          {"model", `{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}`, "model.dropout"},
		"model prefix":           {"model", `{"type":"BPE","continuing_subword_prefix":"##","vocab":{},"merges":[]}`, "model.continuing_subword_prefix"},
		"no vocab":               {"model", `{"type":"BPE","merges":[]}`, "model.vocab"},
		"no merges":              {"model", `{"type":"BPE","vocab":{"a":0}}`, "model.merges"},
		"negative id":            {"model", `{"type":"BPE","vocab":{"a":-1},"merges":[]}`, `model.vocab["a"]`},
		"huge id":                {"model", `{"type":"BPE","vocab":{"a":16777217},"merges":[]}`, `model.vocab["a"]`},
		"float id":               {"model", `{"type":"BPE","vocab":{"a":1.5},"merges":[]}`, `model.vocab["a"]`},
		"far ids":                {"model", `{"type":"BPE","vocab":{"a":0,"b":16000000},"merges":[]}`, "too far apart"},
		"holes":                  {"model", `{"type":"BPE","vocab":{"a":0,"b":900},"merges":[]}`, ""},
		"duplicate id":           {"model", `{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}`, "two tokens"},
		"duplicate token":        {"model", `{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}`, "duplicate member"},
		"merge unknown":          {"model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}`, "model.merges[0]"},
		"merge empty":            {"model", `{"type":"BPE","vocab":{"":0,"b":1},"merges":[["",""]]}`, "model.merges[0]: empty part"},
		"merge cyclic":           {"model", `{"type":"BPE","vocab":{"a":0,"aa":1,"aaa":2},"merges":["a aa","aa a","a a","a aa"]}`, "model.merges[3]"},
		"merge itself":           {"model", `{"type":"BPE","vocab":{"a":0},"merges":[["a",""]]}`, "model.merges[0]"},
		"merge three":            {"model", `{"type":"BPE","vocab":{"a":0},"merges":["a a a"]}`, "model.merges[0]"},
		"merge number":           {"model", `{"type":"BPE","vocab":{"a":0},"merges":[7]}`, "model.merges[0]"},
		"unk absent":             {"model", `{"type":"BPE","unk_token":"?","vocab":{"a":0},"merges":[]}`, "model.unk_token"},
	} {
		// The patch "model" merges; a whole new model has to be put in by hand.
		text := patched(t, "byte", nil)
		var state map[string]json.RawMessage
		if err := json.Unmarshal(text, &state); err != nil {
			t.Fatal(err)
		}
		if c.member == "model" {
			state = map[string]json.RawMessage{}
		}
		members := []string{fmt.Sprintf("%q:%s", c.member, c.value)}
		for k, v := range state {
			if k != c.member {
				members = append(members, fmt.Sprintf("%q:%s", k, v))
			}
		}
		_, err := FromJSON([]byte("{" + strings.Join(members, ",") + "}"))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: the message has %d bytes", name, len(err.Error()))
		}
	}
}

func TestHostileSentencePiece(t *testing.T) {
	model := testdata(t, "tiny.model")
	for cut := 0; cut < len(model); cut += 97 {
		if _, err := FromSentencePiece(model[:cut], SentencePieceOptions{}); err == nil {
			t.Errorf("cut at %d of %d bytes it loads", cut, len(model))
		}
	}
	pieces := func(more ...spPiece) []spPiece {
		return append([]spPiece{{"<unk>", 0, typeUnknown}, {"a", -1, typeNormal}}, more...)
	}
	for want, list := range map[string][]spPiece{
		"piece 2: empty":             pieces(spPiece{"", 0, typeNormal}),
		"a second unknown":           pieces(spPiece{"x", 0, typeUnknown}),
		"is piece 1 already":         pieces(spPiece{"a", 0, typeNormal}),
		"score is not a number":      pieces(spPiece{"x", float32(math.NaN()), typeNormal}),
		"unknown type 9":             pieces(spPiece{"x", 0, 9}),
		`"<0x-1>" is no byte token`:  pieces(spPiece{"<0x-1>", 0, typeByte}),
		`"<0xab>" is no byte token`:  pieces(spPiece{"<0xab>", 0, typeByte}),
		`"<0x100>" is no byte token`: pieces(spPiece{"<0x100>", 0, typeByte}),
	} {
		if _, err := pieceSpec(list, true, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// FuzzTokenizerJSON: whatever the bytes, reading ends with a Tokenizer that
// encodes and decodes, or with an error, and allocates no more than a
// multiple of the input.
func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"added_tokens":[{"id":3,"content":"<s>","lstrip":true,"special":true}]}`))
	f.Add([]byte(`{"normalizer":{"type":"Prepend","prepend":"_"},"pre_tokenizer":{"type":"Metaspace","replacement":"_"},"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Strip","content":" ","start":1,"stop":1}]},"model":{"vocab":{"_":0,"<0x61>":1,"?":2},"merges":[],"unk_token":"?","byte_fallback":true}}`))
	f.Add([]byte(`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\s+"},"behavior":"MergedWithNext","invert":true},{"type":"ByteLevel"}]},"model":{"vocab":{},"merges":[]}}`))
	for _, form := range []string{"NFC", "NFD", "NFKC", "NFKD"} {
		f.Add(patched(f, "byte", map[string]json.RawMessage{"normalizer": json.RawMessage(`{"type":"` + form + `"}`)}))
	}
	f.Add(testdata(f, "byte.json"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			t.Skip("large inputs only slow the search")
		}
		var tok *Tokenizer
		var err error
		used := heaptest.Allocated(func() { tok, err = FromJSON(text) })
		// A tree is 14 times a byte of text at most; patterns come on top.
		if bound := heaptest.Limit(len(text)); used > bound {
			t.Fatalf("%d bytes of text allocate %d, bound %d", len(text), used, bound)
		}
		if err != nil {
			return
		}
		const sample = "a b\x00 <s>_é\xff e\u0301\u0323 \u1100\u1161\u11a8 ﬁ é\u0323\u0323 "
		ids, err := tok.EncodeChecked(sample, true)
		if err != nil {
			return
		}
		same, spans, err := tok.EncodeOffsets(sample, true)
		if err != nil || !slices.Equal(ids, same) || len(ids) != len(spans) {
			t.Fatalf("ids %v, with offsets %v, %d spans, %v", ids, same, len(spans), err)
		}
		for _, s := range spans {
			if s.From < 0 || s.To > utf8.RuneCountInString(sample) || s.From > s.To {
				t.Fatalf("span %v of %d characters", s, utf8.RuneCountInString(sample))
			}
		}
		for _, id := range ids {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d outside the vocabulary of %d", id, tok.VocabSize())
			}
		}
		tok.Decode(ids, true)
	})
}
