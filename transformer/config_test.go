package transformer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

const (
	optConfig = `{"model_type":"opt","vocab_size":50272,"hidden_size":768,"num_hidden_layers":12,"num_attention_heads":12,` +
		`"ffn_dim":3072,"max_position_embeddings":2048,"word_embed_proj_dim":768,"do_layer_norm_before":true}`
	llamaConfig = `{"model_type":"llama","vocab_size":32000,"hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,` +
		`"num_key_value_heads":8,"intermediate_size":11008,"max_position_embeddings":4096,"rms_norm_eps":1e-5}`
	// As published, but for what no code reads.
	gpt2Config = `{"model_type":"gpt2","activation_function":"gelu_new","attn_pdrop":0.1,"embd_pdrop":0.1,"layer_norm_epsilon":1e-05,` +
		`"n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"resid_pdrop":0.1,"vocab_size":50257}`
	bloomConfig = `{"model_type":"bloom","apply_residual_connection_post_layernorm":false,"attention_dropout":0.0,"hidden_dropout":0.0,` +
		`"layer_norm_epsilon":1e-05,"n_embed":1024,"n_inner":null,"n_layer":24,"num_attention_heads":16,"offset_alibi":100,` +
		`"pretraining_tp":1,"seq_length":2048,"vocab_size":250880}`
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
		{optConfig, map[string]any{"model_type": nil}, "model_type is missing"},
		{optConfig, map[string]any{"model_type": "mamba"}, `model_type "mamba" is not supported (opt, llama, gpt2, bloom)`},
		{optConfig, map[string]any{"model_type": "gpt2"}, `"do_layer_norm_before" is true`},
		{optConfig, map[string]any{"model_type": strings.Repeat("x\n", 500)}, "model_type"},
		{optConfig, map[string]any{"model_type": 3}, "model_type"},
		{optConfig, map[string]any{"vocab_size": 0}, "vocab_size"},
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
		{llamaConfig, map[string]any{"intermediate_size": 0}, "intermediate_size"},
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
		{gpt2Config, map[string]any{"n_layer": 0}, "n_layer is 0"},
		{gpt2Config, map[string]any{"n_embd": 770}, "n_embd 770 is no multiple of n_head 12"},
		{gpt2Config, map[string]any{"n_positions": 0}, "n_positions is 0"},
		{gpt2Config, map[string]any{"n_inner": 0}, "n_inner is 0"},
		{gpt2Config, map[string]any{"vocab_size": "many"}, "vocab_size"},
		{gpt2Config, map[string]any{"resid_pdrop": 1.0}, "resid_pdrop"},
		{gpt2Config, map[string]any{"layer_norm_epsilon": 0.0}, "layer_norm_epsilon"},
		{gpt2Config, map[string]any{"activation_function": "quick_gelu"}, "activation_function"},
		{gpt2Config, map[string]any{"add_cross_attention": true}, "add_cross_attention"},
		{bloomConfig, map[string]any{"n_layer": 0}, "n_layer is 0"},
		{bloomConfig, map[string]any{"n_embed": 0}, "hidden_size is 0"},
		{bloomConfig, map[string]any{"num_attention_heads": 7}, "hidden_size 1024 is no multiple of n_head 7"},
		{bloomConfig, map[string]any{"hidden_dropout": -0.5}, "hidden_dropout"},
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

// TestParamsCountsTheWeights compares the count with the tensors of the loaded
// models, whole and by block.
// TestKeysStandOnce, also in the objects inside: programs differ in which of two they take.
func TestKeysStandOnce(t *testing.T) {
	for more, want := range map[string]string{
		`"hidden_size":1024`: `duplicate member "hidden_size"`, `"hidden_\u0073ize":1024`: `duplicate member "hidden_size"`,
		`"task_specific_params":{"a":{"b":1,"b":1}}`: `duplicate member "b"`, `"Hidden_size":1024,"x":NaN`: "",
	} {
		_, err := transformer.ParseConfig([]byte(strings.TrimSuffix(optConfig, "}") + "," + more + "}"))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", more, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"eos_token_id":1,"eos_token_id":2}`: `generation_config.json: byte 34: duplicate member "eos_token_id"`,
		`{"eos_token_id":1,"EOS_token_id":2}`: "", `{`: "",
	} {
		dir := copied(t, "opt-odd")
		if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := transformer.Open(dir)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err != nil {
			continue
		}
		defer c.Close()
		if got := c.StopTokens(); text != "{" && !slices.Equal(got, []int32{1}) {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestParamsCountsTheWeights(t *testing.T) {
	for _, name := range models(t) {
		d, _ := open(t, backends(t)[0], name)
		total, block := 0, 0
		for w := range d.Params() {
			total += w.Value.Len()
		}
		for w := range nn.ParamsOf(d.Blocks[0]) {
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
	c, err = transformer.ParseConfig([]byte(gpt2Config))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Tied || c.FeedForward != 3072 || c.HeadDim != 64 || c.MaxPositions != 1024 || c.Dropout != 0.1 || !c.EmbedDropout ||
		c.Activation != kernels.GELUTanh || c.ScaleByLayer || c.Eps != 1e-5 {
		t.Errorf("GPT-2: %+v", c)
	}
	c, err = transformer.ParseConfig([]byte(bloomConfig))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Tied || c.FeedForward != 4096 || c.HeadDim != 64 || c.MaxPositions != 2048 || c.Dropout != 0 || c.EmbedDropout ||
		c.Activation != kernels.GELUTanh || c.Eps != 1e-5 {
		t.Errorf("BLOOM: %+v", c)
	}
	// lm-eval's order of the keys that state a length.
	for want, fields := range map[int]map[string]any{
		512: {"n_positions": 512, "max_position_embeddings": 600, "n_ctx": 700}, 600: {"max_position_embeddings": 600, "n_ctx": 700}, 700: {"n_ctx": 700},
	} {
		if c, err := transformer.ParseConfig(with(t, bloomConfig, fields)); err != nil || c.MaxPositions != want {
			t.Errorf("BLOOM with %v: %d positions, %v", fields, c.MaxPositions, err)
		}
	}
}

// TestLayersChangeUnderTheFamilysKey: a configuration for another number of layers has
// it once, under the key that transformers writes.
func TestLayersChangeUnderTheFamilysKey(t *testing.T) {
	for base, key := range map[string]string{
		optConfig: "num_hidden_layers", llamaConfig: "num_hidden_layers", gpt2Config: "n_layer",
		string(with(t, bloomConfig, map[string]any{"num_hidden_layers": 24})): "n_layer",
	} {
		c, err := transformer.ParseConfig([]byte(base))
		if err != nil {
			t.Fatal(err)
		}
		raw := c.RawWithLayers(3)
		data, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		less, err := transformer.ParseConfig(data)
		if _, other := raw["num_hidden_layers"]; err != nil || raw[key] != 3 || less.Layers != 3 || other != (key == "num_hidden_layers") || c.Raw[key] == 3 {
			t.Errorf("%s: %v, %v", c.Family, raw, err)
		}
	}
}

// TestLayerNames finds the layer in names and writes it back.
func TestLayerNames(t *testing.T) {
	for family, name := range map[string]string{
		"opt": "model.decoder.layers.7.fc1.weight", "llama": "model.layers.11.mlp.up_proj.weight",
		"gpt2": "transformer.h.0.attn.c_attn.bias", "bloom": "transformer.h.123.mlp.dense_h_to_4h.weight",
	} {
		c := transformer.Config{Family: family}
		layer, own, ok := c.SplitLayerName(name)
		if !ok || c.LayerName(layer)+"."+own != name || c.LayerName(5)+"."+own == name {
			t.Errorf("%s: %s is %q of layer %d, %t", family, name, own, layer, ok)
		}
		for _, other := range []string{"lm_head.weight", "transformer.h.x.ln_1.bias", "transformer.h.01.ln_1.bias", "transformer.h.-1.ln_1.bias",
			"model.layers.3", "model.decoder.layers..fc1.weight", "x." + name} {
			if _, _, ok := c.SplitLayerName(other); ok {
				t.Errorf("%s: %s belongs to a block", family, other)
			}
		}
	}
}

// absent is a Source without data.
type absent struct{}

func (absent) Parameter(name string, _ nn.Initial, _ ...int) *autograd.Parameter {
	return &autograd.Parameter{Name: name}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(optConfig))
	f.Add([]byte(llamaConfig))
	f.Add([]byte(gpt2Config))
	f.Add([]byte(bloomConfig))
	f.Add(with(f, llamaConfig, map[string]any{"rope_scaling": map[string]any{"type": "dynamic", "factor": 2}}))
	f.Add(with(f, llamaConfig, map[string]any{"model_type": "lamina", "num_hidden_layers": 4, "lamina": map[string]any{"model_type": "llama", "forms": []transformer.Form{
		{Map: "linear", Ranks: map[string]int{"gap": 7}}, {Scale: 0.5, Heads: 16, KVHeads: 4}, {Map: "harmonizer", Rank: 64}, {FeedForward: 5000, Ranks: map[string]int{"mlp.up_proj": 9}},
	}}}))
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
