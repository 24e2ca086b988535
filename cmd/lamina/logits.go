package main

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"lamina/autograd"
	"lamina/internal/files"
	"lamina/transformer"
)

// logitsCommand computes the scores of the whole vocabulary after every token.
type logitsCommand struct {
	modelFlag
	Tokens string `required:"" placeholder:"F.json" help:"JSON array of rows of token ids; their lengths may differ."`
}

// Run writes float32 numbers [rows][tokens][vocabulary], each with the digits
// that give the same number back.
func (c logitsCommand) Run(s *session) error {
	data, err := files.ReadInput(c.Tokens)
	if err != nil {
		return err
	}
	var rows [][]int32
	if err := files.DecodeJSON(c.Tokens, data, &rows); err != nil {
		return fmt.Errorf("%w (want a JSON array of rows of token ids)", err)
	}
	m, err := s.openModel(c.Model)
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
	if err := s.result(func(w io.Writer) error { return s.writeLogits(w, m, rows) }); err != nil {
		return err
	}
	if s.JSON != "" {
		s.printf("logits of %d rows, vocabulary %d, written to %s\n", len(rows), m.Config.Vocab, s.JSON)
	}
	return nil
}

// writeLogits streams the rows one at a time: the logits of all would be the
// largest thing in memory.
func (s *session) writeLogits(w io.Writer, m *model, rows [][]int32) error {
	p := autograd.NewPass(m.Backend)
	defer p.Close()
	bar := s.progress("logits", len(rows))
	defer bar.Done()
	text := []byte{'['}
	for i, row := range rows {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		logits := m.Decoder.Logits(p, m.Decoder.Forward(p, transformer.NewBatch(row), nil)).T.Float32s()
		if err := p.Sync(); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		p.Reset()
		if i > 0 {
			text = append(text, ',', '\n')
		}
		text = append(text, '[')
		var err error
		if text, err = writeRow(w, text, logits, m.Config.Vocab); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		text = append(text, ']')
		bar.Add(1)
	}
	_, err := w.Write(append(text, ']', '\n'))
	return err
}

// writeRow writes text and then a row's logits [T V]; it returns what is yet to be
// written in a buffer to be used again.
func writeRow(w io.Writer, text []byte, logits []float32, vocab int) ([]byte, error) {
	for t := range len(logits) / vocab {
		if t > 0 {
			text = append(text, ',')
		}
		for j, v := range logits[t*vocab : (t+1)*vocab] {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, fmt.Errorf("token %d: logit %d is %v, which JSON cannot hold", t, j, v)
			}
			if j == 0 {
				text = append(text, '[')
			} else {
				text = append(text, ',')
			}
			text = strconv.AppendFloat(text, float64(v), 'g', -1, 32)
		}
		text = append(text, ']')
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		text = text[:0]
	}
	return text, nil
}
