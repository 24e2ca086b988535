package transformer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/kernels/ref"
	"lamina/transformer"
)

func openMade(t *testing.T, f ggufFile) (*transformer.Checkpoint, error) {
	t.Helper()
	c, err := transformer.Open(f.write(t, t.TempDir(), "m.gguf"))
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func mustOpen(t *testing.T, f ggufFile) *transformer.Checkpoint {
	t.Helper()
	c, err := openMade(t, f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGGUFDefaultsAreThoseOfLlamaCpp is the table of the keys of the architecture: what
// llama.cpp puts in the place of one that is not there (src/llama-model.cpp,
// load_hparams, of 2025: the text behind each source is the call that reads the key).
func TestGGUFDefaultsAreThoseOfLlamaCpp(t *testing.T) {
	c := mustOpen(t, tinyGGUF()).Config
	for _, k := range []struct {
		key, source string
		got, want   any
	}{
		{"llama.attention.head_count_kv", "n_head_kv_arr = n_head_arr; get_key_or_arr(LLM_KV_ATTENTION_HEAD_COUNT_KV, …, false)", c.KVHeads, 2},
		{"llama.attention.key_length", "n_embd_head_k = n_embd / n_head()", c.HeadDim, 4},
		{"llama.rope.dimension_count", "n_rot = n_embd_head_k", c.RoPE.Dim, 4},
		{"llama.rope.freq_base", "rope_freq_base_train = 10000.0f", c.RoPE.Theta, 10000.0},
		{"llama.rope.scaling.type", `rope_scaling("linear")`, c.RoPE.Type, ""}, // linear by
		{"llama.rope.scaling.factor", "ropescale == 0.0f ? 1.0f : 1.0f/ropescale", c.RoPE.Factor, 0.0},
		{"output.weight", "output = token_embd if it is not there (TENSOR_DUPLICATED)", c.Tied, true},
		{"blk.0.attn_q.bias", "TENSOR_NOT_REQUIRED", c.Bias, false},
	} {
		if k.got != k.want {
			t.Errorf("%s: %v, want %v: %s", k.key, k.got, k.want, k.source)
		}
	}
	for _, key := range []string{"llama.block_count", "llama.embedding_length", "llama.context_length", "llama.attention.layer_norm_rms_epsilon"} {
		if _, err := openMade(t, tinyGGUF().with(map[string]any{key: nil})); err == nil {
			t.Errorf("without %s, which llama.cpp requires, the file is read", key)
		}
	}
}

// TestGGUFRopeScaling: a factor without a type is linear, and so is the key of 2023.
func TestGGUFRopeScaling(t *testing.T) {
	const rope = "llama.rope."
	for name, c := range map[string]struct {
		meta   map[string]any
		factor float64 // 0: none
	}{
		"type and factor":    {map[string]any{rope + "scaling.type": "linear", rope + "scaling.factor": 4.0}, 4},
		"factor only":        {map[string]any{rope + "scaling.factor": 4.0}, 4},
		"scale_linear":       {map[string]any{rope + "scale_linear": 4.0}, 4},
		"type, scale_linear": {map[string]any{rope + "scaling.type": "linear", rope + "scale_linear": 2.0}, 2},
		"factor first":       {map[string]any{rope + "scaling.factor": 4.0, rope + "scale_linear": 2.0}, 4},
		"none":               {map[string]any{rope + "scaling.type": "none", rope + "scaling.factor": 4.0}, 0},
		"factor of one":      {map[string]any{rope + "scaling.factor": 1.0, rope + "scaling.attn_factor": 1.0}, 0},
		"factor of zero":     {map[string]any{rope + "scaling.factor": 0.0}, 0},
		"type only":          {map[string]any{rope + "scaling.type": "linear", rope + "scaling.original_context_length": 64}, 0},
	} {
		ckpt, err := openMade(t, tinyGGUF().with(c.meta))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := ckpt.Config.RoPE
		if scaled := r.Type == "linear"; scaled != (c.factor != 0) || r.Factor != c.factor {
			t.Errorf("%s: %+v, want factor %v", name, r, c.factor)
		}
		written, err := json.Marshal(ckpt.Config.Raw)
		if err != nil {
			t.Fatal(err)
		}
		again, err := transformer.ParseConfig(written)
		if err != nil || again.RoPE.Type != r.Type || again.RoPE.Factor != r.Factor {
			t.Errorf("%s: written as %s, %v", name, written, err)
		}
	}
}

// TestGGUFKeysThatMatterAreNotDropped: errors name key and value.
func TestGGUFKeysThatMatterAreNotDropped(t *testing.T) {
	for key, value := range map[string]any{
		"llama.rope.scaling.type": "yarn", "llama.rope.scaling.attn_factor": 0.5, "llama.rope.freq_base_swa": 5e5, "llama.expert_count": 8,
		"llama.expert_used_count": 2, "llama.attention.sliding_window": 4096, "llama.logit_scale": 0.0625, "llama.residual_scale": 0.22,
		"llama.embedding_scale": 12.0, "llama.attention.scale": 0.015625, "llama.attention.causal": false, "llama.attention.value_length": 8,
		"llama.attention.clamp_kqv": 8.0, "llama.attention.max_alibi_bias": 8.0, "llama.attn_logit_softcapping": 50.0, "llama.final_logit_softcapping": 30.0,
		"llama.use_parallel_residual": true, "llama.attention.group_norm_groups": 2, "llama.attention.kv_lora_rank": 4, "llama.rope.dimension_count": 2,
		"general.type": "adapter", "general.architecture": "gemma", "llama.attention.head_count": []int{2, 1}, "llama.feed_forward_length": "12",
		"llama.rope.freq_base": 10000, "llama.rope.scaling.factor": "four", "split.count": 2,
	} {
		_, err := openMade(t, tinyGGUF().with(map[string]any{key: value}))
		if err == nil {
			t.Errorf("%s %v is accepted", key, value)
			continue
		}
		want := key
		switch key {
		case "llama.rope.dimension_count":
			want = "rotary width 2"
		case "split.count":
			want = "one of 2 parts"
		}
		oneLine(t, err, want, fmt.Sprint(value)[:1], "m.gguf")
	}
	if _, err := openMade(t, tinyGGUF().with(map[string]any{
		"general.name": "x", "general.type": "model", "general.quantization_version": 2, "general.file_type": 0, "llama.vocab_size": 17, "llama.expert_count": 0,
		"llama.rope.scaling.finetuned": false, "llama.attention.causal": true, "llama.tensor_data_layout": "Meta AI original pth", "llama.attention.layer_norm_epsilon": 1e-5,
		"llama.logit_scale": 1.0, "llama.attention.head_count": []int{2}, "llama.attention.value_length": 4, "quantize.imatrix.file": "x", "tokenizer.huggingface.json": "{}",
	})); err != nil {
		t.Error(err)
	}
}

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
		if template := hf.ChatTemplate(tok); name == "template" && template != c.meta["tokenizer.chat_template"] {
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

// split cuts a file into parts as gguf-split does.
func (f ggufFile) split(t *testing.T, dir, name string, parts int) []string {
	t.Helper()
	paths := make([]string, parts)
	for i := range parts {
		p := ggufFile{meta: map[string]any{}}
		if i == 0 {
			p = f.with(nil)
		}
		p = p.with(map[string]any{"split.no": uint16(i), "split.count": uint16(parts), "split.tensors.count": len(f.tensors)})
		p.tensors = f.tensors[i*len(f.tensors)/parts : (i+1)*len(f.tensors)/parts]
		paths[i] = p.write(t, dir, fmt.Sprintf("%s-%05d-of-%05d.gguf", name, i+1, parts))
	}
	return paths
}

// untied is tinyGGUF with a head of its own, which stands last.
func untied() ggufFile {
	f := tinyGGUF()
	head := f.tensors[0]
	head.name, head.data = "output.weight", slices.Clone(head.data)
	slices.Reverse(head.data)
	f.tensors = append(slices.Clone(f.tensors), head)
	return f
}

// TestSplitGGUF: the name of any part opens the whole, and nothing less passes for it.
func TestSplitGGUF(t *testing.T) {
	rows := [][]int32{{5, 6, 7, 8}}
	whole, err := mustOpen(t, untied()).Decoder(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	want := logits(whole, rows)
	for _, parts := range []int{1, 2, 3, 12} {
		dir := t.TempDir()
		paths := untied().split(t, dir, "model", parts)
		for _, path := range paths {
			ckpt, err := transformer.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			d, err := ckpt.Decoder(ref.New())
			if err != nil {
				t.Fatal(err)
			}
			sameLogits(t, path, logits(d, rows), want)
			if ckpt.Config.Tied {
				t.Errorf("%s: the head is tied", path)
			}
			if tok, err := ckpt.Tokenizer(); err != nil || fmt.Sprint(tok.Encode("ab", true)) != "[13]" {
				t.Errorf("%s: %v", path, err)
			}
			ckpt.Close()
			if _, err := transformer.LoadTokenizer(path); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestIncompleteSplitGGUF(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string, paths []string) string // returns what is opened
		want  string
	}{
		"last part missing":  {func(_ string, p []string) string { os.Remove(p[2]); return p[0] }, "model-00003-of-00003.gguf"},
		"first part missing": {func(_ string, p []string) string { os.Remove(p[0]); return p[1] }, "model-00001-of-00003.gguf"},
		"another name": {func(dir string, p []string) string {
			os.Rename(p[0], filepath.Join(dir, "model.gguf"))
			return filepath.Join(dir, "model.gguf")
		}, "one of 3 parts"},
		"of another number": {func(dir string, p []string) string {
			os.Rename(p[0], filepath.Join(dir, "model-00001-of-00002.gguf"))
			return filepath.Join(dir, "model-00001-of-00002.gguf")
		}, "one of 3 parts"},
		"part of another model": {func(dir string, p []string) string {
			f := tinyGGUF().with(map[string]any{"split.no": uint16(1), "split.count": uint16(3)})
			f.tensors = f.tensors[:1]
			f.write(t, dir, filepath.Base(p[1]))
			return p[0]
		}, "tensors"},
		"parts exchanged": {func(dir string, p []string) string {
			os.Rename(p[1], filepath.Join(dir, "x"))
			os.Rename(p[2], p[1])
			os.Rename(filepath.Join(dir, "x"), p[2])
			return p[0]
		}, "part 3 of 3"},
		"same part twice": {func(_ string, p []string) string {
			data, _ := os.ReadFile(p[0])
			os.WriteFile(p[1], data, 0o644)
			return p[0]
		}, "part 1 of 3"},
		"named a part": {func(dir string, _ []string) string { return tinyGGUF().write(t, dir, "other-00001-of-00002.gguf") }, "split.count"},
		"truncated":    {func(_ string, p []string) string { os.Truncate(p[1], 100); return p[0] }, "model-00002-of-00003.gguf"},
	} {
		dir := t.TempDir()
		path := c.spoil(dir, untied().split(t, dir, "model", 3))
		if ckpt, err := transformer.Open(path); err == nil {
			ckpt.Close()
			t.Errorf("%s: accepted", name)
		} else {
			oneLine(t, err, c.want)
		}
	}
}

// TestRopeFactorsOfSplitFile are found in whatever part they lie.
func TestRopeFactorsOfSplitFile(t *testing.T) {
	f := tinyGGUF()
	f.tensors = append(slices.Clone(f.tensors), ggufTensor{name: "rope_freqs.weight", ne: []uint64{2}, data: []float32{1, 8}})
	paths := f.split(t, t.TempDir(), "m", 2)
	ckpt, err := transformer.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	if got := ckpt.Config.RoPE.Factors; len(got) != 2 || got[1] != 8 || math.IsNaN(float64(got[0])) {
		t.Errorf("factors %v", got)
	}
}
