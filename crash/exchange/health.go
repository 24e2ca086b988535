package exchange

import (
	"context"
	"errors"
	"fmt"

	"lamina/crash/emulate"
	"lamina/eval"
	"lamina/eval/task"
)

// A text to hold losses against each other on.
const (
	CheckedDocuments = 64  // at most
	checkedTokens    = 256 // of each, at most
)

// CheckRows returns token rows of documents, or of an English passage where from has no
// path; none where that would need a tokenizer and there is none.
func (m *Model) CheckRows(from eval.Data) ([][]int32, error) {
	length := min(m.Config.MaxPositions, checkedTokens)
	if from.Path != "" {
		// Both models read the same: that no task's prompt stands around it is no harm.
		defer func(warn func(string)) { m.Verbatim = warn }(m.Verbatim)
		m.Verbatim = nil
		docs, _, err := m.Documents(task.Task{}, from, CheckedDocuments)
		if err != nil {
			return nil, err
		}
		return m.Rows(task.Task{}, docs, length, task.OverlongCut)
	}
	t, err := m.Tokenizer()
	if err != nil {
		return nil, nil
	}
	ids, err := t.EncodeChecked(passage, true)
	if err != nil {
		return nil, errors.New("the tokenizer cannot encode plain English: give documents with --check FILE")
	}
	return [][]int32{ids[:min(len(ids), length)]}, nil
}

// Health measures the loss of an emulator on some rows beside the model's.
func (m *Model) Health(ctx context.Context, e *emulate.Emulator, rows [][]int32) (emulate.Health, error) {
	full, err := emulate.Loss(ctx, m.Backend, m.Decoder, rows)
	if err != nil {
		return emulate.Health{}, fmt.Errorf("%s: %w", m.Path, err)
	}
	loss, err := emulate.Loss(ctx, m.Backend, e.Decoder, rows)
	if err != nil {
		return emulate.Health{}, fmt.Errorf("the emulator of the plan %s: %w", e.Plan, err)
	}
	return emulate.NewHealth(m.Config, loss, full), nil
}

// passage is plain prose that any model of English finds far more likely than chance.
const passage = `The river rises in the hills to the north of the town and runs for some forty miles before it reaches the sea. ` +
	`In spring, when the snow melts, it often leaves its banks, and the people who live in the low streets carry their furniture to the upper floor. ` +
	`An old bridge of grey stone joins the two halves of the town. On market days it is crowded from early in the morning: farmers bring eggs, ` +
	`butter and vegetables, and buyers come from the villages around. In the evening the square is empty again, and one can hear the water under the arches. ` +
	`Children fish there after school, though they seldom catch anything. "It is not about the fish," one of them told me, and laughed.`
