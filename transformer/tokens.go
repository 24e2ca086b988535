package transformer

import (
	"fmt"
	"path/filepath"

	"lamina/formats/gguf"
	"lamina/transformer/tokenizer"
)

// Tokenizer returns the tokenizer that belongs to the checkpoint: the files
// beside the weights, or the metadata of a GGUF file.
func (c *Checkpoint) Tokenizer() (*tokenizer.Tokenizer, error) {
	if c.GGUF != nil {
		return newGGUFTokens(c.GGUF).tokenizer()
	}
	return tokenizer.Load(c.Dir)
}

// LoadTokenizer returns the tokenizer of a model whose weights need not be there.
func LoadTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if filepath.Ext(path) != ".gguf" {
		return tokenizer.Load(path)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := newGGUFTokens(f).tokenizer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}
