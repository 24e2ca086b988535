package sweep

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/crash/study"
)

// Measured is a number of the runs of a row, of several seeds their mean; Value is null where
// a run has none.
type Measured struct {
	Value *float64 `json:"value"`
	// Documents is the mean of the runs' standard errors over documents: the runs score the
	// same ones, and the error of their mean is no more. Null where runs do not know theirs.
	Documents *float64 `json:"stderr_documents,omitempty"`
	Seeds     *float64 `json:"stderr_seeds,omitempty"` // over the means of the seeds; null for one seed
}

// Error is the larger of the two standard errors, 0 where neither is known.
func (m Measured) Error() (e float64) {
	for _, one := range []*float64{m.Documents, m.Seeds} {
		if one != nil {
			e = max(e, *one)
		}
	}
	return e
}

// TransferLine says how much of what a row trains on a task serves the full model, and what its
// emulator gives away. Each draw of a row has a line.
type TransferLine struct {
	Task         string              `json:"task"`
	Row          string              `json:"row"`
	Kind         string              `json:"kind,omitempty"` // the row without its size: uniform of uniform@24
	Keep         int                 `json:"keep,omitempty"` // layers of the model that run in it; 0: not the same in all runs
	Emulates     bool                `json:"emulates"`
	TrainingFree *bool               `json:"training_free,omitempty"`
	Measures     map[string]Measured `json:"measures"` // by the names of quantities
	Blocks       []BlockMean         `json:"blocks,omitempty"`
}

// BlockMean is the cosine of the gradients of a trained block, of all runs that train it.
type BlockMean struct {
	Layer  int     `json:"layer"`
	Cosine float64 `json:"cosine"`
}

// quantity is a number of a row's runs that the tables of transfer show.
type quantity struct {
	name, shown, help string
	value, stderr     func(study.Row) *float64
	show              func(float64) string
	leak              bool // it says what the emulator gives away, not what serves
	ranked            bool // recovery is held against it
}

// Names of quantities of a [TransferLine] that pictures show.
const (
	Recovery     = "recovery"
	LossRecovery = "loss_recovery"
	HeldShare    = "held_share"
	Skill        = "skill"
	LossSkill    = "loss_skill"
)

func ofMeasures(of func(*study.Measures) *float64) func(study.Row) *float64 {
	return func(r study.Row) *float64 {
		if r.Measures == nil {
			return nil
		}
		return of(r.Measures)
	}
}

func ofRecovery(of func(*study.Measures) *study.Recovery, stderr bool) func(study.Row) *float64 {
	return ofMeasures(func(m *study.Measures) *float64 {
		r := of(m)
		switch {
		case r == nil:
			return nil
		case stderr:
			return r.Stderr
		}
		return &r.Value
	})
}

func accuracyRecovery(m *study.Measures) *study.Recovery { return m.Recovery }
func answerRecovery(m *study.Measures) *study.Recovery   { return m.LossRecovery }

func nothing(study.Row) *float64 { return nil }

// blockMean is the mean over a row's trained blocks of their cosines.
func blockMean(m *study.Measures) *float64 {
	sum := 0.0
	for _, b := range m.Blocks {
		if b.Cosine == nil {
			return nil
		}
		sum += *b.Cosine
	}
	if len(m.Blocks) == 0 {
		return nil
	}
	sum /= float64(len(m.Blocks))
	return &sum
}

func emulatorLoss(r study.Row) *float64 {
	if r.Health == nil {
		return nil
	}
	return &r.Health.Emulator
}

func twoPlaces(v float64) string  { return fmt.Sprintf("%.2f", v) }
func fourPlaces(v float64) string { return fmt.Sprintf("%.4f", v) }
func gained(v float64) string     { return fmt.Sprintf("%+.4f", v) }
func percent(v float64) string    { return fmt.Sprintf("%.1f%%", 100*v) }

// quantities are the numbers of a [TransferLine], in the order of the tables.
var quantities = []quantity{
	{name: Recovery, shown: "R accuracy", help: "recovery: (plug-in - zs)/(ceiling - zs), the share of what training inside the full model gains; 0 is the untrained model, 1 the ceiling",
		value: ofRecovery(accuracyRecovery, false), stderr: ofRecovery(accuracyRecovery, true), show: twoPlaces},
	{name: LossRecovery, shown: "R loss", help: "recovery in answer loss: (zs - plug-in)/(zs - ceiling)",
		value: ofRecovery(answerRecovery, false), stderr: ofRecovery(answerRecovery, true), show: twoPlaces},
	{name: "answer_loss", shown: "answer loss", help: "of the plug-in on the scored documents: -log p of their right answers, nats a token",
		value: func(r study.Row) *float64 { return r.AnswerLoss }, stderr: nothing, show: fourPlaces},
	{name: "predicted_gain", shown: "predicted gain", ranked: true,
		help:  "G1 = -<g, T - T0>: by how much training T should lower the full model's loss on the support answers, to first order; g is its gradient before, nats a token",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.PredictedGain }), stderr: nothing, show: gained},
	{name: "support_gain", shown: "gain", help: "by how much it did on the same answers, nats a token",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.SupportGain }), stderr: nothing, show: gained},
	{name: "cosine", shown: "cos g", ranked: true, help: "cosine between the gradients on the trained weights in the emulator and in the full model, before training, on the support answers",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.Cosine }), stderr: nothing, show: twoPlaces},
	{name: "block_cosine", shown: "cos g, mean of blocks", ranked: true, help: "mean over the trained blocks of the same cosine of each alone",
		value: ofMeasures(blockMean), stderr: nothing, show: twoPlaces},
	{name: "sign_agreement", shown: "signs", ranked: true, help: "share of the trained weights on which these two gradients have the same sign, of those where neither is 0",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.Signs }), stderr: nothing, show: percent},
	{name: "emulator_loss", shown: "emulator loss", leak: true, ranked: true, help: "of the emulator before training, on the validation rows, nats a token",
		value: emulatorLoss, stderr: nothing, show: fourPlaces},
	{name: Skill, shown: "skill", leak: true, ranked: true, help: "(emulator - chance)/(full - chance) in accuracy, before training, on the scored documents; chance is a guess",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.Skill }), stderr: nothing, show: twoPlaces},
	{name: LossSkill, shown: "skill, loss", leak: true, ranked: true, help: "(chance - emulator)/(chance - full) in nats, before training, on the validation rows; chance is ln V",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.LossSkill }), stderr: nothing, show: twoPlaces},
	{name: "exact_share", shown: "exact weights", leak: true, help: "share of the full model's weights that stand in the emulator to the bit",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.ExactShare }), stderr: nothing, show: percent},
	{name: HeldShare, shown: "parameters", leak: true, ranked: true, help: "distinct weights that the data owner holds, of the full model's",
		value: ofMeasures(func(m *study.Measures) *float64 { return m.HeldShare }), stderr: nothing, show: percent},
}

// transfer makes the lines of a model.
func (s *Study) transfer(all []tested) (lines []TransferLine) {
	for i := range all {
		for _, recipe := range s.recipes {
			if recipe.Trains == study.Nothing {
				continue
			}
			for _, name := range recipe.RowNames() {
				var rows []study.Row
				for _, r := range all[i].Rows {
					if r.Name == name {
						rows = append(rows, r)
					}
				}
				if l := transferOf(rows); len(l.Measures) > 0 {
					l.Task, l.Row, l.Kind, l.Emulates = s.Tasks[i].Name, name, kindOf(recipe), recipe.Emulates()
					lines = append(lines, l)
				}
			}
		}
	}
	return lines
}

// kindOf is the name of a recipe without the size that it says.
func kindOf(r study.Recipe) string {
	if r.Keep == 0 {
		return r.Name
	}
	return strings.Replace(r.Name, fmt.Sprintf("-%d", r.Keep), "", 1)
}

// transferOf is what the runs of a row on a task came to.
func transferOf(rows []study.Row) TransferLine {
	l := TransferLine{Measures: map[string]Measured{}}
	if len(rows) == 0 {
		return l
	}
	for _, q := range quantities {
		if m := measured(rows, q.value, q.stderr); m.Value != nil {
			l.Measures[q.name] = m
		}
	}
	sums, counts := map[int]float64{}, map[int]int{}
	for _, r := range rows {
		if r.Measures == nil {
			continue
		}
		l.TrainingFree = r.Measures.TrainingFree
		for _, b := range r.Measures.Blocks {
			if b.Cosine != nil {
				sums[b.Layer] += *b.Cosine
				counts[b.Layer]++
			}
		}
	}
	l.Keep = len(rows[0].Plan.Kept())
	if slices.ContainsFunc(rows, func(r study.Row) bool { return len(r.Plan.Kept()) != l.Keep }) {
		l.Keep = 0
	}
	for layer, n := range counts {
		l.Blocks = append(l.Blocks, BlockMean{layer, sums[layer] / float64(n)})
	}
	slices.SortFunc(l.Blocks, func(a, b BlockMean) int { return a.Layer - b.Layer })
	return l
}

// measured is a number of runs.
func measured(rows []study.Row, value, stderr func(study.Row) *float64) Measured {
	sum, errs, known := 0.0, 0.0, true
	for _, r := range rows {
		v := value(r)
		if v == nil {
			return Measured{}
		}
		sum += *v
		if e := stderr(r); e != nil {
			errs += *e
		} else {
			known = false
		}
	}
	n := float64(len(rows))
	sum /= n
	m := Measured{Value: &sum, Seeds: study.StdErr(perSeed(rows, value))}
	if known {
		errs /= n
		m.Documents = &errs
	}
	return m
}

// Emulators returns the emulators of the table's models, those of the same weights together:
// on the task if there is one, else their means over the tasks, of those measured on each.
func (t *Table) Emulators() (groups [][]Emulator) {
	for _, g := range t.sameWeights() {
		groups = append(groups, emulators(g, ""))
	}
	return groups
}

// Emulator is a point of the trade-off: what an emulator gives away and how much of a training
// it carries. Of several tasks numbers are means over them, their errors sqrt(Σe²)/k.
type Emulator struct {
	Model, Row string
	Kind       string // the row without its size
	Keep       int    // layers of the model that run in it; 0: not the same in all runs
	Measures   map[string]Measured
}

// emulators are those of models on a task, "": of those that have lines on all of them.
func emulators(models []ModelTable, task string) (out []Emulator) {
	for _, m := range models {
		tasks := len(m.Tasks)
		if task != "" {
			tasks = 1
		}
		var names []string
		lines := map[string][]TransferLine{}
		for _, l := range m.Transfer {
			if l.Emulates && (task == "" || l.Task == task) {
				if !slices.Contains(names, l.Row) {
					names = append(names, l.Row)
				}
				lines[l.Row] = append(lines[l.Row], l)
			}
		}
		for _, name := range names {
			if len(lines[name]) == tasks {
				one := lines[name][0]
				out = append(out, Emulator{m.Name, name, one.Kind, one.Keep, overTasks(lines[name])})
			}
		}
	}
	return out
}

// overTasks are means of what every line has.
func overTasks(lines []TransferLine) map[string]Measured {
	out := map[string]Measured{}
	k := float64(len(lines))
	for _, q := range quantities {
		sum, documents, seeds, all := 0.0, 0.0, 0.0, true
		hasDocuments, hasSeeds := true, true
		for _, l := range lines {
			m, ok := l.Measures[q.name]
			if !ok || m.Value == nil {
				all = false
				break
			}
			sum += *m.Value
			add := func(to *float64, e *float64, has *bool) {
				if e == nil {
					*has = false
					return
				}
				*to += float64(*e * *e)
			}
			add(&documents, m.Documents, &hasDocuments)
			add(&seeds, m.Seeds, &hasSeeds)
		}
		if !all {
			continue
		}
		sum, documents, seeds = sum/k, math.Sqrt(documents)/k, math.Sqrt(seeds)/k
		m := Measured{Value: &sum}
		if hasDocuments {
			m.Documents = &documents
		}
		if hasSeeds {
			m.Seeds = &seeds
		}
		out[q.name] = m
	}
	return out
}

// Correlation is Spearman's between the recovery of emulators and another number of theirs.
type Correlation struct {
	Models []string `json:"models"`         // whose emulators, all of the same weights
	Task   string   `json:"task,omitempty"` // "": means over all tasks
	Of     string   `json:"of"`             // recovery or loss_recovery
	With   string   `json:"with"`           // a quantity
	N      int      `json:"n"`              // emulators that have both
	Rho    *float64 `json:"rho"`            // null where one of the two has a single value
	// Low and High bound the middle 95 % where emulators are drawn again; null of too few.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
}

// sameWeights groups models of the same weights, in order.
func (t *Table) sameWeights() (groups [][]ModelTable) {
	for _, m := range t.Models {
		at := slices.IndexFunc(groups, func(g []ModelTable) bool { return g[0].Fingerprint == m.Fingerprint })
		if at < 0 {
			at, groups = len(groups), append(groups, nil)
		}
		groups[at] = append(groups[at], m)
	}
	return groups
}

// correlate fills in the correlations, of no fewer emulators than have an interval: the order of
// two or three says nothing.
func (t *Table) correlate() {
	for _, group := range t.sameWeights() {
		var names []string
		for _, m := range group {
			names = append(names, m.Name)
		}
		tasks := []string{""}
		if of := group[0].Tasks; len(of) > 1 {
			for _, one := range of {
				tasks = append(tasks, one.Task)
			}
		}
		for _, task := range tasks {
			points := emulators(group, task)
			for _, of := range []string{Recovery, LossRecovery} {
				for _, q := range quantities {
					if q.ranked {
						if c := correlation(points, of, q.name); c.N >= leastRanked {
							c.Models, c.Task = names, task
							t.Correlations = append(t.Correlations, c)
						}
					}
				}
			}
		}
	}
}

// correlation is that of two quantities over the points that have both.
func correlation(points []Emulator, of, with string) Correlation {
	var x, y []float64
	for _, p := range points {
		a, b := p.Measures[with], p.Measures[of]
		if a.Value != nil && b.Value != nil {
			x, y = append(x, *a.Value), append(y, *b.Value)
		}
	}
	c := Correlation{Of: of, With: with, N: len(x)}
	if rho := spearman(x, y); !math.IsNaN(rho) {
		c.Rho = &rho
		if low, high := rankInterval(x, y); !math.IsNaN(low) {
			c.Low, c.High = &low, &high
		}
	}
	return c
}
