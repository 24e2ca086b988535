package transformer

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/formats/gguf"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
)

// A GGUF file names tensors its own way, keeps the configuration as metadata
// and stores q and k with the rows of each head interleaved (llama.cpp's
// convert_hf_to_gguf.py, LlamaModel.permute).

var ggufNames = map[string]string{
	"token_embd":  "model.embed_tokens",
	"output_norm": "model.norm",
	"output":      "lm_head",
	"attn_norm":   "input_layernorm",
	"ffn_norm":    "post_attention_layernorm",
	"attn_q":      "self_attn.q_proj",
	"attn_k":      "self_attn.k_proj",
	"attn_v":      "self_attn.v_proj",
	"attn_output": "self_attn.o_proj",
	"ffn_gate":    "mlp.gate_proj",
	"ffn_up":      "mlp.up_proj",
	"ffn_down":    "mlp.down_proj",
}

var ggufBlock = regexp.MustCompile(`^blk\.(\d{1,4})\.(\w+)\.(weight|bias)$`)

// ropeFactors divides the inverse frequencies (LLaMA 3.1 and later).
const ropeFactors = "rope_freqs.weight"

func openGGUF(path string) (*Checkpoint, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: path, Dir: filepath.Dir(path), GGUF: f, source: f, names: map[string]string{}}
	if c.Config, err = ggufConfig(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c.named(fromGGUFName)
}

// fromGGUFName returns transformers' name for a tensor. An unknown tensor keeps its own
// name, so that the check of the checkpoint reports it. The rope factors are left out:
// they belong to the configuration.
func fromGGUFName(name string) string {
	if name == ropeFactors {
		return ""
	}
	if m := ggufBlock.FindStringSubmatch(name); m != nil {
		if hf, ok := ggufNames[m[2]]; ok {
			return "model.layers." + m[1] + "." + hf + "." + m[3]
		}
		return name
	}
	base, kind, _ := strings.Cut(name, ".")
	if hf, ok := ggufNames[base]; ok {
		return hf + "." + kind
	}
	return name
}

func ggufConfig(f *gguf.File) (Config, error) {
	arch, _ := f.String("general.architecture")
	if arch != "llama" {
		return Config{}, fmt.Errorf("general.architecture %s is not supported (llama)", formats.Quote(arch))
	}
	number := func(key string, standard int) int {
		if v, ok := f.Uint("llama." + key); ok && v < 1<<31 {
			return int(v)
		}
		return standard
	}
	c := Config{
		Family: "llama", Layers: number("block_count", 0), Width: number("embedding_length", 0),
		Heads: number("attention.head_count", 0), FeedForward: number("feed_forward_length", 0),
		MaxPositions: number("context_length", 0), Activation: kernels.SiLU, NormAffine: true,
	}
	c.EmbedWidth = c.Width
	c.KVHeads = number("attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = number("attention.key_length", c.Width/c.Heads)
	}
	if e, ok := f.Entry("token_embd.weight"); ok && len(e.Shape) == 2 {
		c.Vocab = e.Shape[0]
	}
	c.Eps, _ = f.Float("llama.attention.layer_norm_rms_epsilon")
	c.Eps = float64(float32(c.Eps))
	_, own := f.Entry("output.weight")
	c.Tied = !own
	_, c.Bias = f.Entry("blk.0.attn_q.bias")
	_, c.MLPBias = f.Entry("blk.0.ffn_up.bias")
	theta, ok := f.Float("llama.rope.freq_base")
	if !ok {
		theta = 10000
	}
	c.RoPE = nn.RoPE{Dim: number("rope.dimension_count", c.HeadDim), Theta: theta, MaxPositions: c.MaxPositions}
	if err := c.ggufScaling(f); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	c.Raw = c.llamaJSON()
	return c, nil
}

func (c *Config) ggufScaling(f *gguf.File) error {
	kind, _ := f.String("llama.rope.scaling.type")
	switch kind {
	case "", "none":
	case "linear":
		c.RoPE.Type = "linear"
		c.RoPE.Factor, _ = f.Float("llama.rope.scaling.factor")
	default:
		return fmt.Errorf("llama.rope.scaling.type %s is not supported (linear)", formats.Quote(kind))
	}
	e, ok := f.Entry(ropeFactors)
	if !ok {
		return nil
	}
	if len(e.Shape) != 1 || e.Shape[0] != c.RoPE.Dim/2 || e.DType != tensor.F32 {
		return fmt.Errorf("tensor %q has shape %v and type %s, want [%d] and F32", ropeFactors, e.Shape, e.DType, c.RoPE.Dim/2)
	}
	data, err := f.Bytes(ropeFactors)
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

// permutedHeads returns the number of heads by which a GGUF tensor's rows are
// interleaved, or 0.
func (c *Checkpoint) permutedHeads(name string) int {
	switch {
	case c.GGUF == nil:
		return 0
	case strings.Contains(name, ".self_attn.q_proj."):
		return c.Config.Heads
	case strings.Contains(name, ".self_attn.k_proj."):
		return c.Config.KVHeads
	}
	return 0
}

// unpermute copies rows so that each head's first half of rotary rows comes
// before its second: row (h, j, i) of the result is row (h, i, j) of the file,
// i < K/2, j < 2.
func unpermute(data []byte, rows, heads int) []byte {
	size := len(data) / rows
	headDim := rows / heads
	out := make([]byte, len(data))
	for r := range rows {
		h, in := r/headDim, r%headDim
		j, i := in/(headDim/2), in%(headDim/2)
		from := (h*headDim + 2*i + j) * size
		copy(out[r*size:(r+1)*size], data[from:from+size])
	}
	return out
}
