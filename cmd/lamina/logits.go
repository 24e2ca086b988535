package main

import (
	"fmt"
	"io"

	"lamina/internal/files"
	"lamina/transformer"
)

// logitsCommand computes the scores of the whole vocabulary after every token.
type logitsCommand struct {
	modelFlag
	adapterFlag
	Tokens string `required:"" placeholder:"F.json" help:"JSON array of rows of token ids; their lengths may differ."`
}

// Run writes them as [transformer.Decoder.WriteLogits] does.
func (c logitsCommand) Run(s *session) error {
	var rows [][]int32
	if err := files.ReadArray(c.Tokens, &rows, "rows of token ids"); err != nil {
		return err
	}
	m, err := c.open(s, c.Model)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if len(row) == 0 {
			return fmt.Errorf("%s: row %d has no tokens", c.Tokens, i)
		}
	}
	if err := transformer.NewBatch(rows...).Validate(m.Config); err != nil {
		return fmt.Errorf("%s: %w", c.Tokens, err)
	}
	bar := s.progress("logits", len(rows))
	err = s.result(func(w io.Writer) error { return m.Decoder.WriteLogits(s.ctx, m.Backend, rows, w, bar.Set) })
	bar.Done()
	if err != nil {
		return err
	}
	if s.JSON != "" {
		s.printf("logits of %d rows, vocabulary %d, written to %s\n", len(rows), m.Config.Vocab, s.JSON)
	}
	return nil
}
