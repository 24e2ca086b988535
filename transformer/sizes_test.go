package transformer_test

import (
	"encoding/json"
	"testing"

	"lamina/autograd"
	"lamina/nn"
	"lamina/transformer"
)

// counter is a Source that holds nothing and counts the weights asked for.
type counter struct{ weights int }

func (c *counter) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	n := 1
	for _, d := range shape {
		n *= d
	}
	c.weights += n
	return &autograd.Parameter{Name: name}
}

// TestPublishedSizes builds every published OPT, GPT-2 and BLOOM, and some LLaMAs,
// without their weights, and compares the number of parameters with that of transformers 4.51.3
// (its models on torch's meta device).
func TestPublishedSizes(t *testing.T) {
	opt := func(width, layers, heads int, more map[string]any) map[string]any {
		c := map[string]any{"model_type": "opt", "vocab_size": 50272, "hidden_size": width, "num_hidden_layers": layers,
			"num_attention_heads": heads, "ffn_dim": 4 * width, "max_position_embeddings": 2048, "word_embed_proj_dim": width}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	llama := func(width, hidden, layers, heads, kv, vocab int, tied bool) map[string]any {
		return map[string]any{"model_type": "llama", "vocab_size": vocab, "hidden_size": width, "intermediate_size": hidden,
			"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv, "max_position_embeddings": 2048,
			"tie_word_embeddings": tied}
	}
	gpt2 := func(width, layers, heads int) map[string]any {
		return map[string]any{"model_type": "gpt2", "vocab_size": 50257, "n_embd": width, "n_layer": layers, "n_head": heads, "n_positions": 1024}
	}
	bloom := func(width, layers, heads int) map[string]any {
		return map[string]any{"model_type": "bloom", "vocab_size": 250880, "n_embed": width, "n_layer": layers, "num_attention_heads": heads}
	}
	for _, c := range []struct {
		name   string
		config map[string]any
		params int
	}{
		{"opt-125m", opt(768, 12, 12, nil), 125_239_296},
		{"opt-350m", opt(1024, 24, 16, map[string]any{"word_embed_proj_dim": 512, "do_layer_norm_before": false}), 331_196_416},
		{"opt-1.3b", opt(2048, 24, 32, nil), 1_315_758_080},
		{"opt-2.7b", opt(2560, 32, 32, nil), 2_651_596_800},
		{"opt-6.7b", opt(4096, 32, 32, nil), 6_658_473_984},
		{"opt-13b", opt(5120, 40, 40, nil), 12_853_473_280},
		{"opt-30b", opt(7168, 48, 56, nil), 29_974_540_288},
		{"opt-66b", opt(9216, 64, 72, nil), 65_719_701_504},
		{"llama-2-7b", llama(4096, 11008, 32, 32, 32, 32000, false), 6_738_415_616},
		{"llama-3.1-8b", llama(4096, 14336, 32, 32, 8, 128256, false), 8_030_261_248},
		{"distilgpt2", gpt2(768, 6, 12), 81_912_576},
		{"gpt2", gpt2(768, 12, 12), 124_439_808},
		{"gpt2-medium", gpt2(1024, 24, 16), 354_823_168},
		{"gpt2-large", gpt2(1280, 36, 20), 774_030_080},
		{"gpt2-xl", gpt2(1600, 48, 25), 1_557_611_200},
		{"bloom-560m", bloom(1024, 24, 16), 559_214_592},
		{"bloom-1b1", bloom(1536, 24, 16), 1_065_314_304},
		{"bloom-1b7", bloom(2048, 24, 16), 1_722_408_960},
		{"bloom-3b", bloom(2560, 30, 32), 3_002_557_440},
		{"bloom-7b1", bloom(4096, 30, 32), 7_069_016_064},
		{"bloom", bloom(14336, 70, 112), 176_247_271_424},
		{"smollm2-135m", llama(576, 1536, 30, 9, 3, 49152, true), 134_515_008},
	} {
		data, err := json.Marshal(c.config)
		if err != nil {
			t.Fatal(err)
		}
		config, err := transformer.ParseConfig(data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := config.Params(); got != c.params {
			t.Errorf("%s: Params says %d weights, want %d", c.name, got, c.params)
		}
		var asked counter
		transformer.New(config, &asked)
		if asked.weights != c.params {
			t.Errorf("%s: the model asks for %d weights, want %d", c.name, asked.weights, c.params)
		}
	}
}
