package transformer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/transformer"
)

const (
	optConfig = `{"model_type":"opt","vocab_size":50272,"hidden_size":768,"num_hidden_layers":12,"num_attention_heads":12,` +
		`"ffn_dim":3072,"max_position_embeddings":2048,"word_embed_proj_dim":768,"do_layer_norm_before":true}`
	llamaConfig = `{"model_type":"llama","vocab_size":32000,"hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,` +
		`"num_key_value_heads":8,"intermediate_size":11008,"max_position_embeddings":4096,"rms_norm_eps":1e-5}`
)

func ExampleParseConfig() {
	c, err := transformer.ParseConfig([]byte(optConfig))
	fmt.Println(c, err)
	fmt.Println(c.Params(), c.BlockParams())
	// Output:
	// opt, 12 layers, width 768, 12 heads of 64, feed-forward 3072, vocabulary 50272, 2048 positions <nil>
	// 125239296 7087872
}

// with returns a configuration with some fields set (nil: removed).
func with(t testing.TB, base string, fields map[string]any) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(base), &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range fields {
		m[k] = v
		if v == nil {
			delete(m, k)
		}
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBadConfigsNameTheField also bounds every message to one line.
func TestBadConfigsNameTheField(t *testing.T) {
	rope := func(fields map[string]any) map[string]any { return map[string]any{"rope_scaling": fields} }
	for _, c := range []struct {
		base   string
		fields map[string]any
		want   string
	}{
		{optConfig, map[string]any{"model_type": nil}, "model_type"},
		{optConfig, map[string]any{"model_type": "gpt2"}, `model_type "gpt2"`},
		{optConfig, map[string]any{"model_type": strings.Repeat("x\n", 500)}, "model_type"},
		{optConfig, map[string]any{"model_type": 3}, "model_type"},
		{optConfig, map[string]any{"vocab_size": nil}, "vocab_size"},
		{optConfig, map[string]any{"vocab_size": 1 << 30}, "vocab_size"},
		{optConfig, map[string]any{"vocab_size": "many"}, "vocab_size"},
		{optConfig, map[string]any{"vocab_size": 1.5}, "vocab_size"},
		{optConfig, map[string]any{"hidden_size": -768}, "hidden_size"},
		{optConfig, map[string]any{"hidden_size": 770}, "hidden_size"},
		{optConfig, map[string]any{"num_hidden_layers": 0}, "num_hidden_layers"},
		{optConfig, map[string]any{"num_hidden_layers": 1 << 20}, "num_hidden_layers"},
		{optConfig, map[string]any{"num_attention_heads": 0}, "num_attention_heads"},
		{optConfig, map[string]any{"num_attention_heads": 7}, "num_attention_heads"},
		{optConfig, map[string]any{"ffn_dim": 0}, "ffn_dim"},
		{optConfig, map[string]any{"max_position_embeddings": -1}, "max_position_embeddings"},
		{optConfig, map[string]any{"word_embed_proj_dim": 0}, "word_embed_proj_dim"},
		{optConfig, map[string]any{"activation_function": "quick_gelu"}, "activation_function"},
		{optConfig, map[string]any{"dropout": 1.0}, "dropout"},
		{optConfig, map[string]any{"dropout": -0.1}, "dropout"},
		{optConfig, map[string]any{"_remove_final_layer_norm": true}, "_remove_final_layer_norm"},
		{llamaConfig, map[string]any{"intermediate_size": nil}, "intermediate_size"},
		{llamaConfig, map[string]any{"num_key_value_heads": 5}, "num_key_value_heads"},
		{llamaConfig, map[string]any{"num_key_value_heads": 0}, "num_key_value_heads"},
		{llamaConfig, map[string]any{"head_dim": 0}, "head_dim"},
		{llamaConfig, map[string]any{"head_dim": 33}, "head_dim"},
		{llamaConfig, map[string]any{"hidden_act": "softplus"}, "hidden_act"},
		{llamaConfig, map[string]any{"rms_norm_eps": 0.0}, "rms_norm_eps"},
		{llamaConfig, map[string]any{"rms_norm_eps": -1e-5}, "rms_norm_eps"},
		{llamaConfig, map[string]any{"rope_theta": 0.0}, "rope_theta"},
		{llamaConfig, rope(map[string]any{"rope_type": "yarn", "factor": 2}), `"yarn"`},
		{llamaConfig, rope(map[string]any{"type": "linear"}), "factor"},
		{llamaConfig, rope(map[string]any{"rope_type": "llama3", "factor": 8}), "low_freq_factor"},
	} {
		_, err := transformer.ParseConfig(with(t, c.base, c.fields))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 300 {
			t.Errorf("%v: %.400v, want one line that names %s", c.fields, err, c.want)
		}
	}
	for _, text := range []string{"", "null", "[]", "{", `"opt"`, "{}", optConfig + "x"} {
		if _, err := transformer.ParseConfig([]byte(text)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestParamsCountsTheWeights compares the formula with the tensors of the loaded
// models, whole and by block.
func TestParamsCountsTheWeights(t *testing.T) {
	for _, name := range models(t) {
		d, _ := open(t, backends(t)[0], name)
		total, block := 0, 0
		for w := range d.Params() {
			total += w.Value.Len()
		}
		for w := range d.Blocks[0].Params() {
			block += w.Value.Len()
		}
		if got := d.Config.Params(); got != total {
			t.Errorf("%s: Params %d, the tensors have %d", name, got, total)
		}
		if got := d.Config.BlockParams(); got != block {
			t.Errorf("%s: BlockParams %d, the tensors have %d", name, got, block)
		}
	}
}

func TestDefaultsAreTransformers(t *testing.T) {
	c, err := transformer.ParseConfig([]byte(optConfig))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Tied || !c.Bias || !c.MLPBias || !c.NormAffine || c.PostNorm || c.Dropout != 0.1 || c.Activation != kernels.ReLU || c.Eps != 1e-5 {
		t.Errorf("OPT: %+v", c)
	}
	c, err = transformer.ParseConfig(with(t, llamaConfig, map[string]any{"num_key_value_heads": nil, "rms_norm_eps": nil}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Tied || c.Bias || c.KVHeads != 32 || c.HeadDim != 128 || c.Eps != 1e-6 || c.RoPE.Theta != 10000 || c.RoPE.Dim != 128 || c.Activation != kernels.SiLU {
		t.Errorf("LLaMA: %+v", c)
	}
}

// absent is a Source without data.
type absent struct{}

func (absent) Parameter(name string, _ ...int) *autograd.Parameter {
	return &autograd.Parameter{Name: name}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(optConfig))
	f.Add([]byte(llamaConfig))
	f.Add(with(f, llamaConfig, map[string]any{"rope_scaling": map[string]any{"type": "dynamic", "factor": 2}}))
	paths, err := filepath.Glob("testdata/*/config.json")
	if err != nil || len(paths) < 7 {
		f.Fatal(len(paths), err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := transformer.ParseConfig(data)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("accepted, but not valid: %v", err)
		}
		if d := transformer.New(c, absent{}); len(d.Blocks) != c.Layers || c.BlockParams() < 1 || c.String() == "" {
			t.Errorf("%d blocks of %d weights, want %d", len(d.Blocks), c.BlockParams(), c.Layers)
		}
		if c.Family == "llama" {
			if inv := c.RoPE.InverseFrequencies(c.MaxPositions); len(inv) != c.HeadDim/2 {
				t.Errorf("%d frequencies for heads of %d", len(inv), c.HeadDim)
			}
		}
	})
}
