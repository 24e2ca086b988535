package demo

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"lamina/internal/files"
	"lamina/transformer"
	"lamina/transformer/tokenizer"
)

//go:embed model.safetensors
var weights []byte

// WeightsSHA256 is the digest of the embedded weights, in hexadecimal. They are what
// [Rebuild] gave at commit 4872347.
const WeightsSHA256 = "b33bfd11dd806510c72f9445cd940f6251070c1a61c8b263a328ed9fc6a14e4e"

// The shape of the model: about 0.6 million parameters.
const (
	Layers       = 12
	width        = 64
	heads        = 4
	feedForward  = 4 * width
	maxPositions = 64
)

// WriteModel makes dir, a Hugging Face directory with the demo's model: config,
// tokenizer and F16 weights, for [transformer.Open] and every other reader of
// such directories. An existing dir is an error.
func WriteModel(dir string) error { return writeModel(modelAt(dir, false)) }

func modelAt(dir string, overwrite bool) files.Output {
	return files.Output{Path: dir, Kind: "demo's model", Overwrite: overwrite}
}

func writeModel(to files.Output) error {
	tok, err := newTokenizer()
	if err != nil {
		return err
	}
	config, err := json.MarshalIndent(configJSON(Layers), "", "  ")
	if err != nil {
		return err
	}
	return to.Write(func(tmp string) error {
		for name, write := range map[string]func(io.Writer) error{
			"config.json":           raw(append(config, '\n')),
			"model.safetensors":     raw(weights),
			"tokenizer.json":        tok.WriteJSON,
			"tokenizer_config.json": func(w io.Writer) error { return tok.WriteConfig(w, maxPositions) },
		} {
			if err := files.Write(filepath.Join(tmp, name), write); err != nil {
				return err
			}
		}
		return nil
	})
}

func raw(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// configJSON is config.json of an OPT with that many blocks.
func configJSON(layers int) map[string]any {
	return map[string]any{
		"model_type":              "opt",
		"architectures":           []string{"OPTForCausalLM"},
		"torch_dtype":             "float16",
		"vocab_size":              len(vocabulary()),
		"hidden_size":             width,
		"word_embed_proj_dim":     width,
		"num_hidden_layers":       layers,
		"num_attention_heads":     heads,
		"ffn_dim":                 feedForward,
		"max_position_embeddings": maxPositions,
		"activation_function":     "relu",
		"do_layer_norm_before":    true,
		"enable_bias":             true,
		"tie_word_embeddings":     true,
		"dropout":                 0,
		"attention_dropout":       0,
		"layerdrop":               0,
		"init_std":                initStd,
		"bos_token_id":            endID,
		"eos_token_id":            endID,
		"pad_token_id":            padID,
	}
}

func config(layers int) (transformer.Config, error) {
	data, err := json.Marshal(configJSON(layers))
	if err != nil {
		return transformer.Config{}, err
	}
	return transformer.ParseConfig(data)
}

// OPT's special tokens and their ids.
const (
	padID = 1
	endID = 2
)

var specials = [...]string{"<s>", "<pad>", "</s>", "<unk>"}

// space is how the byte-level alphabet spells a space.
const space = "Ġ"

// words returns the words of the world, each one token.
func words() []string {
	var list []string
	for _, part := range [][]string{grammar[:], boxes[:], things[:], private[:]} {
		list = append(list, part...)
	}
	return list
}

// vocabulary returns the spellings of all tokens, by id: the special ones, the
// 256 bytes, and every word of the world with a space in front, each with the
// beginnings that byte-pair encoding builds it from. So any text has ids, and one
// of this world has one per word.
func vocabulary() []string {
	list := append([]string(nil), specials[:]...)
	list = append(list, byteAlphabet()...)
	seen := map[string]bool{space: true}
	for _, w := range words() {
		for end := 1; end <= len(w); end++ {
			if part := space + w[:end]; !seen[part] {
				seen[part] = true
				list = append(list, part)
			}
		}
	}
	return list
}

// byteAlphabet returns GPT-2's printable stand-ins for the bytes 0 to 255: a
// printable byte of Latin-1 is itself, the others are the code points from 256.
func byteAlphabet() []string {
	list := make([]string, 256)
	next := rune(256)
	for b := range list {
		r := rune(b)
		if !(r >= '!' && r <= '~' || r >= '¡' && r <= '¬' || r >= '®' && r <= 'ÿ') {
			r, next = next, next+1
		}
		list[b] = string(r)
	}
	return list
}

// newTokenizer returns a byte-level BPE of OPT's kind with one token per word.
func newTokenizer() (*tokenizer.Tokenizer, error) {
	v := tokenizer.VocabMerges{Vocab: map[string]int32{}, Roles: tokenizer.OPTRoles(), AddBOS: true, AddPrefixSpace: true}
	first := len(specials) + 256
	for id, token := range vocabulary() {
		v.Vocab[token] = int32(id)
		if id >= first {
			r := []rune(token)
			v.Merges = append(v.Merges, fmt.Sprintf("%s %c", string(r[:len(r)-1]), r[len(r)-1]))
		}
	}
	return tokenizer.FromVocabMerges(v)
}
