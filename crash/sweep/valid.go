package sweep

import (
	"fmt"
	"math"
	"slices"
)

// mostBlocks bounds what a table that comes from outside says of a model's depth.
const mostBlocks = 1 << 12

// Validate returns an error that names what of a table, which may come from outside, is not
// so that it could be shown.
func (t *Table) Validate() error {
	if len(t.Models) == 0 {
		return fmt.Errorf("models: none: want those of a study")
	}
	for i, m := range t.Models {
		if err := m.validate(); err != nil {
			return fmt.Errorf("models, %d: %w", i+1, err)
		}
	}
	for i, c := range t.Correlations {
		for _, v := range []*float64{c.Rho, c.Low, c.High} {
			if v != nil && !(math.Abs(*v) <= 1+1e-9) {
				return fmt.Errorf("correlations, %d: %v: want -1 to 1", i+1, *v)
			}
		}
	}
	return nil
}

func (m ModelTable) validate() error {
	switch {
	case len(m.Tasks) == 0:
		return fmt.Errorf("tasks: none")
	case len(m.Rows) == 0:
		return fmt.Errorf("rows: none")
	case m.Blocks < 0 || m.Blocks > mostBlocks:
		return fmt.Errorf("blocks: %d: want %d at most", m.Blocks, mostBlocks)
	}
	if !validMoments(m.Moments) {
		return fmt.Errorf("moments: want epochs above 0")
	}
	for _, r := range m.Rows {
		if len(r.Lines) == 0 {
			return fmt.Errorf("row %.64q: no lines", r.Row)
		}
		for _, l := range r.Lines {
			if len(l.Tasks) != len(m.Tasks) {
				return fmt.Errorf("row %.64q, %.64q: %d numbers for %d tasks", r.Row, l.Of, len(l.Tasks), len(m.Tasks))
			}
			if slices.ContainsFunc(append(slices.Clone(l.Tasks), l.Mean), func(e Estimate) bool { return !e.sound() }) {
				return fmt.Errorf("row %.64q, %.64q: a number that is no share", r.Row, l.Of)
			}
		}
	}
	return nil
}

// sound reports whether an estimate is of a share.
func (e Estimate) sound() bool {
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	return (e.Value == nil || share(*e.Value)) && share(e.Documents) && (e.Seeds == nil || share(*e.Seeds)) &&
		(e.Published == nil || math.Abs(*e.Published) <= 100)
}
