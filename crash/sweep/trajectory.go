package sweep

import (
	"fmt"
	"math"
	"slices"

	"lamina/crash/study"
)

// MomentLine is a moment of a row's trainings on a task, of several seeds the mean of their
// losses, in nats a target token of validation rows.
type MomentLine struct {
	Task     string   `json:"task"`
	Row      string   `json:"row"`
	Epochs   float64  `json:"epochs"`
	Emulator Measured `json:"emulator_loss"`
	PlugIn   Measured `json:"plug_in_loss"`
}

// moments makes the lines of a model: those moments that every run of a row has.
func (s *Study) moments(all []tested) (lines []MomentLine) {
	for i := range all {
		for _, recipe := range s.recipes {
			for _, name := range recipe.RowNames() {
				var rows []study.Row
				for _, r := range all[i].Rows {
					if r.Name == name {
						rows = append(rows, r)
					}
				}
				if len(rows) == 0 {
					continue
				}
				for _, m := range rows[0].Trajectory {
					l := MomentLine{Task: s.Tasks[i].Name, Row: name, Epochs: m.Epochs}
					l.Emulator = measured(rows, atStep(m.Step, func(m study.Moment) float64 { return m.Emulator }), nothing)
					l.PlugIn = measured(rows, atStep(m.Step, func(m study.Moment) float64 { return m.PlugIn }), nothing)
					if l.PlugIn.Value != nil {
						lines = append(lines, l)
					}
				}
			}
		}
	}
	return lines
}

// atStep is a loss of a run at a step, nil where it was not measured.
func atStep(step int, of func(study.Moment) float64) func(study.Row) *float64 {
	return func(r study.Row) *float64 {
		at := slices.IndexFunc(r.Trajectory, func(m study.Moment) bool { return m.Step == step })
		if at < 0 {
			return nil
		}
		v := of(r.Trajectory[at])
		return &v
	}
}

// TrajectorySheet lists the moments.
func (m ModelTable) TrajectorySheet() Sheet {
	s := Sheet{Caption: m.Name + ": the plug-in on the way of its training", Heads: []Head{{Name: "task"}, {Name: "row"}, {Name: "epochs", Number: true},
		{Name: "emulator's loss", Number: true, Help: "of what is trained, on validation rows, nats a target token, of several seeds their mean ± standard error over seeds; it chooses nothing"},
		{Name: "plug-in's", Number: true, Help: "of the full model with the trained blocks as they are then, on the same rows"}}}
	for _, l := range m.Moments {
		s.Rows = append(s.Rows, []string{l.Task, l.Row, fmt.Sprintf("%.3g", l.Epochs), l.Emulator.shownBy(fourPlaces), l.PlugIn.shownBy(fourPlaces)})
	}
	return s
}

// validMoments reports whether moments can be shown.
func validMoments(lines []MomentLine) bool {
	return !slices.ContainsFunc(lines, func(l MomentLine) bool { return !(l.Epochs > 0) || math.IsInf(l.Epochs, 0) })
}
