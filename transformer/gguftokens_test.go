package transformer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/transformer"
)

// sentencePieceGGUF is tinyGGUF with a SentencePiece tokenizer.
func sentencePieceGGUF() ggufFile {
	f := tinyGGUF()
	n := len(f.meta["tokenizer.ggml.tokens"].([]string))
	tokens, types, scores := []string{"<unk>", "<s>", "</s>"}, []int{2, 3, 3}, make([]float64, n)
	for _, s := range strings.Fields("▁ a b c ▁a ab 1 2 3 x y z ! ?") {
		tokens, types = append(tokens, s), append(types, 1)
	}
	return f.with(map[string]any{
		"tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": nil, "tokenizer.ggml.merges": nil, "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types,
		"tokenizer.ggml.scores": scores, "tokenizer.ggml.bos_token_id": nil, "tokenizer.ggml.eos_token_id": nil,
	})
}

// TestGGUFSpecialTokens: whether BOS and EOS are put beside a text, and which they are, as
// src/llama-vocab.cpp has it: by the kind of tokenizer and pre, unless a key says so.
func TestGGUFSpecialTokens(t *testing.T) {
	const k = "tokenizer.ggml."
	for name, c := range map[string]struct {
		file     ggufFile
		meta     map[string]any
		ids      string // of "ab" with special tokens
		bos, eos any    // as config.json has them
		warnings int
	}{
		"SentencePiece":               {sentencePieceGGUF(), nil, "[1 7 5]", 1.0, 2.0, 0}, // add_bos = true for SPM; ids 1, 2, 0
		"SentencePiece, said so":      {sentencePieceGGUF(), map[string]any{k + "add_bos_token": false}, "[7 5]", 1.0, 2.0, 0},
		"SentencePiece with EOS":      {sentencePieceGGUF(), map[string]any{k + "add_eos_token": true}, "[1 7 5 2]", 1.0, 2.0, 0},
		"SentencePiece, other BOS":    {sentencePieceGGUF(), map[string]any{k + "bos_token_id": 2}, "[2 7 5]", 2.0, 2.0, 0},
		"SentencePiece without space": {sentencePieceGGUF(), map[string]any{k + "add_space_prefix": false}, "[1 8]", 1.0, 2.0, 0},
		"SentencePiece, id too large": {sentencePieceGGUF(), map[string]any{k + "bos_token_id": 99}, "[1 7 5]", 1.0, 2.0, 1},
		"SentencePiece, no types":     {sentencePieceGGUF(), map[string]any{k + "token_type": nil, k + "scores": nil, k + "unknown_token_id": 0}, "[1 7 5]", 1.0, 2.0, 0},
		"gpt-2":                       {tinyGGUF(), nil, "[13]", 0.0, 1.0, 0}, // add_bos = false for BPE
		"gpt-2, said so":              {tinyGGUF(), map[string]any{k + "add_bos_token": true}, "[0 13]", 0.0, 1.0, 0},
		"llama-bpe":                   {tinyGGUF(), map[string]any{k + "pre": "llama-bpe"}, "[0 13]", 0.0, 1.0, 0}, // add_bos = true for llama3, llama-v3, llama-bpe …
		"llama-v3":                    {tinyGGUF(), map[string]any{k + "pre": "llama-v3"}, "[0 13]", 0.0, 1.0, 0},
		"llama3, said so":             {tinyGGUF(), map[string]any{k + "pre": "llama3", k + "add_bos_token": false}, "[13]", 0.0, 1.0, 0},
		"smollm":                      {tinyGGUF(), map[string]any{k + "pre": "smollm"}, "[13]", 0.0, 1.0, 0},
		"qwen2":                       {tinyGGUF(), map[string]any{k + "pre": "qwen2"}, "[13]", 0.0, 1.0, 0},
		"no ids":                      {tinyGGUF(), map[string]any{k + "bos_token_id": nil, k + "eos_token_id": nil}, "[13]", 11.0, 11.0, 0}, // 11 and 11 for BPE
		"no pre":                      {tinyGGUF(), map[string]any{k + "pre": nil}, "[13]", 0.0, 1.0, 1},
		"suppressed":                  {tinyGGUF(), map[string]any{k + "suppress_tokens": []int{4}}, "[13]", 0.0, 1.0, 1},
		"pre default":                 {tinyGGUF(), map[string]any{k + "pre": "default"}, "[13]", 0.0, 1.0, 1},
	} {
		ckpt, err := openMade(t, c.file.with(c.meta))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tok, err := ckpt.Tokenizer()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fmt.Sprint(tok.Encode("ab", true)); got != c.ids {
			t.Errorf("%s: %s, want %s", name, got, c.ids)
		}
		if raw := ckpt.Config.Raw; raw["bos_token_id"] != c.bos || raw["eos_token_id"] != c.eos {
			t.Errorf("%s: BOS %v, EOS %v, want %v, %v", name, raw["bos_token_id"], raw["eos_token_id"], c.bos, c.eos)
		}
		if got := ckpt.Warnings(); len(got) != c.warnings || len(tok.Warnings()) != c.warnings {
			t.Errorf("%s: warnings %q and %q, want %d", name, got, tok.Warnings(), c.warnings)
		}
	}
	if _, err := mustOpen(t, tinyGGUF().with(map[string]any{k + "pre": "gpt-5"})).Tokenizer(); err == nil || !strings.Contains(err.Error(), `"gpt-5"`) {
		t.Errorf("unknown pre: %v", err)
	}
}

// TestDefaultSplit: where a file does not say how words are split, punctuation and digits
// are cut before and after GPT-2's words (llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_DEFAULT):
// GPT-2 alone would take "Ġ1" and join digits over the third.
func TestDefaultSplit(t *testing.T) {
	tok, err := mustOpen(t, tinyGGUF().with(map[string]any{"tokenizer.ggml.pre": nil})).Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := mustOpen(t, tinyGGUF()).Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	words := func(ids []int32) string {
		var list []string
		for _, id := range ids {
			list = append(list, tok.Token(id))
		}
		return strings.Join(list, " ")
	}
	for text, want := range map[string][2]string{
		" 1":       {"Ġ 1", "Ġ1"},
		"123123":   {"123 123", "123 123"},
		"31231":    {"3 12 3 1", "3 123 1"},
		"ab!ab":    {"ab ! ab", "ab ! ab"},
		" !ab 123": {"Ġ ! ab Ġ 123", "Ġ ! ab Ġ 123"},
		"12 3123":  {"12 Ġ 3 12 3", "12 Ġ 3 123"},
	} {
		if got := words(tok.Encode(text, false)); got != want[0] {
			t.Errorf("%q: %s, want %s", text, got, want[0])
		}
		if got := words(plain.Encode(text, false)); got != want[1] {
			t.Errorf("%q by GPT-2: %s, want %s", text, got, want[1])
		}
	}
}

// TestVocabularyOnly: a GGUF file without weights tokenizes, and is no model.
func TestVocabularyOnly(t *testing.T) {
	f := tinyGGUF()
	f.tensors = nil
	path := f.with(map[string]any{"llama.block_count": nil, "llama.embedding_length": nil}).write(t, t.TempDir(), "vocab.gguf")
	tok, err := transformer.LoadTokenizer(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(tok.Encode("ab", true)); got != "[13]" {
		t.Errorf("ids %s", got)
	}
	if _, err := transformer.Open(path); err == nil {
		t.Error("it is a model")
	} else {
		oneLine(t, err, path)
	}
}

// TestConvertedGGUFEndsWhereTheFileDoes: config.json and generation_config.json have the
// ids of the file, not those of transformers' class, and end at all that end a turn.
func TestConvertedGGUFEndsWhereTheFileDoes(t *testing.T) {
	const k = "tokenizer.ggml."
	for name, c := range map[string]struct {
		meta map[string]any
		want string // config.json's bos, eos, pad; generation_config.json's eos
	}{
		"ids":         {map[string]any{k + "padding_token_id": 2}, "0 1 2 [1 3]"}, // 3 is <|eot_id|>
		"other":       {map[string]any{k + "bos_token_id": 5, k + "eos_token_id": 7}, "5 7 <nil> [1 3 7]"},
		"turn":        {map[string]any{k + "eot_token_id": 4}, "0 1 <nil> [1 3 4]"},
		"message":     {map[string]any{k + "eom_token_id": 6}, "0 1 <nil> [1 3 6]"},
		"none stated": {map[string]any{k + "bos_token_id": nil, k + "eos_token_id": nil}, "11 11 <nil> [1 3 11]"},
		"template":    {map[string]any{"tokenizer.chat_template": "{{ messages[0].content }}<|eot_id|>"}, "0 1 <nil> [1 3]"},
	} {
		ckpt := mustOpen(t, tinyGGUF().with(c.meta))
		out := filepath.Join(t.TempDir(), "hf")
		if err := ckpt.WriteDir(out, ckpt.Whole()); err != nil {
			t.Fatal(err)
		}
		config, generation := readJSON(t, out, "config.json"), readJSON(t, out, "generation_config.json")
		if got := fmt.Sprint(config["bos_token_id"], config["eos_token_id"], config["pad_token_id"], generation["eos_token_id"]); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		hf, err := transformer.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer hf.Close()
		tok, err := hf.Tokenizer()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := hf.StopTokens(), ckpt.StopTokens(); !slices.Equal(got, want) || !slices.Equal(hf.EndTokens(tok), ckpt.EndTokens(tok)) {
			t.Errorf("%s: the directory ends at %v, the file at %v", name, got, want)
		}
		if template := tok.Roles().ChatTemplate; name == "template" && template != c.meta["tokenizer.chat_template"] {
			t.Errorf("%s: template %q", name, template)
		}
	}
}

func readJSON(t *testing.T, dir, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
