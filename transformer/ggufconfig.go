package transformer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/formats/gguf"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// ggufKeys reads metadata as [keys] does those of a config.json: who reads a key takes
// it, a value of the wrong kind is an error that sticks, and so is a key that is left and
// could change a number.
type ggufKeys struct {
	f      *gguf.File
	layers int
	taken  map[string]bool
	err    error
}

func (k *ggufKeys) wrong(key, want string) {
	if k.err == nil {
		k.err = fmt.Errorf("%s is %s (want %s)", key, k.shown(key), want)
	}
}

// shown is a value for messages.
func (k *ggufKeys) shown(key string) string { return short(k.json(key)) }

// json is a value as JSON has it; of an array that is no list of integers only its type.
func (k *ggufKeys) json(key string) json.RawMessage {
	v, _ := k.f.Meta(key)
	var decoded any = v.Type.String()
	if n, ok := v.Int(); ok {
		decoded = n
	} else if x, ok := v.Float(); ok && !math.IsNaN(x) && !math.IsInf(x, 0) {
		decoded = x
	} else if b, ok := v.Bool(); ok {
		decoded = b
	} else if s, ok := v.Text(); ok {
		decoded = s
	} else if list, ok := v.Ints(); ok {
		decoded = list
	}
	text, _ := json.Marshal(decoded) // of these kinds it always can
	return text
}

// take notes that a key was read and reports whether it is there.
func (k *ggufKeys) take(key string) bool {
	k.taken[key] = true
	_, ok := k.f.Meta(key)
	return ok
}

// int is a whole number below 2^31, or a list with one for each layer, which must be
// equal; standard where the key is not there.
func (k *ggufKeys) int(key string, standard int) int {
	if !k.take(key) {
		return standard
	}
	if v, ok := k.f.Uint(key); ok && v < 1<<31 {
		return int(v)
	}
	if list, ok := k.f.Ints(key); ok && len(list) > 0 && len(list) == k.layers && list[0] >= 0 && list[0] < 1<<31 {
		if slices.Min(list) == slices.Max(list) {
			return int(list[0])
		}
		k.wrong(key, "the same number for every layer")
		return standard
	}
	k.wrong(key, "a whole number")
	return standard
}

func (k *ggufKeys) float(key string, standard float64) float64 {
	if !k.take(key) {
		return standard
	}
	v, ok := k.f.Float(key)
	if !ok {
		k.wrong(key, "a float")
	}
	return v
}

func (k *ggufKeys) text(key, standard string) string {
	if !k.take(key) {
		return standard
	}
	v, ok := k.f.String(key)
	if !ok {
		k.wrong(key, "a text")
	}
	return v
}

// unread is [keys.unread] for the keys of the architecture and of split files.
func (k *ggufKeys) unread(prefix string) error {
	if k.err != nil {
		return k.err
	}
	for _, key := range k.f.Keys() {
		if k.taken[key] || !strings.HasPrefix(key, prefix) || !matters(key) || neutral(key, k.json(key)) {
			continue
		}
		if strings.HasSuffix(key, "scale") && k.shown(key) == "0" {
			continue // how llama.cpp writes that there is none
		}
		return fmt.Errorf("%s is %s: it may change what the model computes and is not supported", formats.Quote(key), k.shown(key))
	}
	return nil
}

// required returns an error for a key that llama.cpp wants to be there, with the name
// that transformers has for it.
func (k *ggufKeys) required() error {
	for _, key := range [][2]string{
		{"block_count", "num_hidden_layers"}, {"embedding_length", "hidden_size"}, {"context_length", "max_position_embeddings"},
		{"attention.head_count", "num_attention_heads"}, {"feed_forward_length", "intermediate_size"},
		{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
	} {
		if _, ok := k.f.Meta("llama." + key[0]); !ok {
			return fmt.Errorf("llama.%s (%s) is missing and has no default: convert the model again", key[0], key[1])
		}
	}
	return nil
}

// ggufConfig reads the metadata with the defaults that llama.cpp has for what is not
// there (llama_model::load_hparams).
func ggufConfig(f *gguf.File) (Config, error) {
	k := &ggufKeys{f: f, taken: map[string]bool{}}
	if kind := k.text("general.type", "model"); k.err == nil && kind != "model" {
		return Config{}, fmt.Errorf("general.type %s is no model", formats.Quote(kind))
	}
	if arch := k.text("general.architecture", ""); arch != "llama" || k.err != nil {
		return Config{}, fmt.Errorf("general.architecture %s is not supported (llama)", formats.Quote(arch))
	}
	if err := k.required(); err != nil {
		return Config{}, err
	}
	c := Config{
		Family: "llama", Layers: k.int("llama.block_count", 0), Width: k.int("llama.embedding_length", 0),
		MaxPositions: k.int("llama.context_length", 0), Activation: kernels.SiLU, NormAffine: true,
	}
	k.layers = c.Layers
	c.Heads, c.FeedForward = k.int("llama.attention.head_count", 0), k.int("llama.feed_forward_length", 0)
	c.EmbedWidth = c.Width
	c.KVHeads = k.int("llama.attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = k.int("llama.attention.key_length", c.Width/c.Heads)
		if v := k.int("llama.attention.value_length", c.Width/c.Heads); k.err == nil && v != c.HeadDim {
			return Config{}, fmt.Errorf("llama.attention.value_length is %d (want that of keys, %d)", v, c.HeadDim)
		}
	}
	if e, ok := f.Entry("token_embd.weight"); ok && len(e.Shape) == 2 {
		c.Vocab = e.Shape[0]
	}
	c.Eps = float64(float32(k.float("llama.attention.layer_norm_rms_epsilon", 0)))
	_, own := f.Entry("output.weight")
	c.Tied = !own
	_, c.Bias = f.Entry("blk.0.attn_q.bias")
	_, c.MLPBias = f.Entry("blk.0.ffn_up.bias")
	c.RoPE = nn.RoPE{Dim: k.int("llama.rope.dimension_count", c.HeadDim), Theta: k.float("llama.rope.freq_base", 10000), MaxPositions: c.MaxPositions}
	if err := c.ggufScaling(k); err != nil {
		return Config{}, err
	}
	const causal = "llama.attention.causal"
	if k.take(causal) && k.shown(causal) != "true" {
		k.wrong(causal, "true: only models that read from left to right are supported")
	}
	k.take("llama.attention.layer_norm_epsilon") // of other norms: llama.cpp does not read it for the architecture
	if err := k.unread("llama."); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	c.Raw = c.llamaJSON()
	return c, nil
}

// ggufScaling reads the scaling of rotary positions. A factor without a type is linear,
// and so is the key of the first files.
func (c *Config) ggufScaling(k *ggufKeys) error {
	const rope = "llama.rope."
	kind := k.text(rope+"scaling.type", "linear")
	factor := k.float(rope+"scale_linear", 0)
	factor = k.float(rope+"scaling.factor", factor)
	if k.err != nil {
		return k.err
	}
	switch kind {
	case "none": // llama.cpp reads no factor then
	case "linear":
		if factor != 0 && factor != 1 { // 0 is none
			c.RoPE.Type, c.RoPE.Factor = "linear", factor
		}
	default:
		return fmt.Errorf("%sscaling.type %s is not supported (none, linear)", rope, formats.Quote(kind))
	}
	for _, key := range []string{"original_context_length", "finetuned", "yarn_log_multiplier", "yarn_ext_factor", "yarn_attn_factor",
		"yarn_beta_fast", "yarn_beta_slow"} {
		k.take(rope + "scaling." + key) // of types that are refused
	}
	e, ok := k.f.Entry(ropeFactors)
	if !ok {
		return nil
	}
	if len(e.Shape) != 1 || e.Shape[0] != c.RoPE.Dim/2 || e.DType != tensor.F32 {
		return fmt.Errorf("tensor %q has shape %v and type %s, want [%d] and F32", ropeFactors, e.Shape, e.DType, c.RoPE.Dim/2)
	}
	data, err := k.f.Bytes(ropeFactors)
	if err != nil {
		return err
	}
	c.RoPE.Factors = make([]float32, c.RoPE.Dim/2)
	tensor.DecodeF32(c.RoPE.Factors, data, tensor.F32)
	return nil
}

// llamaJSON returns the config.json that transformers reads for c.
func (c Config) llamaJSON() map[string]any {
	raw := map[string]any{
		"architectures": []any{"LlamaForCausalLM"}, "model_type": "llama", "torch_dtype": "float32",
		"vocab_size": c.Vocab, "hidden_size": c.Width, "intermediate_size": c.FeedForward,
		"num_hidden_layers": c.Layers, "num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads,
		"head_dim": c.HeadDim, "max_position_embeddings": c.MaxPositions, "rms_norm_eps": c.Eps,
		"rope_theta": c.RoPE.Theta, "hidden_act": "silu", "tie_word_embeddings": c.Tied,
		"attention_bias": c.Bias, "mlp_bias": c.MLPBias, "use_cache": true,
	}
	if c.RoPE.Type == "linear" {
		raw["rope_scaling"] = map[string]any{"rope_type": "linear", "factor": c.RoPE.Factor}
	}
	if r, ok := asLLaMA3(c.RoPE); ok {
		raw["rope_scaling"] = map[string]any{
			"rope_type": "llama3", "factor": r.Factor, "low_freq_factor": r.LowFreq, "high_freq_factor": r.HighFreq,
			"original_max_position_embeddings": r.OriginalPositions,
		}
	}
	return raw
}

// asLLaMA3 recognises in rope factors the scaling of LLaMA 3.1 to 3.3, which
// differ in Factor alone: the largest of them.
func asLLaMA3(r nn.RoPE) (nn.RoPE, bool) {
	if r.Factors == nil || r.Type != "" {
		return r, false
	}
	scaled := nn.RoPE{
		Dim: r.Dim, Theta: r.Theta, MaxPositions: r.MaxPositions, Type: "llama3",
		Factor: float64(slices.Max(r.Factors)), LowFreq: 1, HighFreq: 4, OriginalPositions: 8192,
	}
	got := scaled.InverseFrequencies(1)
	for i, want := range r.InverseFrequencies(1) {
		if math.Abs(float64(got[i]-want)) > 1e-5*float64(want) {
			return r, false
		}
	}
	return scaled, true
}
