package tokenizer

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smolMeta reads the tokenizer part of the SmolLM2 GGUF. The reader is only
// good enough for this test: package formats/gguf is the real one, and this
// package imports neither.
func smolMeta(t testing.TB) GGUFMeta {
	t.Helper()
	dir := os.Getenv("LAMINA_MODELS")
	if dir == "" {
		t.Skip("LAMINA_MODELS is not set: SmolLM2's GGUF is not here")
	}
	f, err := os.Open(filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Skip("no SmolLM2 in LAMINA_MODELS:", err)
	}
	defer f.Close()
	head := make([]byte, 8<<20)
	if _, err := f.Read(head); err != nil {
		t.Fatal(err)
	}
	r := ggufHeader{head[24:]}
	meta := GGUFMeta{BOS: -1, EOS: -1, Pad: -1, Unk: -1}
	for range binary.LittleEndian.Uint64(head[16:]) {
		key := r.text()
		switch value := r.value(r.number(4)); key {
		case "tokenizer.ggml.model":
			meta.Model = value.(string)
		case "tokenizer.ggml.pre":
			meta.Pre = value.(string)
		case "tokenizer.ggml.tokens":
			meta.Tokens = each[string](value)
		case "tokenizer.ggml.merges":
			meta.Merges = each[string](value)
		case "tokenizer.ggml.token_type":
			for _, v := range each[uint64](value) {
				meta.TokenTypes = append(meta.TokenTypes, int32(v))
			}
		case "tokenizer.ggml.bos_token_id":
			meta.BOS = int(value.(uint64))
		case "tokenizer.ggml.eos_token_id":
			meta.EOS = int(value.(uint64))
		case "tokenizer.ggml.padding_token_id":
			meta.Pad = int(value.(uint64))
		case "tokenizer.ggml.unknown_token_id":
			meta.Unk = int(value.(uint64))
		case "tokenizer.chat_template":
			meta.ChatTemplate = value.(string)
		}
	}
	return meta
}

func each[T any](value any) []T {
	var out []T
	for _, v := range value.([]any) {
		out = append(out, v.(T))
	}
	return out
}

type ggufHeader struct{ rest []byte }

func (r *ggufHeader) number(size int) uint64 {
	var full [8]byte
	copy(full[:], r.rest[:size])
	r.rest = r.rest[size:]
	return binary.LittleEndian.Uint64(full[:])
}

func (r *ggufHeader) text() string {
	n := r.number(8)
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *ggufHeader) value(kind uint64) any {
	switch kind {
	case 0, 1, 7:
		return r.number(1)
	case 2, 3:
		return r.number(2)
	case 4, 5:
		return r.number(4)
	case 6:
		return math.Float32frombits(uint32(r.number(4)))
	case 8:
		return r.text()
	case 9:
		var list []any
		kind, n := r.number(4), r.number(8)
		for range n {
			list = append(list, r.value(kind))
		}
		return list
	}
	return r.number(8)
}

// tinyMeta is GGUF metadata of the tiny byte-level tokenizer.
func tinyMeta(t testing.TB, pre string) GGUFMeta {
	t.Helper()
	s, err := parseSpec(testdata(t, "byte.json"))
	if err != nil {
		t.Fatal(err)
	}
	meta := GGUFMeta{Model: "gpt2", Pre: pre, Tokens: s.tokensByID(), BOS: 0, EOS: 2, Pad: 1, Unk: -1, AddBOS: true}
	for id := range meta.Tokens {
		kind := int32(typeNormal)
		if id < 7 {
			kind = typeControl
		}
		meta.TokenTypes = append(meta.TokenTypes, kind)
	}
	for _, m := range s.merges {
		meta.Merges = append(meta.Merges, m[0]+" "+m[1])
	}
	return meta
}

func TestGGUFEqualsTokenizerJSON(t *testing.T) {
	g := readGolden(t)
	// Which patch of gen_golden.py has the pre-tokenizer and normalizer of a pre.
	for pre, patch := range map[string]int{"gpt-2": 0, "mpt": 0, "mellum": 0, "jais": 0, "llama-bpe": 4, "qwen2": 5} {
		tok, err := FromGGUF(tinyMeta(t, pre))
		if err != nil {
			t.Fatal(err)
		}
		other, err := FromJSON(patched(t, "byte", g.Patches[patch].Patch))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range g.texts() {
			if got, want := tok.Encode(text, false), other.Encode(text, false); !slices.Equal(got, want) {
				t.Fatalf("pre %s: Encode(%q) = %v, want %v", pre, text, got, want)
			}
		}
		if ids := tok.Encode("", true); !slices.Equal(ids, []int32{0}) {
			t.Errorf("pre %s: the template is not the BOS token: %v", pre, ids)
		}
	}
}

func TestGGUFSentencePieceEqualsModelFile(t *testing.T) {
	m, err := parseSentencePiece(testdata(t, "tiny.model"))
	if err != nil {
		t.Fatal(err)
	}
	meta := GGUFMeta{Model: "llama", BOS: 1, EOS: 2, Unk: 0, Pad: -1, AddBOS: true}
	for _, p := range m.pieces {
		meta.Tokens = append(meta.Tokens, p.text)
		meta.Scores = append(meta.Scores, p.score)
		meta.TokenTypes = append(meta.TokenTypes, p.kind)
	}
	tok, err := FromGGUF(meta)
	if err != nil {
		t.Fatal(err)
	}
	other, err := FromSentencePiece(testdata(t, "tiny.model"), SentencePieceOptions{Legacy: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range readGolden(t).texts() {
		if got, want := tok.Encode(text, true), other.Encode(text, true); !slices.Equal(got, want) {
			t.Fatalf("Encode(%q) = %v, want %v", text, got, want)
		}
	}
}

// TestGGUFPresOfLlama3sPattern: smaug-bpe and dbrx split words as Llama 3 does, but add no
// BOS token where the file does not say, and merge what is a token of its own.
func TestGGUFPresOfLlama3sPattern(t *testing.T) {
	meta := tinyMeta(t, "llama-bpe")
	for _, pre := range []string{"smaug-bpe", "dbrx"} {
		if GGUFPreAddsBOS(pre) {
			t.Errorf("%s adds BOS", pre)
		}
		meta.Pre = pre
		s, err := meta.byteLevel()
		meta.Pre = "llama-bpe"
		other, err2 := meta.byteLevel()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if s.ignoreMerges || !other.ignoreMerges {
			t.Errorf("%s: whole words before merges: %t, of llama-bpe %t", pre, s.ignoreMerges, other.ignoreMerges)
		}
		s.ignoreMerges = true
		same, err := s.build()
		if err != nil {
			t.Fatal(err)
		}
		tok, err := FromGGUF(meta)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range readGolden(t).texts() {
			if got, want := same.Encode(text, false), tok.Encode(text, false); !slices.Equal(got, want) {
				t.Fatalf("%s: Encode(%q) = %v, of llama-bpe %v", pre, text, got, want)
			}
		}
	}
}

func TestGGUFRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*GGUFMeta)
		want   string
	}{
		"pre":       {func(m *GGUFMeta) { m.Pre = "nonsense" }, `tokenizer.ggml.pre: "nonsense" is not supported (known: [gpt-2`},
		"no pre":    {func(m *GGUFMeta) { m.Pre = "" }, `tokenizer.ggml.pre: ""`},
		"model":     {func(m *GGUFMeta) { m.Model = "t5" }, `tokenizer.ggml.model: "t5"`},
		"bos":       {func(m *GGUFMeta) { m.BOS = 99999 }, "tokenizer.ggml.bos_token_id: 99999, but there are 420 tokens"},
		"types":     {func(m *GGUFMeta) { m.TokenTypes = m.TokenTypes[:3] }, "3 types for 420 tokens"},
		"duplicate": {func(m *GGUFMeta) { m.Tokens[100] = m.Tokens[99] }, "tokenizer.ggml.tokens[100]"},
		"merge":     {func(m *GGUFMeta) { m.Merges[5] = "a b c" }, "tokenizer.ggml.merges[5]"},
		"unknown":   {func(m *GGUFMeta) { m.Merges[5] = "zz qq" }, "model.merges[5]"},
		"bad bos":   {func(m *GGUFMeta) { m.BOS = -1 }, "post_processor"},
		"no utf-8":  {func(m *GGUFMeta) { m.Tokens[300] = "\xff" }, "no utf-8"},
		"scores":    {func(m *GGUFMeta) { m.Model = "llama" }, "needs a score"},
	} {
		meta := tinyMeta(t, "gpt-2")
		c.change(&meta)
		if _, err := FromGGUF(meta); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
}
