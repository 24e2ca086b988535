package study

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/internal/report"
	"lamina/internal/units"
)

// summary says in plain words what was done and what came out. Its numbers are
// table.json's.
func (x *Experiment) summary() []string {
	all := x.contenders()
	at := best(all)
	if at < 0 && len(all) == 0 {
		return []string{"Nothing was measured here."}
	}
	if at < 0 {
		return []string{unbroken.Replace(fmt.Sprintf("Nothing was trained here: as it is, %s answers %s %% of %s right, with a standard error of %s.",
			x.Table.Model, points(all[0].accuracy()), documents(x.Table.Splits.Test), points(all[0].stderr())))}
	}
	paragraphs := []string{x.done(all)}
	paragraphs = append(paragraphs, x.outcome(all[at]))
	for _, more := range []string{x.rivals(all, at), x.limits(all, at), recovers(all[at]), owned(all[at])} {
		if more != "" {
			paragraphs = append(paragraphs, more)
		}
	}
	for i, p := range paragraphs {
		paragraphs[i] = unbroken.Replace(p)
	}
	return paragraphs
}

// unbroken keeps numbers and their signs on one line.
var unbroken = strings.NewReplacer(" %", "\u00a0%", "± ", "±\u00a0", "p = ", "p\u00a0=\u00a0", "p < ", "p\u00a0<\u00a0")

// scoredOn says what the rows are scored on, and whether anything was learned from it.
func (x *Experiment) scoredOn() string {
	on := "What comes out is scored on " + documents(x.Table.Splits.Test)
	if len(x.Overlaps) > 0 {
		return on + ". Beware: " + strings.Join(x.Overlaps, ". ") + "."
	}
	return on + ", on which nothing was trained or chosen."
}

// done says who holds what, what was kept and what was trained.
func (x *Experiment) done(all []contender) string {
	p, t := x.told, x.Table
	model := fmt.Sprintf("%s (%d blocks, %s weights)", t.Model, p.Blocks, units.Count(p.Params))
	scored := x.scoredOn()
	if !slices.ContainsFunc(all, contender.emulates) {
		return fmt.Sprintf("%s was trained on %s rows of %s by someone who has both: no row of this table hands out an emulator. %s", model, units.Count(t.Splits.Train), t.Task, scored)
	}
	kept := "the blocks that the plans below name"
	if slices.ContainsFunc(all, func(c contender) bool { return c.emulates() && c.Plan == nil }) {
		kept = fmt.Sprintf("%d of the %d blocks", p.keep, p.Blocks)
	}
	trained := fmt.Sprintf("%d of them", p.trainable)
	if kept[0] == 't' {
		trained = "the starred ones"
	}
	return fmt.Sprintf("A model owner has %s, a data owner has %s rows of %s, and neither gives away what they have. "+
		"The model owner hands out %s, the emulator; the data owner trains %s and sends those back; they go into their places in the full model, which is then called the plug-in. %s",
		model, units.Count(t.Splits.Train), t.Task, kept, trained, scored)
}

// outcome says which row came first, and what it gained.
func (x *Experiment) outcome(won contender) string {
	name, result := won.Name, fmt.Sprintf("%s %% right with a standard error of %s", points(won.accuracy()), points(won.stderr()))
	if n := len(won.rows); n > 1 {
		result += fmt.Sprintf(" (the mean of %d runs)", n)
	}
	what := "plug-in"
	if !won.emulates() {
		what = "trained model"
	}
	c, ok := x.comparison(name, func(r Recipe) bool { return r.Trains == Nothing })
	if !ok {
		return fmt.Sprintf("The best %s is that of %s: it answers %s. The untrained model was not scored here, so the table does not say what training gained.", what, name, result)
	}
	before := fmt.Sprintf("Untrained, the full model answers %s %% right.", points(c.AgainstAccuracy))
	switch {
	case c.Difference > 0 && !c.byChance():
		return fmt.Sprintf("%s The best %s, that of %s, answers %s: %s.", before, what, name, result, c.gap())
	case c.Difference < 0 && !c.byChance():
		return fmt.Sprintf("Nothing won: training made every row worse. %s The best %s, that of %s, answers %s, which is %s.", before, what, name, result, c.gap())
	}
	return fmt.Sprintf("Nothing won: no %s is better than the untrained model by more than chance may give. %s The best %s, that of %s, answers %s: %s.", what, before, what, name, result, c.gap())
}

// numbers are what came out, in large: the model as it was, the best row, and what could have
// been had if one side had given the other everything.
func (x *Experiment) numbers() []report.Number {
	all := x.contenders()
	at := best(all)
	var out []report.Number
	add := func(name string, c contender) {
		out = append(out, report.Number{Name: name, Value: points(c.accuracy()) + "\u00a0%", Note: unbroken.Replace("± " + points(c.stderr()))})
	}
	if i := slices.IndexFunc(all, func(c contender) bool { return c.Trains == Nothing }); i >= 0 {
		add("untrained", all[i])
	}
	if at < 0 {
		return out
	}
	name := "best plug-in"
	if !all[at].emulates() {
		name = "best trained model"
	}
	add(name+": "+all[at].Name, all[at])
	for i, c := range all {
		if i != at && !c.emulates() && c.Trains != Nothing {
			add("trained in the full model: "+c.Name, c)
		}
	}
	if tuned, ok := all[at].mean(func(r Row) *float64 { return r.EmulatorFT }); ok {
		out = append(out, report.Number{Name: "its emulator by itself", Value: points(tuned) + "\u00a0%", Note: "what the data owner holds"})
	}
	return out
}

// rivals says how far the best row is before the others that hand out an emulator.
func (x *Experiment) rivals(all []contender, at int) string {
	var level, near, far []string
	for _, c := range x.Table.Comparisons {
		other := slices.IndexFunc(all, func(o contender) bool { return o.Name == c.Against })
		if c.Row != all[at].Name || !all[at].emulates() || !all[other].emulates() {
			continue
		}
		text := fmt.Sprintf("%s (by %s points %s)", c.Against, points(c.Difference), c.errors())
		switch {
		case c.Difference == 0:
			level = append(level, c.Against)
		case c.byChance():
			near = append(near, text)
		default:
			far = append(far, text)
		}
	}
	var parts []string
	say := func(format string, names []string) {
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf(format, all[at].Name, strings.Join(names, ", ")))
		}
	}
	say("Of the other emulators, these are behind %s by more than chance gives: %s.", far)
	say("Chance may have put %s before %s: the table does not say which of these is the best.", near)
	say("Level with %s: %s.", level)
	return strings.Join(parts, " ")
}

// limits compares the best row with those that need the full model for training.
func (x *Experiment) limits(all []contender, at int) string {
	if !all[at].emulates() {
		return ""
	}
	var parts []string
	for _, o := range all {
		if o.emulates() || o.Trains == Nothing {
			continue
		}
		c, _ := x.comparison(all[at].Name, func(r Recipe) bool { return r.Name == o.Name })
		parts = append(parts, fmt.Sprintf("%s (%s) answers %s %% right; %s has %s.", o.Name, o.Help, points(c.AgainstAccuracy), all[at].Name, c.gap()))
	}
	if parts == nil {
		return ""
	}
	return "What could be reached if one side gave the other what it has: " + strings.Join(parts, " ")
}

// recovers says how much of what training inside the full model gains came back, and which
// way the emulator's gradient pointed.
func recovers(won contender) string {
	of := func(pick func(*Measures) *float64) (float64, bool) {
		return won.mean(func(r Row) *float64 {
			if r.Measures == nil {
				return nil
			}
			return pick(r.Measures)
		})
	}
	var parts []string
	for _, p := range []struct {
		what string
		pick func(*Measures) *float64
	}{{"accuracy", recoveryOf}, {"the loss of right answers", lossRecoveryOf}} {
		if v, ok := of(p.pick); ok {
			parts = append(parts, fmt.Sprintf("%s %% in %s", points(v), p.what))
		}
	}
	text := ""
	if parts != nil && won.emulates() {
		text = fmt.Sprintf("Of what training inside the full model gains over the untrained one, %s recovers %s. ", won.Name, strings.Join(parts, " and "))
	}
	if c, ok := of(func(m *Measures) *float64 { return m.Cosine }); ok && won.emulates() {
		text += fmt.Sprintf("Before training, the gradient of the loss of right answers on the trained weights had in its emulator a cosine of %.2f with that in the full model; 1 would be the same direction.", c)
	}
	return strings.TrimSpace(text)
}

// owned says what is left to the owner who hands an emulator out.
func owned(won contender) string {
	tuned, ok := won.mean(func(r Row) *float64 { return r.EmulatorFT })
	if !ok {
		return ""
	}
	delta, _ := won.mean(func(r Row) *float64 { return r.Delta })
	text := fmt.Sprintf("The trained emulator of %s, which the data owner holds, answers %s %% by itself: ", won.Name, points(tuned))
	if delta > 0 {
		return text + fmt.Sprintf("the plug-in is %s points better, which is what the model owner keeps to themselves.", points(delta))
	}
	return text + fmt.Sprintf("the plug-in is no better (delta %s), so that the data owner needs nothing more from the model owner.", points(delta))
}

// comparison finds the one of a row with the recipe that is asked for.
func (x *Experiment) comparison(row string, is func(Recipe) bool) (Comparison, bool) {
	for _, c := range x.Table.Comparisons {
		at := slices.IndexFunc(x.Protocol.Rows, func(r Recipe) bool { return r.Name == c.Against })
		if c.Row == row && at >= 0 && is(x.Protocol.Rows[at]) {
			return c, true
		}
	}
	return Comparison{}, false
}

// gap is a difference with its direction, error and p-value, as it stands in a sentence.
func (c Comparison) gap() string {
	words := "more"
	if c.Difference < 0 {
		words = "less"
	}
	verdict := "which is more than chance gives"
	if c.byChance() {
		verdict = "which chance may give"
		if c.PHolm < chance {
			verdict = "which other seeds may undo"
		}
	}
	if c.Difference == 0 {
		return "the same"
	}
	return fmt.Sprintf("%s points %s (%s), %s", points(math.Abs(c.Difference)), words, c.errors(), verdict)
}

// errors are those of a difference, with its p-value.
func (c Comparison) errors() string {
	text := fmt.Sprintf("± %s, %s", points(c.Stderr), pValue(c.PHolm))
	if c.SeedStderr != nil {
		text += fmt.Sprintf("; ± %s over seeds", points(*c.SeedStderr))
	}
	return text
}

// documents counts what was scored.
func documents(n int) string {
	if n == 1 {
		return "a single document"
	}
	return units.Count(n) + " documents"
}

// points shows a share in percent, or a difference of two in points.
func points(v float64) string { return fmt.Sprintf("%.1f", 100*v) }

// pValue shows a p-value in a sentence.
func pValue(p float64) string {
	if text := probability(p); text[0] == '<' {
		return "p < " + text[1:]
	}
	return fmt.Sprintf("p = %.3f", p)
}

// probability shows a small number in a table.
func probability(p float64) string {
	if p < 0.0005 {
		return "<0.0005"
	}
	return fmt.Sprintf("%.4f", p)
}

// ceilingNote says why training some layers in the full model can beat training all of
// it, and what was measured here; "" where one of the two rows is missing.
func (x *Experiment) ceilingNote() string {
	all := x.contenders()
	whole := slices.IndexFunc(all, func(c contender) bool { return c.Trains == Everything })
	inside := slices.IndexFunc(all, func(c contender) bool { return c.Restored })
	if whole < 0 || inside < 0 {
		return ""
	}
	f, c := all[whole], all[inside]
	text := fmt.Sprintf("Why %s may exceed %s: it trains %s weights, not %s, and fewer weights learn few rows less by heart.",
		c.Name, f.Name, units.Count(c.rows[0].TrainParams), units.Count(f.rows[0].TrainParams))
	loss := func(of contender) (train, valid float64) {
		train, _ = of.mean(func(r Row) *float64 { return &r.TrainLoss })
		valid, _ = of.mean(func(r Row) *float64 { return &r.ValidLoss })
		return train, valid
	}
	trainF, validF := loss(f)
	trainC, validC := loss(c)
	if trainF == 0 || trainC == 0 || validF == 0 || validC == 0 {
		return text
	}
	text += fmt.Sprintf(" Measured here: %s ends with a loss of %.3f on its training rows and %.3f on the validation rows, %s with %.3f and %.3f.", f.Name, trainF, validF, c.Name, trainC, validC)
	switch {
	case c.accuracy() <= f.accuracy():
		return text + fmt.Sprintf(" Here %s stays at or below %s.", c.Name, f.Name)
	case trainF <= trainC && validF > max(validC, trainF):
		return text + fmt.Sprintf(" So %s fits its training rows better and the validation rows worse, as overfitting does.", f.Name)
	case trainF > trainC:
		return text + fmt.Sprintf(" So %s fits even its training rows less well: what holds it back here is less overfitting than that learning rate and steps suit the training of all weights less.", f.Name)
	}
	return text + " The losses do not explain it here; the comparison above says whether chance may."
}
