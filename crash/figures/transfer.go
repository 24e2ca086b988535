package figures

import (
	"fmt"
	"slices"
	"strings"

	"lamina/crash/sweep"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// tradeOffs are the pictures of what emulators carry against what they give away.
var tradeOffs = []struct {
	name     string
	of, with string // of sweep's quantities
	y, x     string
	scale    float64 // of x
}{
	{"recovery-parameters", sweep.Recovery, sweep.HeldShare, "recovery in accuracy", "weights that the data owner holds, % of the full model's", 100},
	{"recovery-skill", sweep.Recovery, sweep.Skill, "recovery in accuracy", "skill of the emulator in accuracy, share of the full model's", 1},
	{"loss-recovery-parameters", sweep.LossRecovery, sweep.HeldShare, "recovery in answer loss", "weights that the data owner holds, % of the full model's", 100},
	{"loss-recovery-skill", sweep.LossRecovery, sweep.LossSkill, "recovery in answer loss", "skill of the emulator by its loss, share of the full model's", 1},
}

// transfer draws recovery against what the emulators give away, a point for each: of one model
// rows that differ in their size alone have one colour, and their sizes beside them.
func (s *Shown) transfer(t sweep.Table) {
	groups := t.Emulators()
	for _, emulators := range groups {
		for _, d := range tradeOffs {
			p := plot.Scatter{Title: "Recovery and what it costs", XLabel: d.x, YLabel: d.y}
			values := report.Table{Caption: d.y + " against " + d.x, Columns: []report.Column{{Name: "model"}, {Name: "row"}, {Name: d.x, Right: true}, {Name: d.y, Right: true}}}
			for _, e := range emulators {
				x, y := e.Measures[d.with], e.Measures[d.of]
				if x.Value == nil || y.Value == nil {
					continue
				}
				series, label := seriesOf(e, emulators)
				at := slices.IndexFunc(p.Series, func(o plot.Points) bool { return o.Name == series })
				if at < 0 {
					at, p.Series = len(p.Series), append(p.Series, plot.Points{Name: series})
				}
				one := &p.Series[at]
				one.Names = append(one.Names, label)
				one.Points = append(one.Points, plot.Point{X: d.scale * *x.Value, Y: *y.Value})
				one.Errors = append(one.Errors, plot.Point{X: d.scale * x.Error(), Y: y.Error()})
				values.Rows = append(values.Rows, []string{e.Model, e.Row, errored(d.scale**x.Value, d.scale*x.Error()), errored(*y.Value, y.Error())})
			}
			if len(values.Rows) < 2 {
				continue
			}
			name := d.name
			if len(groups) > 1 {
				name = pictureName(name, p.Series[0].Name, true)
			}
			of := "of the task " + t.Models[0].Tasks[0].Task
			if n := len(t.Models[0].Tasks); n > 1 {
				of = fmt.Sprintf("means over %d tasks", n)
			}
			s.add(name, p.Draw(), report.Figure{
				Caption: strings.ToUpper(d.y[:1]) + d.y[1:] + ", " + of + ": 0 is the untrained model, 1 what training the same blocks inside the full model gains. Each point is an emulator with one standard error, the larger of those over documents and over seeds. " +
					"Good is high, and far to the left.",
				Alt: "Points: " + d.y + " against " + d.x, Values: []report.Table{values},
			})
		}
	}
}

// seriesOf says which points an emulator is one of, and what stands beside it.
func seriesOf(e sweep.Emulator, all []sweep.Emulator) (series, label string) {
	alike := 0
	for _, o := range all {
		if o.Model != e.Model {
			return e.Model, e.Row
		}
		if o.Kind == e.Kind {
			alike++
		}
	}
	switch {
	case e.Kind == "": // of an earlier version
		return e.Model, e.Row
	case alike < 2 || e.Keep == 0:
		return e.Kind, e.Row
	}
	return e.Kind, fmt.Sprint(e.Keep)
}

// errored is a number with its error, if it has one.
func errored(v, e float64) string {
	if e > 0 {
		return fmt.Sprintf("%.4g ± %.2g", v, e)
	}
	return fmt.Sprintf("%.4g", v)
}
