package transformer

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer/tokenizer"
)

// words is a tokenizer in SentencePiece's manner, whose decoder drops the space that
// begins a text; config is its tokenizer_config.json.
func words(t *testing.T, config string) *tokenizer.Tokenizer {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tokenizer.json": `{"added_tokens": [{"id": 0, "content": "</s>", "special": true}], "decoder": {"type": "Sequence", "decoders": [
			{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
			"model": {"type": "BPE", "byte_fallback": true, "vocab": {"</s>": 0, "▁": 1, "▁a": 2, ".": 3, "'": 4, "s": 5, "n": 6, "t": 7, "<0xC3>": 8, "<0xA9>": 9, "▁re": 10, "ve": 11}, "merges": []}}`,
		"tokenizer_config.json": config,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestAddedText: new text is that of prompt and answer, less that of the prompt.
func TestAddedText(t *testing.T) {
	for _, c := range []struct{ before, text, want string }{
		{"a", "a b", " b"}, {"", "a", "a"}, {"a ", "a.", "."}, {"a\ufffd", "aé", "é"}, {"a\ufffd", "a\ufffdb", "b"}, {"abc", "ab", ""}, {"é", "éé", "é"}, {"a '", "a's", "'s"}, {"a", "", ""},
	} {
		if got := added(c.before, c.text); got != c.want {
			t.Errorf("%q after %q: %q, want %q", c.text, c.before, got, c.want)
		}
	}
	tok := words(t, `{}`)
	for _, c := range []struct {
		prompt, ids []int32
		want        string
	}{
		{[]int32{2}, []int32{2, 3}, " a."}, {[]int32{0, 2, 8}, []int32{9, 2}, "é a"}, {[]int32{0}, []int32{2}, "a"}, {[]int32{1}, []int32{2}, " a"},
	} {
		if got := added(tok.Decode(c.prompt, true), tok.Decode(slices.Concat(c.prompt, c.ids), true)); got != c.want {
			t.Errorf("%v after %v: %q, want %q", c.ids, c.prompt, got, c.want)
		}
	}
}

// TestSettledTextStays: what is shown of a text while it grows is a beginning of it at
// the end, and not all is held back.
func TestSettledTextStays(t *testing.T) {
	for _, config := range []string{`{}`, `{"clean_up_tokenization_spaces": true}`} {
		tok := words(t, config)
		rng := rand.New(rand.NewPCG(1, 2))
		shownEarly := 0
		for range 500 {
			ids := make([]int32, 30)
			for i := range ids {
				ids[i] = rng.Int32N(12)
			}
			prompt := ids[:3]
			before, end := tok.Decode(prompt, true), tok.Decode(ids, true)
			whole, shown := added(before, end), ""
			for n := len(prompt) + 1; n < len(ids); n++ {
				now := settled(added(before, tok.Decode(ids[:n], true)), tok.Tidies())
				if len(now) > len(shown) {
					shown = now
				}
				if !strings.HasPrefix(whole, shown) && !strings.Contains(end, "\ufffd") {
					t.Fatalf("%s: %v: %q was shown of %q", config, ids, shown, whole)
				}
			}
			shownEarly += len(shown)
		}
		if shownEarly < 500*10 {
			t.Errorf("%s: only %d bytes were shown early", config, shownEarly)
		}
	}
}

// TestGenerateTextTidied: the pieces are the text where spaces go, and ends do not end
// what must be longer.
func TestGenerateTextTidied(t *testing.T) {
	tok := words(t, `{"clean_up_tokenization_spaces": true, "eos_token": "</s>"}`)
	c, err := ParseConfig([]byte(`{"model_type": "llama", "vocab_size": 12, "hidden_size": 8, "intermediate_size": 8,
		"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64}`))
	if err != nil {
		t.Fatal(err)
	}
	be := ref.New()
	d := New(c, nn.Init{Device: be, Seed: 1, Std: 0.02})
	long := 0
	for seed := range uint64(20) {
		how := Sampling{Temperature: 1, Seed: seed, Rules: LogitRules{MinNewTokens: 9, Ends: []int32{0}}}
		prompt, shown := []int32{2, 1}, ""
		ids, text, err := d.GenerateText(t.Context(), be, tok, prompt, 30, how, []int32{0, 3}, func(piece string) { shown += piece })
		if err != nil || text != added(tok.Decode(prompt, true), tok.Decode(slices.Concat(prompt, ids), true)) {
			t.Fatalf("%q, %v: %v", text, err, ids)
		}
		if shown != text && !strings.Contains(text, "\ufffd") {
			t.Errorf("showed %q of %q", shown, text)
		}
		if i := slices.IndexFunc(ids, func(id int32) bool { return id == 0 || id == 3 }); slices.Contains(ids[:9], 0) || len(ids) < 10 && len(ids) < 30 {
			t.Errorf("ends at %d of %v", i, ids)
		}
		if slices.Contains(ids[:9], 3) {
			long++
		}
	}
	if long == 0 {
		t.Error("no end came too early")
	}
}

// TestGenerateRefusesWhatIsNotFinite: and says where it began, unless it is told to make
// numbers of it.
func TestGenerateRefusesWhatIsNotFinite(t *testing.T) {
	c, err := ParseConfig([]byte(`{"model_type": "llama", "vocab_size": 12, "hidden_size": 8, "intermediate_size": 8,
		"num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}`))
	if err != nil {
		t.Fatal(err)
	}
	be := ref.New()
	for _, one := range []struct{ weight, want string }{
		{"model.embed_tokens.weight", "the embedding is not"},
		{"model.layers.0.self_attn.o_proj.weight", "from block 0 on"},
		{"model.layers.1.mlp.down_proj.weight", "from block 1 or the final norm on"},
		{"model.norm.weight", "from block 1 or the final norm on"},
		{"lm_head.weight", "the weights of the head"},
	} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			d := New(c, nn.Init{Device: be, Seed: 1, Std: 0.02})
			for w := range d.Params() {
				if w.Name == one.weight {
					values := w.Value.Floats()
					for i := range values {
						values[i] = bad
					}
					w.Value.SetFloats(values)
				}
			}
			generate := func(how Sampling) (ids []int32, err error) {
				err = d.Generate(t.Context(), be, []int32{1, 2}, 3, how, func(id int32) bool { ids = append(ids, id); return true })
				return ids, err
			}
			ids, err := generate(Sampling{})
			if err == nil || ids != nil || !strings.Contains(err.Error(), "token 0 of the answer: logit 0 is") || !strings.Contains(err.Error(), one.want) {
				t.Errorf("%s of %v: %v, %v", one.weight, bad, ids, err)
			}
			if ids, err := generate(Sampling{Rules: LogitRules{RemoveInvalid: true}}); err != nil || len(ids) != 3 {
				t.Errorf("%s of %v, removed: %v, %v", one.weight, bad, ids, err)
			}
		}
	}
}
