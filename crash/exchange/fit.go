package exchange

import (
	"context"
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/units"
)

// SupportDocuments is how many documents an emulator is fitted to where nobody says: as
// many as plans are chosen on.
const SupportDocuments = 128

// SupportRows returns token rows of the first documents, for an emulator to be fitted to:
// question and answer in one row, cut from the left to the model's positions.
func (m *Model) SupportRows(t task.Task, from eval.Data, samples int) ([][]int32, error) {
	docs, _, err := m.Documents(t, from, samples)
	if err != nil {
		return nil, err
	}
	return m.Rows(t, docs, m.Config.MaxPositions, task.OverlongCut)
}

// FittedTo says, in a line, what an emulator was fitted to.
func FittedTo(rows [][]int32, path string) string {
	return fmt.Sprintf("fitted to the first %d documents of %s, %s tokens", len(rows), path, units.Count(tokensOf(rows)))
}

func tokensOf(rows [][]int32) (n int) {
	for _, row := range rows {
		n += len(row)
	}
	return n
}

// Fit builds the emulator of any plan, what it asks for fitted to some rows; it is to be
// closed. Layers that the model has in a form of its own are an error, for what is built is
// to be handed out. Where that would take more than the bytes that are available (0: not known)
// nothing is begun.
func (m *Model) Fit(ctx context.Context, p plan.Plan, rows [][]int32, available int, opt emulate.FitOptions) (*emulate.Emulator, error) {
	if err := emulate.WantLayers(m.Config, p); err != nil {
		return nil, err
	}
	need := emulate.FitMemory(m.Decoder, p, rows) + m.Config.ProcessMemory()
	if available > 0 && need > available {
		return nil, fmt.Errorf("fitting an emulator to %d texts (%s tokens) takes about %s, and %s are available: give fewer documents (--samples N, or less data), or free memory",
			len(rows), units.Count(tokensOf(rows)), units.Bytes(need), units.Bytes(available))
	}
	e, _, err := emulate.Fit(ctx, m.Backend, m.Decoder, p, rows, opt)
	return e, err
}
