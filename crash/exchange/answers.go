package exchange

import (
	"lamina/eval"
	"lamina/eval/task"
	"lamina/transformer"
)

// Answers returns the right answers of the first documents (0: of all) with what stands
// before each, cut from the left to the model's positions, and the SHA-256 of the data.
func (m *Model) Answers(t task.Task, from eval.Data, samples int) (items []transformer.Continuation, digest string, err error) {
	docs, read, err := m.Documents(t, from, samples)
	if err != nil {
		return nil, "", err
	}
	pairs, _, err := m.Examples(t, docs, task.FormatScoring, m.Config.MaxPositions, task.OverlongCut)
	for _, p := range pairs {
		items = append(items, transformer.Continuation{Context: p.Context, Target: p.Target})
	}
	return items, from.Identity(read).SHA256, err
}
