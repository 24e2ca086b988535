package main

import (
	"encoding/json"
	"fmt"
	"io"

	"lamina/crash/emulate"
	"lamina/hub"
	"lamina/internal/files"
	"lamina/transformer"
)

// tokenizeCommand turns texts into ids; it works without weights.
type tokenizeCommand struct {
	modelFlag
	Texts   string `required:"" placeholder:"F.json" help:"JSON array of strings."`
	Special bool   `help:"Add the tokens that the tokenizer's template puts around a text."`
}

// Run writes one row of ids a text.
func (c tokenizeCommand) Run(s *session) error {
	var texts []string
	if err := files.ReadArray(c.Texts, &texts, "strings"); err != nil {
		return err
	}
	path, err := s.hubPath(c.Model, hub.Model, hub.TokenizerFiles)
	if err != nil {
		return err
	}
	if path == c.Model {
		err = emulate.Verify(path)
	} else {
		err = emulate.VerifyPart(path, hub.TokenizerFiles)
	}
	if err != nil {
		return err
	}
	t, err := transformer.LoadTokenizer(path)
	if err != nil {
		return err
	}
	for _, w := range t.Warnings() {
		s.warn([]string{path + ": " + w})
	}
	rows := make([][]int32, len(texts))
	for i, text := range texts {
		if rows[i], err = t.EncodeChecked(text, c.Special); err != nil {
			return fmt.Errorf("%s: text %d: %w", c.Model, i, err)
		}
	}
	return s.result(func(w io.Writer) error { return json.NewEncoder(w).Encode(rows) })
}
