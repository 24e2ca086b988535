package transformer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lamina/kernels"
	"lamina/transformer"
)

// defaults is testdata/defaults.json, written by gen_defaults.py: by family, what
// transformers' classes have.
type defaults map[string]struct {
	Keys map[string]struct {
		Default any
		Source  string // file:line
	}
	Aliases   map[string]string
	Effective map[string]any
	Dump      json.RawMessage
}

func readDefaults(t *testing.T) defaults {
	t.Helper()
	data, err := os.ReadFile("testdata/defaults.json")
	if err != nil {
		t.Fatal(err)
	}
	var d defaults
	if err := json.Unmarshal(data, &d); err != nil || len(d) != 4 {
		t.Fatalf("%d families, %v", len(d), err)
	}
	return d
}

// configKey tells what a configuration without a key has in its place.
type configKey func(c transformer.Config) any

func number(n int) any { return float64(n) }

func activation(names map[kernels.Func]string) configKey {
	return func(c transformer.Config) any { return names[c.Activation] }
}

// sizeKeys are those of LLaMA and OPT.
var sizeKeys = map[string]configKey{
	"vocab_size":              func(c transformer.Config) any { return number(c.Vocab) },
	"hidden_size":             func(c transformer.Config) any { return number(c.Width) },
	"num_hidden_layers":       func(c transformer.Config) any { return number(c.Layers) },
	"num_attention_heads":     func(c transformer.Config) any { return number(c.Heads) },
	"max_position_embeddings": func(c transformer.Config) any { return number(c.MaxPositions) },
}

// configKeys is the table of every key that is read, by family; its defaults and their
// sources stand in defaults.json. A key whose default is None stands for what the class
// puts there.
var configKeys = map[string]map[string]configKey{
	"opt": {
		"ffn_dim":                       func(c transformer.Config) any { return number(c.FeedForward) },
		"do_layer_norm_before":          func(c transformer.Config) any { return !c.PostNorm },
		"word_embed_proj_dim":           func(c transformer.Config) any { return ifNot(c.EmbedWidth, c.Width) },
		"dropout":                       func(c transformer.Config) any { return c.Dropout },
		"activation_function":           activation(map[kernels.Func]string{kernels.ReLU: "relu"}),
		"enable_bias":                   func(c transformer.Config) any { return c.Bias && c.MLPBias },
		"layer_norm_elementwise_affine": func(c transformer.Config) any { return c.NormAffine },
		"_remove_final_layer_norm":      func(transformer.Config) any { return false }, // other values are refused, or have no effect
	},
	"llama": {
		"intermediate_size":   func(c transformer.Config) any { return number(c.FeedForward) },
		"num_key_value_heads": func(c transformer.Config) any { return ifNot(c.KVHeads, c.Heads) },
		"head_dim":            func(c transformer.Config) any { return ifNot(c.HeadDim, c.Width/c.Heads) },
		"hidden_act":          activation(map[kernels.Func]string{kernels.SiLU: "silu"}),
		"rms_norm_eps":        func(c transformer.Config) any { return c.Eps },
		"rope_theta":          func(c transformer.Config) any { return c.RoPE.Theta },
		"rope_scaling":        func(c transformer.Config) any { return ifNot(c.RoPE.Type, "") },
		"attention_bias":      func(c transformer.Config) any { return c.Bias },
		"mlp_bias":            func(c transformer.Config) any { return c.MLPBias },
		"tie_word_embeddings": func(c transformer.Config) any { return c.Tied },
	},
	"gpt2": {
		"vocab_size":                      sizeKeys["vocab_size"],
		"n_positions":                     sizeKeys["max_position_embeddings"],
		"n_embd":                          sizeKeys["hidden_size"],
		"n_layer":                         sizeKeys["num_hidden_layers"],
		"n_head":                          sizeKeys["num_attention_heads"],
		"n_inner":                         func(c transformer.Config) any { return ifNot(c.FeedForward, 4*c.Width) },
		"activation_function":             activation(map[kernels.Func]string{kernels.GELUTanh: "gelu_new"}),
		"resid_pdrop":                     func(c transformer.Config) any { return c.Dropout },
		"embd_pdrop":                      func(c transformer.Config) any { return map[bool]any{true: 0.1}[c.EmbedDropout] },
		"layer_norm_epsilon":              func(c transformer.Config) any { return c.Eps },
		"scale_attn_by_inverse_layer_idx": func(c transformer.Config) any { return c.ScaleByLayer },
		"scale_attn_weights":              func(transformer.Config) any { return true }, // seen by the logits of gpt2-unscaled
	},
	"bloom": {
		"vocab_size":         sizeKeys["vocab_size"],
		"hidden_size":        sizeKeys["hidden_size"],
		"n_layer":            sizeKeys["num_hidden_layers"],
		"n_head":             sizeKeys["num_attention_heads"],
		"layer_norm_epsilon": func(c transformer.Config) any { return c.Eps },
		"hidden_dropout":     func(c transformer.Config) any { return c.Dropout },
		"slow_but_exact":     func(c transformer.Config) any { return len(c.Warnings) > 0 },
		"pretraining_tp":     func(transformer.Config) any { return 1.0 }, // with slow_but_exact
		// Seen by the logits of bloom-postnorm.
		"apply_residual_connection_post_layernorm": func(transformer.Config) any { return false },
	},
}

// withoutEffect are keys that change no number of a forward pass or of training here.
var withoutEffect = map[string]string{
	"initializer_range": "weights come from the file", "init_std": "weights come from the file", "use_cache": "how it is computed",
	"attention_dropout": "left out, as the families' files say", "attn_pdrop": "left out, as the families' files say", "layerdrop": "training of whole layers, 0 in all published",
	"pad_token_id": "StopTokens, Tokenizer", "bos_token_id": "StopTokens, Tokenizer", "eos_token_id": "StopTokens",
	"summary_type": "no head of ours", "summary_use_proj": "no head of ours", "summary_activation": "no head of ours",
	"summary_proj_to_labels": "no head of ours", "summary_first_dropout": "no head of ours", "reorder_and_upcast_attn": "the order of sums",
}

// ifNot is v, or nil where it is what a class puts in the place of None.
func ifNot[T comparable](v, standard T) any {
	if v == standard {
		return nil
	}
	return v
}

// TestAbsentKeysHaveTheDefaultsOfTransformers goes through every key of every class.
func TestAbsentKeysHaveTheDefaultsOfTransformers(t *testing.T) {
	for family, class := range readDefaults(t) {
		c, err := transformer.ParseConfig(fmt.Appendf(nil, `{"model_type":%q}`, family))
		if err != nil {
			t.Errorf("%s: %v", family, err)
			continue
		}
		table := configKeys[family]
		for key, k := range class.Keys {
			read, ok := table[key]
			if !ok && (family == "opt" || family == "llama") {
				read, ok = sizeKeys[key]
			}
			switch {
			case !ok && withoutEffect[key] == "" && !(family == "llama" && key == "pretraining_tp"): // of which LLaMA reads nothing
				t.Errorf("%s: %s (%s) is in no table", family, key, k.Source)
			case ok && read(c) != k.Default:
				t.Errorf("%s: %s is %v without the key, transformers has %v (%s)", family, key, read(c), k.Default, k.Source)
			}
		}
		for key := range table {
			if _, ok := class.Keys[key]; !ok {
				t.Errorf("%s: %s is no key of the class", family, key)
			}
		}
		tied := class.Effective["tie_word_embeddings"]
		if eos := class.Effective["eos_token_id"]; c.Tied != tied || fmt.Sprint((&transformer.Checkpoint{Config: c}).StopTokens()) != fmt.Sprintf("[%v]", eos) {
			t.Errorf("%s: tied %t, ends %v; want %v, %v", family, c.Tied, (&transformer.Checkpoint{Config: c}).StopTokens(), tied, eos)
		}
	}
}

// TestWholeDumpsAreRead: what save_pretrained writes of a class, and the same with the
// keys of another name, is the class's configuration.
func TestWholeDumpsAreRead(t *testing.T) {
	for family, class := range readDefaults(t) {
		bare, err := transformer.ParseConfig(fmt.Appendf(nil, `{"model_type":%q}`, family))
		if err != nil {
			t.Fatal(err)
		}
		dump, err := transformer.ParseConfig(class.Dump)
		if err != nil {
			t.Errorf("%s: %v", family, err)
			continue
		}
		sameConfig(t, family, dump, bare)
		for alias, key := range class.Aliases {
			value := 24.0
			if key == "n_head" {
				value = 32
			}
			other, err := transformer.ParseConfig(with(t, string(class.Dump), map[string]any{alias: value, key: 5}))
			if read := configKeys[family][key]; err != nil || read(other) != value {
				t.Errorf("%s: %s with %s beside it is not %v: %v", family, alias, key, value, err)
			}
		}
	}
}

func sameConfig(t *testing.T, what string, got, want transformer.Config) {
	t.Helper()
	got.Raw, want.Raw = nil, nil
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestNullIsPythons: None stands for the default where a class takes it, and for false.
func TestNullIsPythons(t *testing.T) {
	null := func(base string, keys ...string) transformer.Config {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(base), &m); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			m[k] = nil
		}
		data, _ := json.Marshal(m)
		c, err := transformer.ParseConfig(data)
		if err != nil {
			t.Error(err)
		}
		return c
	}
	if c := null(llamaConfig, "num_key_value_heads", "head_dim", "rope_scaling", "rope_parameters", "quantization_config", "sliding_window", "torch_dtype"); c.KVHeads != 32 || c.HeadDim != 128 {
		t.Errorf("LLaMA: %+v", c)
	}
	if c := null(optConfig, "word_embed_proj_dim", "tie_word_embeddings", "enable_bias"); c.EmbedWidth != 768 || c.Tied || c.Bias {
		t.Errorf("OPT: %+v", c)
	}
	if c := null(string(with(t, bloomConfig, map[string]any{"hidden_size": 512, "num_hidden_layers": 3, "num_attention_heads": 8})), "n_embed", "n_layer", "n_head"); c.Width != 512 || c.Layers != 3 || c.Heads != 8 {
		t.Errorf("BLOOM with one name null: %+v", c)
	}
	if c := null(gpt2Config, "n_inner", "summary_activation"); c.FeedForward != 3072 {
		t.Errorf("GPT-2: %+v", c)
	}
}

// TestKeysThatMatterAreNotDropped: a key that nobody reads and that may change the
// arithmetic is an error that names it and its value.
func TestKeysThatMatterAreNotDropped(t *testing.T) {
	for _, c := range []struct {
		base  string
		key   string
		value any
	}{
		{llamaConfig, "quantization_config", map[string]any{"quant_method": "gptq", "bits": 4}},
		{llamaConfig, "quantization", map[string]any{"group_size": 64, "bits": 4}}, // MLX
		{llamaConfig, "compression_config", map[string]any{"format": "pack-quantized"}},
		{llamaConfig, "sliding_window", 4096}, {llamaConfig, "max_window_layers", 3}, {llamaConfig, "layer_types", []any{"sliding_attention"}},
		{llamaConfig, "attention_chunk_size", 8192}, {llamaConfig, "no_rope_layers", []any{1, 0}}, {llamaConfig, "no_rope_layer_interval", 4},
		{llamaConfig, "final_logit_softcapping", 30.0}, {llamaConfig, "attn_logit_softcapping", 50.0}, {llamaConfig, "query_pre_attn_scalar", 224},
		{llamaConfig, "logits_scaling", 8.0}, {llamaConfig, "logit_scale", 0.0625}, {llamaConfig, "embedding_multiplier", 12.0},
		{llamaConfig, "residual_multiplier", 0.22}, {llamaConfig, "attention_multiplier", 0.015625}, {llamaConfig, "scale_emb", 12},
		{llamaConfig, "scale_depth", 1.4}, {llamaConfig, "attn_temperature_tuning", 4}, {llamaConfig, "use_qk_norm", true}, {llamaConfig, "qk_layernorm", true},
		{llamaConfig, "norm_type", "layernorm"}, {llamaConfig, "layer_norm_eps", 1e-5}, {llamaConfig, "partial_rotary_factor", 0.5}, {llamaConfig, "rotary_pct", 0.25},
		{llamaConfig, "rope_interleaved", true}, {llamaConfig, "rope_local_base_freq", 1e4}, {llamaConfig, "alibi", true}, {llamaConfig, "num_local_experts", 8},
		{llamaConfig, "num_experts_per_tok", 2}, {llamaConfig, "moe_intermediate_size", 512}, {llamaConfig, "clip_qkv", 8.0}, {llamaConfig, "qkv_bias", true},
		{llamaConfig, "kv_lora_rank", 512}, {llamaConfig, "pruned_heads", map[string]any{"0": []any{1}}}, {llamaConfig, "is_encoder_decoder", true},
		{llamaConfig, "position_embedding_type", "alibi"}, {llamaConfig, "attention_sink_size", 4}, {llamaConfig, "use_parallel_residual_scaling", 2},
		{optConfig, "rope_theta", 10000.0}, {optConfig, "attn_scale", 2.0}, {optConfig, "quantization_config", map[string]any{"load_in_8bit": true}},
		{gpt2Config, "scale_attn_by_sqrt", true}, {gpt2Config, "multi_query_attention", true}, {gpt2Config, "alibi_bias_max", 8}, {gpt2Config, "rotary_dim", 64},
		{bloomConfig, "logit_softcap", 20.0}, {bloomConfig, "sliding_window", 128}, {bloomConfig, "residual_scale", 0.5},
	} {
		_, err := transformer.ParseConfig(with(t, c.base, map[string]any{c.key: c.value}))
		if err == nil {
			t.Errorf("%s %v is accepted", c.key, c.value)
			continue
		}
		value, _ := json.Marshal(c.value)
		oneLine(t, err, c.key, string(value[:min(len(value), 20)]))
	}
}

// TestWindowsThatAreOff: the size of a sliding window that is switched off changes
// nothing; without the switch, or switched on, it may.
func TestWindowsThatAreOff(t *testing.T) {
	want, err := transformer.ParseConfig([]byte(llamaConfig))
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []any{false, json.RawMessage("null")} {
		got, err := transformer.ParseConfig(with(t, llamaConfig, map[string]any{"use_sliding_window": off, "sliding_window": 4096, "max_window_layers": 28}))
		if err != nil {
			t.Fatal(err)
		}
		sameConfig(t, fmt.Sprint(off), got, want)
	}
	for _, on := range []map[string]any{
		{"use_sliding_window": true, "sliding_window": 4096}, {"sliding_window": 4096}, {"max_window_layers": 28},
		{"use_sliding_window": false, "sliding_window": 4096, "layer_types": []any{"sliding_attention"}},
	} {
		if _, err := transformer.ParseConfig(with(t, llamaConfig, on)); err == nil {
			t.Errorf("%v is accepted", on)
		}
	}
}

// TestWholeNumbersWrittenAsFloats: what other programs make of 4096.
func TestWholeNumbersWrittenAsFloats(t *testing.T) {
	llama3 := `{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192`
	want, err := transformer.ParseConfig(with(t, llamaConfig, map[string]any{"rope_scaling": json.RawMessage(llama3 + "}")}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := transformer.ParseConfig(with(t, llamaConfig, map[string]any{
		"max_position_embeddings": json.RawMessage("4096.0"), "vocab_size": json.RawMessage("32000.0"), "rope_scaling": json.RawMessage(llama3 + ".0}"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	sameConfig(t, "floats", got, want)
	for _, wrong := range []string{"4096.5", `"4096.0"`, "4096.00x", "[4096.0]"} {
		if _, err := transformer.ParseConfig([]byte(strings.Replace(llamaConfig, "4096,", wrong+",", 1))); err == nil {
			t.Errorf("hidden_size %s is accepted", wrong)
		}
	}
}

// TestKeysThatDoNotMatterPass: what means nothing, is switched off, or is of training,
// generation or another program.
func TestKeysThatDoNotMatterPass(t *testing.T) {
	for base, fields := range map[string]map[string]any{
		llamaConfig: {
			"architectures": []any{"LlamaForCausalLM"}, "_name_or_path": "x", "use_cache": true, "initializer_range": 0.02, "pretraining_tp": 1,
			"attention_dropout": 0.1, "transformers_version": "4.31", "is_llama_config": true, "rope_interleaved": false, "rope_scaling": json.RawMessage("null"),
			"transformers.js_config": map[string]any{"kv_cache_dtype": "q4"}, "max_sequence_length": 2048, "sliding_window": json.RawMessage("null"),
			"layer_types": []any{"full_attention", "full_attention"}, "partial_rotary_factor": 1.0, "logit_scale": 1.0, "embedding_multiplier": 1, "use_sliding_window": false, "attn_implementation": "eager",
			"_attn_implementation_autoset": true, "_flash_attn_2_enabled": true, "num_experts": 0, "quantization_config": json.RawMessage("null"),
			"_pre_quantization_dtype": "float16", "auto_map": map[string]any{"AutoConfig": "m.C"}, "unsloth_version": "2024.9", "rms_norm_eps": 1e-5, "pruned_heads": map[string]any{},
			"repetition_penalty": 1.1, "temperature": 0.6, "renormalize_logits": true, "output_attentions": true, "bos_token_id": 1, "position_embedding_type": "default",
			"task_specific_params": map[string]any{"text-generation": map[string]any{"do_sample": true}}, "seq_len": 2048, "tokenizer_class": "LlamaTokenizer",
		},
		optConfig: {
			"activation_dropout": 0.0, "attention_dropout": 0.0, "layerdrop": 0.0, "init_std": 0.02, "prefix": "</s>", "_remove_final_layer_norm": false,
			"output_projection": true, "pad_token_id": 1,
		},
		gpt2Config: {
			"summary_type": "cls_index", "reorder_and_upcast_attn": true, "gradient_checkpointing": false, "_num_labels": 1, "attn_pdrop": 0.1,
			"id2label": map[string]any{"0": "LABEL_0"}, "predict_special_tokens": true, "output_past": true,
		},
		bloomConfig: {
			"attention_softmax_in_fp32": true, "masked_softmax_fusion": true, "bias_dropout_fusion": true, "skip_bias_add": true, "skip_bias_add_qkv": false,
			"offset_alibi": 100, "unk_token_id": 0, "slow_but_exact": false, "pretraining_tp": 4,
		},
	} {
		want, err := transformer.ParseConfig([]byte(base))
		if err != nil {
			t.Fatal(err)
		}
		got, err := transformer.ParseConfig(with(t, base, fields))
		if err != nil {
			t.Errorf("%s: %v", want.Family, err)
			continue
		}
		sameConfig(t, want.Family, got, want)
	}
}

// TestPythonsNumbersInUnusedFields: NaN and Infinity, which Python's JSON has, and texts
// that look like them.
func TestPythonsNumbersInUnusedFields(t *testing.T) {
	c, err := transformer.ParseConfig([]byte(strings.Replace(llamaConfig, `{`, `{"loss":NaN,"limits":[0,Infinity,-Infinity],"name":"\"NaN","big":1e999,`, 1)))
	if err != nil || c.Raw["name"] != `"NaN` {
		t.Errorf("%v, %v", c.Raw, err)
	}
	if _, err := json.Marshal(c.Raw); err != nil {
		t.Error(err)
	}
	c, err = transformer.ParseConfig([]byte(strings.Replace(llamaConfig, `{`, `{"rope_parameters":{"rope_theta":5e5,"note":NaN},`, 1)))
	if err != nil || c.RoPE.Theta != 5e5 || c.Raw["rope_theta"] != 5e5 {
		t.Errorf("%v, %v", c.Raw, err)
	}
	for _, field := range []string{`"rms_norm_eps":NaN`, `"hidden_size":Infinity`, `"logit_scale":NaN`} {
		key, _, _ := strings.Cut(strings.Trim(field, `"`), `"`)
		if _, err := transformer.ParseConfig([]byte(strings.Replace(strings.Replace(llamaConfig, `"`+key+`"`, `"x"`, 1), `{`, `{`+field+`,`, 1))); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestSlowButExactWarns: transformers computes something else then.
func TestSlowButExactWarns(t *testing.T) {
	for parts, want := range map[int]int{1: 0, 2: 1} {
		c, err := transformer.ParseConfig(with(t, bloomConfig, map[string]any{"slow_but_exact": true, "pretraining_tp": parts}))
		if err != nil || len(c.Warnings) != want {
			t.Errorf("%d parts: %q, %v", parts, c.Warnings, err)
		}
	}
}
