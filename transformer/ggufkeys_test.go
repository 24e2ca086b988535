package transformer_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

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
		} else {
			oneLine(t, err, key, "missing")
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

// TestGGUFFactorsBesideAnotherScaling: transformers states one scaling of rotary
// positions; a file with LLaMA 3's factors and a linear one is not written as either.
func TestGGUFFactorsBesideAnotherScaling(t *testing.T) {
	const rope = "llama.rope."
	for _, c := range []struct {
		factor  float64
		factors []float32
		written bool
	}{{1, []float32{1, 8}, true}, {2, []float32{1, 8}, false}, {1, []float32{3, 5}, false}, {2, []float32{3, 5}, false}} {
		f := tinyGGUF().with(map[string]any{rope + "freq_base": 1e8, rope + "scaling.factor": c.factor})
		f.tensors = append(f.tensors, ggufTensor{name: "rope_freqs.weight", ne: []uint64{2}, data: c.factors})
		ckpt := mustOpen(t, f)
		err := ckpt.WriteDir(filepath.Join(t.TempDir(), "out"), ckpt.Whole())
		if c.written != (err == nil) {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil {
			oneLine(t, err, "rope factors")
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
		"llama.logit_scale": 1.0, "llama.residual_scale": 0.0, "llama.attention.scale": 0.0, "llama.attention.head_count": []int{2}, "llama.attention.value_length": 4, "quantize.imatrix.file": "x", "tokenizer.huggingface.json": "{}",
	})); err != nil {
		t.Error(err)
	}
}
