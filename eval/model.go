package eval

import (
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
	docs, files, err := from.Documents(t, limit)
	if err != nil {
		return nil, nil, err
	}
	for i := range docs {
		if err := docs[i].CheckIDs(m.Config.Vocab); err != nil {
			return nil, nil, err
		}
	}
	if m.Verbatim != nil && t.Verbatim(docs[0]) {
		m.Verbatim(from.Path)
	}
	return docs, files, nil
}

// Examples encodes documents of one shape for training, contexts cut from the left
// to maxLength tokens; cut counts the pairs that were.
func (m *Model) Examples(t task.Task, docs []task.Document, format task.Format, maxLength int) (pairs []task.Pair, cut int, err error) {
	e, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range docs {
		some, err := t.Examples(d, e, format, maxLength)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range some {
			if p.Cut > 0 {
				cut++
			}
		}
		pairs = append(pairs, some...)
	}
	return pairs, cut, nil
}

// Rows encodes documents of one shape as hidden states are measured on them:
// context and target in one row, a text without the token that stands before it.
func (m *Model) Rows(t task.Task, docs []task.Document, maxLength int) ([][]int32, error) {
	e, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, err
	}
	rows := make([][]int32, len(docs))
	for i, d := range docs {
		pairs, err := t.Examples(d, e, task.FormatScoring, maxLength)
		if err != nil {
			return nil, err
		}
		if d.Shape == task.Text {
			rows[i] = pairs[0].Target
			continue
		}
		row := slices.Concat(pairs[0].Context, pairs[0].Target)
		rows[i] = row[max(0, len(row)-maxLength):]
	}
	return rows, nil
}
