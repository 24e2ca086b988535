package transformer

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"lamina/formats/gguf"
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
	if len(f.Names()) == 0 {
		f.Close()
		return nil, fmt.Errorf("%s: holds no tensors: a vocabulary only, which lamina tokenize reads", path)
	}
	if c.Config, err = ggufConfig(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	tokens := newGGUFTokens(f)
	tokens.roleIDs(c.Config.Raw)
	c.Config.Warnings = append(c.Config.Warnings, tokens.meta.Warnings...)
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
