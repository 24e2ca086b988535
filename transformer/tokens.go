package transformer

import (
	"io"
	"path/filepath"

	"lamina/internal/files"
	"lamina/transformer/tokenizer"
)

// Tokenizer returns the tokenizer that belongs to the checkpoint: the files
// beside the weights, or the metadata of a GGUF file.
func (c *Checkpoint) Tokenizer() (*tokenizer.Tokenizer, error) {
	if c.GGUF != nil {
		return tokenizer.FromGGUF(c.ggufTokens())
	}
	return tokenizer.Load(c.Dir)
}

// LoadTokenizer returns the tokenizer of a model whose weights need not be there.
func LoadTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if filepath.Ext(path) != ".gguf" {
		return tokenizer.Load(path)
	}
	c, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Tokenizer()
}

func (c *Checkpoint) ggufTokens() tokenizer.GGUFMeta {
	const keys = "tokenizer.ggml."
	f := c.GGUF
	text := func(key string) string {
		s, _ := f.String(keys + key)
		return s
	}
	id := func(key string) int {
		if v, ok := f.Uint(keys + key); ok && v < 1<<31 {
			return int(v)
		}
		return -1
	}
	m := tokenizer.GGUFMeta{
		Model: text("model"), Pre: text("pre"),
		BOS: id("bos_token_id"), EOS: id("eos_token_id"), Pad: id("padding_token_id"), Unk: id("unknown_token_id"),
	}
	m.Tokens, _ = f.Strings(keys + "tokens")
	m.Merges, _ = f.Strings(keys + "merges")
	types, _ := f.Ints(keys + "token_type")
	for _, v := range types {
		m.TokenTypes = append(m.TokenTypes, int32(v))
	}
	scores, _ := f.Floats(keys + "scores")
	for _, v := range scores {
		m.Scores = append(m.Scores, float32(v))
	}
	m.AddBOS, _ = f.Bool(keys + "add_bos_token")
	m.AddEOS, _ = f.Bool(keys + "add_eos_token")
	space, stated := f.Bool(keys + "add_space_prefix")
	m.NoSpacePrefix = stated && !space
	m.ChatTemplate, _ = f.String("tokenizer.chat_template")
	return m
}

func (c *Checkpoint) writeGGUFTokenizer(dir string) error {
	t, err := c.Tokenizer()
	if err != nil {
		return err
	}
	if err := files.Write(filepath.Join(dir, "tokenizer.json"), t.WriteJSON); err != nil {
		return err
	}
	return files.Write(filepath.Join(dir, "tokenizer_config.json"), func(w io.Writer) error {
		return t.WriteConfig(w, c.Config.MaxPositions)
	})
}
