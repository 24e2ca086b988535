package eval

import (
	"fmt"
	"slices"

	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/transformer"
	"lamina/transformer/tokenizer"
)

// Model is a checkpoint with a decoder made of it, as documents meet them. Its
// tokenizer is loaded when the first text comes; one goroutine uses it at a time.
type Model struct {
	*transformer.Checkpoint
	Backend kernels.Backend
	Decoder *transformer.Decoder
	// Verbatim, if not nil, is told of each file of questions with choices or answers that
	// is read without a task: the query is the prompt as it stands then, which scores
	// other than the benchmark's come of if it is only the question.
	Verbatim func(path string)
	// Warn is told of what its tokenizer may do otherwise than others do, when it is first
	// asked for, and of weights that were put into it and are doubtful; may be nil.
	Warn func(text string)

	tokens *tokenizer.Tokenizer
}

// Tokenizer returns the checkpoint's tokenizer. An id that the model's vocabulary lacks
// is an error of the text that holds it.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) {
	if m.tokens != nil {
		return m.tokens, nil
	}
	t, err := m.Checkpoint.Tokenizer()
	if err != nil {
		return nil, err
	}
	m.tokens = t.ForVocabulary(m.Config.Vocab)
	if m.Checkpoint.GGUF == nil && m.Warn != nil { // of a GGUF file the checkpoint has them
		for _, w := range m.tokens.Warnings() {
			m.Warn(m.Checkpoint.Dir + ": " + w)
		}
	}
	return m.tokens, nil
}

// Encoder returns what encodes documents of a shape. Documents of token ids need
// no tokenizer, so that models without one can be scored and trained.
func (m *Model) Encoder(shape task.Shape) (task.Encoder, error) {
	if shape == task.Tokens {
		return nil, nil
	}
	return m.Tokenizer()
}

// Documents is [Data.Documents]; token ids that stand in documents must be of the
// model's vocabulary.
func (m *Model) Documents(t task.Task, from Data, limit int) ([]task.Document, []results.DataFile, error) {
	docs, _, files, err := m.documents(t, from, limit, false)
	return docs, files, err
}

// documents is Documents with the number of all there are, if count is set.
func (m *Model) documents(t task.Task, from Data, limit int, count bool) (docs []task.Document, total int, files []results.DataFile, err error) {
	docs, total, files, err = from.read(t, limit, count)
	if err != nil {
		return nil, 0, nil, err
	}
	for i := range docs {
		if err := docs[i].CheckIDs(m.Config.Vocab); err != nil {
			return nil, 0, nil, err
		}
	}
	if m.Verbatim != nil && t.Verbatim(docs[0]) {
		m.Verbatim(from.Path)
	}
	return docs, total, files, nil
}

// Fits counts what was done to make training rows fit a model.
type Fits struct {
	Cut     int // pairs cut from the left
	Skipped int // pairs left out, their targets too long
}

// Examples encodes documents of one shape for training, contexts cut from the left
// to maxLength tokens; overlong says what becomes of targets that are longer. It is an
// error if nothing is left.
func (m *Model) Examples(t task.Task, docs []task.Document, format task.Format, maxLength int, overlong task.Overlong) (pairs []task.Pair, fits Fits, err error) {
	e, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, fits, err
	}
	for _, d := range docs {
		some, skipped, err := t.Fitted(d, e, format, maxLength, overlong)
		if err != nil {
			return nil, fits, err
		}
		for _, p := range some {
			if p.Cut > 0 {
				fits.Cut++
			}
		}
		fits.Skipped += skipped
		pairs = append(pairs, some...)
	}
	if len(pairs) == 0 {
		return nil, fits, fmt.Errorf("%s: all %d targets are longer than the %d tokens the model can take: nothing is left to train on", docs[0].Source.At.File, fits.Skipped, maxLength)
	}
	return pairs, fits, nil
}

// Rows encodes documents of one shape as hidden states are measured on them:
// context and target in one row, a text without the token that stands before it.
// overlong is as in Examples.
func (m *Model) Rows(t task.Task, docs []task.Document, maxLength int, overlong task.Overlong) ([][]int32, error) {
	e, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, err
	}
	var rows [][]int32
	for _, d := range docs {
		pairs, _, err := t.Fitted(d, e, task.FormatScoring, maxLength, overlong)
		switch {
		case err != nil:
			return nil, err
		case len(pairs) == 0:
		case d.Shape == task.Text:
			rows = append(rows, pairs[0].Target)
		default:
			row := slices.Concat(pairs[0].Context, pairs[0].Target)
			rows = append(rows, row[max(0, len(row)-maxLength):])
		}
	}
	return rows, nil
}
