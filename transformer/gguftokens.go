package transformer

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"lamina/formats/gguf"
	"lamina/internal/files"
	"lamina/transformer/tokenizer"
)

// ggufTokens is the tokenizer that the metadata of a GGUF file describe, with llama.cpp's
// defaults for what is not there (llama_vocab::impl::load of llama-vocab.cpp).
type ggufTokens struct {
	file *gguf.File
	meta tokenizer.GGUFMeta
	// ends are the ids that end a text or a turn, ascending, as llama.cpp finds them.
	ends []int32
}

const ggufTokenKeys = "tokenizer.ggml."

func newGGUFTokens(f *gguf.File) *ggufTokens {
	t := &ggufTokens{file: f}
	m := &t.meta
	m.Model, m.Pre = t.text("model"), t.text("pre")
	m.Tokens, _ = f.Strings(ggufTokenKeys + "tokens")
	m.Merges, _ = f.Strings(ggufTokenKeys + "merges")
	types, _ := f.Ints(ggufTokenKeys + "token_type")
	for _, v := range types {
		m.TokenTypes = append(m.TokenTypes, int32(v))
	}
	m.Scores = t.scores()
	bos, eos, unk, addBOS := -1, -1, -1, false
	switch m.Model {
	case "llama":
		bos, eos, unk, addBOS = 1, 2, 0, true
		m.TokenTypes = padded(m.TokenTypes, len(m.Tokens), 1) // normal
		m.Scores = padded(m.Scores, len(m.Tokens), 0)
	case "gpt2":
		bos, eos = 11, 11
		addBOS = tokenizer.GGUFPreAddsBOS(m.Pre)
		if m.Pre == "" || m.Pre == "default" {
			t.warnf("%spre is %q: the file does not say how its tokenizer splits words, so they are split as llama.cpp does then; "+
				"texts may become other tokens than the model was trained on (convert it again with a newer llama.cpp)", ggufTokenKeys, m.Pre)
			m.Pre = "default"
		}
	}
	m.BOS, m.EOS, m.Unk = t.id("bos", bos), t.id("eos", eos), t.id("unknown", unk)
	m.Pad = t.id("padding", -1)
	m.AddBOS, m.AddEOS = t.flag("add_bos_token", addBOS), t.flag("add_eos_token", false)
	if m.AddBOS && m.BOS < 0 {
		t.warnf("%sadd_bos_token without a BOS token: none is added", ggufTokenKeys)
		m.AddBOS = false
	}
	if m.AddEOS && m.EOS < 0 {
		t.warnf("%sadd_eos_token without an EOS token: none is added", ggufTokenKeys)
		m.AddEOS = false
	}
	m.NoSpacePrefix = !t.flag("add_space_prefix", true)
	m.ChatTemplate, _ = f.String("tokenizer.chat_template")
	t.findEnds()
	if _, ok := f.Meta(ggufTokenKeys + "suppress_tokens"); ok {
		t.warnf("%ssuppress_tokens is not applied to the file itself: lamina convert writes it into generation_config.json, which is", ggufTokenKeys)
	}
	return t
}

func (t *ggufTokens) warnf(format string, args ...any) {
	t.meta.Warnings = append(t.meta.Warnings, fmt.Sprintf(format, args...))
}

func (t *ggufTokens) text(key string) string {
	s, _ := t.file.String(ggufTokenKeys + key)
	return s
}

func (t *ggufTokens) flag(key string, standard bool) bool {
	if v, ok := t.file.Bool(ggufTokenKeys + key); ok {
		return v
	}
	return standard
}

// id is the token of a role: what the file says if there is such a token, else the
// standard if there is, else -1.
func (t *ggufTokens) id(role string, standard int) int {
	n := len(t.meta.Tokens)
	if standard >= n {
		standard = -1
	}
	key := ggufTokenKeys + role + "_token_id"
	v, ok := t.file.Uint(key)
	if !ok {
		return standard
	}
	if v >= uint64(n) {
		if v != 1<<32-1 { // how converters write -1
			t.warnf("%s is %d, but there are %d tokens: %d is taken, as llama.cpp does (-1: none)", key, v, n, standard)
		}
		return standard
	}
	return int(v)
}

// scores are floats; the first files have integers.
func (t *ggufTokens) scores() []float32 {
	var out []float32
	if list, ok := t.file.Floats(ggufTokenKeys + "scores"); ok {
		for _, v := range list {
			out = append(out, float32(v))
		}
		return out
	}
	list, _ := t.file.Ints(ggufTokenKeys + "scores")
	for _, v := range list {
		out = append(out, float32(v))
	}
	return out
}

// padded returns n values: those beyond are cut off, those lacking are v, all if there
// are none; a list of another length stays and is an error for who reads it.
func padded[T any](list []T, n int, v T) []T {
	if len(list) == 0 {
		return slices.Repeat([]T{v}, n)
	}
	return list[:min(n, len(list))]
}

// ggufEnds are the texts of tokens that end a text or a turn, whatever their type.
var ggufEnds = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>",
	"<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>",
	"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
}

func (t *ggufTokens) findEnds() {
	ends := idSet{}
	if t.meta.EOS >= 0 {
		ends[int32(t.meta.EOS)] = true
	}
	for _, role := range []string{"eot", "eom", "fim_pad", "fim_rep", "fim_sep"} {
		if id := t.id(role, -1); id >= 0 {
			ends[int32(id)] = true
		}
	}
	for id, token := range t.meta.Tokens {
		if slices.Contains(ggufEnds, token) {
			ends[int32(id)] = true
		}
	}
	t.ends = ends.sorted()
}

func (t *ggufTokens) tokenizer() (*tokenizer.Tokenizer, error) { return tokenizer.FromGGUF(t.meta) }

// roleIDs puts the ids of special tokens into a configuration: null for none, since
// transformers' class has others by default.
func (t *ggufTokens) roleIDs(to map[string]any) {
	for key, id := range map[string]int{"bos_token_id": t.meta.BOS, "eos_token_id": t.meta.EOS, "pad_token_id": t.meta.Pad} {
		to[key] = nil
		if id >= 0 {
			to[key] = float64(id) // as JSON has it
		}
	}
}

// generation is the generation_config.json of the model: where texts and turns end.
func (t *ggufTokens) generation() map[string]any {
	g := map[string]any{}
	t.roleIDs(g)
	var ends []any
	for _, id := range t.ends {
		ends = append(ends, float64(id))
	}
	switch len(ends) {
	case 0:
	case 1:
		g["eos_token_id"] = ends[0]
	default:
		g["eos_token_id"] = ends
	}
	if list, ok := t.file.Ints(ggufTokenKeys + "suppress_tokens"); ok && len(list) > 0 {
		g["suppress_tokens"] = list
	}
	return g
}

func (c *Checkpoint) writeGGUFTokenizer(dir string) error {
	tokens := newGGUFTokens(c.GGUF)
	t, err := tokens.tokenizer()
	if err != nil {
		return err
	}
	if err := files.Write(filepath.Join(dir, "tokenizer.json"), t.WriteJSON); err != nil {
		return err
	}
	generation, err := json.MarshalIndent(tokens.generation(), "", "  ")
	if err != nil {
		return err
	}
	if err := files.WriteBytes(filepath.Join(dir, "generation_config.json"), append(generation, '\n')); err != nil {
		return err
	}
	return files.Write(filepath.Join(dir, "tokenizer_config.json"), func(w io.Writer) error {
		return t.WriteConfig(w, c.Config.MaxPositions)
	})
}
