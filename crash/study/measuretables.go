package study

import (
	"fmt"
	"slices"
	"strings"

	"lamina/internal/report"
	"lamina/internal/units"
)

// column is one of a table with a line for each row of the experiment.
type column struct {
	report.Column
	cell func(x *Experiment, r Row) string
}

// numbered is a column of numbers.
func numbered(name, help string, cell func(x *Experiment, r Row) string) column {
	return column{report.Column{Name: name, Right: true, Help: help}, cell}
}

// ofMeasures is a numbered column of what a row's measures hold. Where a number is
// missing, owed says whether it should have been measured.
func ofMeasures(name, help string, owed func(Recipe) bool, value func(*Measures) *float64, show func(float64) string) column {
	return numbered(name, help, func(x *Experiment, r Row) string {
		if r.Measures != nil {
			if v := value(r.Measures); v != nil {
				return show(*v)
			}
		}
		if owed(x.recipe(r.Name)) && (r.Measures == nil || r.Measures.Cosine == nil) {
			return notMeasured
		}
		return "–"
	})
}

const notMeasured = "not measured"

func trains(r Recipe) bool { return r.Trains == Starred }
func never(Recipe) bool    { return false }

func two(v float64) string    { return fmt.Sprintf("%.2f", v) }
func signed(v float64) string { return fmt.Sprintf("%+.4f", v) }
func share(v float64) string  { return fmt.Sprintf("%.1f%%", 100*v) }

// which names a line of such a table.
var which = []column{
	{report.Column{Name: "row"}, func(_ *Experiment, r Row) string { return r.Name }},
	numbered("seed", "", func(_ *Experiment, r Row) string { return fmt.Sprint(r.Seed) }),
}

// transferColumns say how much of what was trained serves the full model.
var transferColumns = []column{
	ofMeasures("R accuracy", "recovery: (plug-in - zs)/(ceiling - zs), the share of what training inside the full model gains; 0 is the untrained model, 1 the ceiling", never, recoveryOf, two),
	ofMeasures("± R acc.", "standard error of R over documents: the same documents drawn again for all three rows", never, recoveryErrorOf, two),
	ofMeasures("R loss", "recovery in answer loss: (zs - plug-in)/(zs - ceiling)", never, lossRecoveryOf, two),
	ofMeasures("± R loss", "standard error of it over documents", never, lossRecoveryErrorOf, two),
	numbered("answer loss", "of the plug-in on the scored documents: -log p of their right answers, nats a token", func(x *Experiment, r Row) string {
		if r.AnswerLoss == nil {
			return x.noLoss()
		}
		return fmt.Sprintf("%.4f", *r.AnswerLoss)
	}),
	ofMeasures("predicted gain", "G1 = -<g, T - T0>: by how much training T should lower the full model's loss on the support answers, to first order; g is its gradient before, nats a token", trains,
		func(m *Measures) *float64 { return m.PredictedGain }, signed),
	ofMeasures("gain", "by how much it did on the same answers, nats a token", trains, func(m *Measures) *float64 { return m.SupportGain }, signed),
	ofMeasures("cos g", "cosine between the gradients on the trained weights in the emulator and in the full model, before training, on the support answers", trains,
		func(m *Measures) *float64 { return m.Cosine }, two),
	ofMeasures("signs", "share of the trained weights on which these two gradients have the same sign, of those where neither is 0", trains,
		func(m *Measures) *float64 { return m.Signs }, share),
	{report.Column{Name: "cos g by block", Help: "the same cosine of each trained block alone"}, func(_ *Experiment, r Row) string { return blockCosines(r) }},
}

// leakColumns say what an emulator gives away, and what it took to make.
var leakColumns = []column{
	ofMeasures("skill", "(emulator - chance)/(full - chance) in accuracy, before training, on the scored documents; chance is a guess", never, func(m *Measures) *float64 { return m.Skill }, two),
	ofMeasures("skill, loss", "(chance - emulator)/(chance - full) in nats, before training, on the validation rows; chance is ln V", never, func(m *Measures) *float64 { return m.LossSkill }, two),
	ofMeasures("exact weights", "share of the full model's weights that stand in the emulator to the bit", Recipe.emulates, func(m *Measures) *float64 { return m.ExactShare }, share),
	ofMeasures("parameters", "distinct weights that the data owner holds, of the full model's", never, func(m *Measures) *float64 { return m.HeldShare }, share),
	{report.Column{Name: "training-free", Help: "yes: the owner trained nothing to make the emulator"}, func(_ *Experiment, r Row) string {
		if r.Measures == nil || r.Measures.TrainingFree == nil {
			return "–"
		}
		if *r.Measures.TrainingFree {
			return "yes"
		}
		return "no"
	}},
	numbered("measuring, s", "seconds that the measures of the row took, beside those of the row", func(_ *Experiment, r Row) string {
		if r.Measures == nil || r.Measures.SupportTokens == 0 {
			return "–"
		}
		return fmt.Sprintf("%.0f", r.Measures.Seconds)
	}),
	numbered("its memory", "that measuring took, beside the weights of full model and emulator", func(_ *Experiment, r Row) string {
		if r.Measures == nil || r.Measures.SupportTokens == 0 {
			return "–"
		}
		return units.Bytes(r.Measures.PeakBytes)
	}),
}

func recoveryOf(m *Measures) *float64          { return valueOf(m.Recovery) }
func recoveryErrorOf(m *Measures) *float64     { return errorOf(m.Recovery) }
func lossRecoveryOf(m *Measures) *float64      { return valueOf(m.LossRecovery) }
func lossRecoveryErrorOf(m *Measures) *float64 { return errorOf(m.LossRecovery) }

func valueOf(r *Recovery) *float64 {
	if r == nil {
		return nil
	}
	return &r.Value
}

func errorOf(r *Recovery) *float64 {
	if r == nil {
		return nil
	}
	return r.Stderr
}

// blockCosines lists the cosine of each trained block, without a space in which a line
// could end between the two.
func blockCosines(r Row) string {
	if r.Measures == nil || len(r.Measures.Blocks) == 0 {
		return "–"
	}
	var parts []string
	for _, b := range r.Measures.Blocks {
		value := "–"
		if b.Cosine != nil {
			value = two(*b.Cosine)
		}
		parts = append(parts, fmt.Sprintf("%d:%s", b.Layer, value))
	}
	return strings.Join(parts, ", ")
}

// tabled fills in a table with a line for each row.
func (x *Experiment) tabled(caption string, columns ...column) report.Table {
	t := report.Table{Caption: caption, Rows: make([][]string, len(x.Table.Rows))}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.Column)
		for i, r := range x.Table.Rows {
			t.Rows[i] = append(t.Rows[i], c.cell(x, r))
		}
	}
	return t
}

func (x *Experiment) transfer() report.Table {
	return x.tabled("What transfers", slices.Concat(which, transferColumns)...)
}

func (x *Experiment) leak() report.Table {
	return x.tabled("What the emulators give away, and take", slices.Concat(which, leakColumns)...)
}

// sheet is the result with all measures beside it, for other programs.
func (x *Experiment) sheet() report.Table {
	t, more := x.result(), x.tabled("", slices.Concat(transferColumns, leakColumns)...)
	t.Columns = append(t.Columns, more.Columns...)
	for i := range t.Rows {
		t.Rows[i] = append(t.Rows[i], more.Rows[i]...)
	}
	return t
}

// againstBaselines holds every emulator against the baselines.
func (x *Experiment) againstBaselines() report.Table {
	t := report.Table{Caption: "Emulators against " + strings.Join(x.baselineNames(), ", "), Columns: []report.Column{
		{Name: "row", Help: "its plug-in"}, {Name: "against", Help: "a row of another emulator; of several seeds or draws, their mean"},
		{Name: "accuracy", Right: true, Help: "of the first less that of the second, points"},
		{Name: "± documents", Right: true, Help: "standard error of the difference over documents"},
		{Name: "± seeds", Right: true, Help: "standard error over seeds; of one seed there is none"},
		{Name: "won : lost", Right: true, Help: "documents that the first has right more often, and less often"},
		{Name: "p", Right: true, Help: "McNemar's exact test, of several seeds or draws the exact permutation test of signs; corrected after Holm for the lines against the same row"},
		{Name: "loss", Right: true, Help: "answer loss of the first less that of the second, nats a token: below 0 is better"},
		{Name: "± loss", Right: true, Help: "standard error of it over documents, drawn again 2,000 times for both rows alike"},
		{Name: "± seeds, loss", Right: true, Help: "standard error of it over seeds"},
		{Name: "p, loss", Right: true, Help: "of the same draws, 0.001 at the least; corrected in the same way"},
	}}
	for _, c := range x.Table.Baselines {
		row := []string{c.Row, c.Against, points(c.Difference), points(c.Stderr), pointsOrNone(c.SeedStderr), "–", probability(c.PHolm), x.noLoss(), "–", "–", "–"}
		if c.Paired {
			row[5] = fmt.Sprintf("%d : %d", c.Won, c.Lost)
		}
		if l := c.Loss; l != nil {
			copy(row[7:], []string{signed(l.Difference), fmt.Sprintf("%.4f", l.Stderr), "–", probability(l.PHolm)})
			if l.SeedStderr != nil {
				row[9] = fmt.Sprintf("%.4f", *l.SeedStderr)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// noLoss stands for an answer loss that a row has not: there may be none to measure.
func (x *Experiment) noLoss() string {
	if x.Table.AnswerTokens == nil {
		return "–"
	}
	return notMeasured
}

// baselineNames are those of the table.
func (x *Experiment) baselineNames() []string {
	return Names(slices.DeleteFunc(slices.Clone(x.Protocol.Rows), func(r Recipe) bool { return !r.Baseline }))
}

// pointsOrNone shows points, or a dash where there are none.
func pointsOrNone(v *float64) string {
	if v == nil {
		return "–"
	}
	return points(*v)
}
