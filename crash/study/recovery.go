package study

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// relate fills in what only other rows of the table, or its recipes, tell of a row, and
// notes why something cannot be told.
func (x *Experiment) relate() {
	t := &x.Table
	t.Notes = nil
	x.draws.answers = t.AnswerTokens
	x.draws.add(t.Rows)
	var earlier []string
	for i := range t.Rows {
		r := &t.Rows[i]
		m := Measures{}
		if r.Measures != nil {
			m = *r.Measures
		}
		recipe := x.recipe(r.Name)
		if len(x.protocols) > 0 { // none in tests of tables alone
			m.HeldShare = finite(float64(r.HeldParams) / float64(x.protocols[0].Full.Config.Params()))
		}
		if recipe.emulates() {
			free := !recipe.OwnerTrains
			m.TrainingFree = &free
		}
		m.Skill, m.LossSkill = x.skill(*r)
		m.Recovery, m.LossRecovery = x.recovered(*r)
		if recipe.Trains == Starred && m.Cosine == nil && !slices.Contains(earlier, r.Name) {
			earlier = append(earlier, r.Name)
		}
		r.Measures = &m
	}
	if earlier != nil {
		x.note("gradients were not measured of " + strings.Join(earlier, ", ") + ": their rows are of an earlier version, or a warning said why; another directory measures them")
	}
}

// note tells once why a measure is missing.
func (x *Experiment) note(text string) {
	if !slices.Contains(x.Table.Notes, text) {
		x.Table.Notes = append(x.Table.Notes, text)
	}
}

// recipe returns the one that a row is of.
func (x *Experiment) recipe(row string) Recipe {
	for _, r := range x.Protocol.Rows {
		if slices.Contains(r.rowNames(), row) {
			return r
		}
	}
	return Recipe{}
}

// first returns the first row whose recipe is so, of a seed if it has one of it.
func (x *Experiment) first(seed uint64, is func(Recipe) bool) (Row, bool) {
	at := -1
	for i, r := range x.Table.Rows {
		if is(x.recipe(r.Name)) && (at < 0 || r.Seed == seed && x.Table.Rows[at].Seed != seed) {
			at = i
		}
	}
	if at < 0 {
		return Row{}, false
	}
	return x.Table.Rows[at], true
}

func untrained(r Recipe) bool { return r.Trains == Nothing && r.Name != "" }
func inside(r Recipe) bool    { return r.Restored }

// beyond is how many standard errors a number that is divided by has to be above zero.
const beyond = 2

// skill returns the share of the full model's skill that a row's emulator has before
// training, in accuracy and in nats; nil where the full model has none to speak of.
func (x *Experiment) skill(r Row) (accuracy, loss *float64) {
	if h := r.Health; h != nil && h.Full > 0 && h.Tells() {
		loss = finite((h.Chance - h.Emulator) / (h.Chance - h.Full))
	}
	zs, ok := x.first(r.Seed, untrained)
	if r.EmulatorZS == nil || !ok || zs.PlugIn == nil {
		return nil, loss
	}
	chance := x.Table.Chance
	if known := *zs.PlugIn - chance; known > beyond*zs.Stderr {
		return finite((*r.EmulatorZS - chance) / known), loss
	}
	x.note(fmt.Sprintf("no skill in accuracy: %s is right in %s %%, a guess in %s %%, which is not %d standard errors less", zs.Name, points(*zs.PlugIn), points(chance), beyond))
	return nil, loss
}

// recovered returns what a row's plug-in recovers of the gain of training inside the full
// model, in accuracy and in answer loss.
func (x *Experiment) recovered(r Row) (accuracy, loss *Recovery) {
	zs, hasFloor := x.first(r.Seed, untrained)
	ceiling, hasRoof := x.first(r.Seed, inside)
	if !hasFloor || !hasRoof || ceiling.Seed != r.Seed && !untrained(x.recipe(r.Name)) {
		missing := "the full model untrained (zs)"
		if hasFloor {
			missing = "training inside the full model (ceiling)"
		}
		x.note("no recovery without a row of " + missing + ", of each seed that trains")
		return nil, nil
	}
	rows := [3]Row{r, zs, ceiling}
	accuracy = x.ratio("accuracy", "points", 100, rows, func(r Row) *float64 { return r.PlugIn }, accuracies)
	loss = x.ratio("answer loss", "nats a token", 1, rows, func(r Row) *float64 {
		if r.AnswerLoss == nil {
			return nil
		}
		return finite(-*r.AnswerLoss)
	}, func(s resample) []float64 { return negative(s.loss) })
	return accuracy, loss
}

// ratio returns (row - floor)/(roof - floor) of a number that is better where it is
// larger, for the row, the untrained model and the ceiling.
func (x *Experiment) ratio(what, unit string, scale float64, rows [3]Row, of func(Row) *float64, drawn func(resample) []float64) *Recovery {
	row, floor, roof := of(rows[0]), of(rows[1]), of(rows[2])
	if row == nil || floor == nil || roof == nil {
		if x.Table.AnswerTokens != nil {
			x.note("no recovery in " + what + " where it was not measured in the row, in " + rows[1].Name + " or in " + rows[2].Name + ", as in rows of an earlier version")
		}
		return nil
	}
	gain := *roof - *floor
	var draws [3][]float64
	for i, r := range rows {
		draws[i] = drawn(x.draws.rows[rowKey(r)])
	}
	stderr := math.Hypot(rows[1].Stderr, rows[2].Stderr) // of accuracies, the only ones that earlier versions have
	if draws[1] != nil && draws[2] != nil {
		stderr = deviation(less(draws[2], draws[1]))
	}
	if !(gain > beyond*stderr) {
		x.note(fmt.Sprintf("no recovery in %s of seed %d: %s is better than %s by %.3g %s ± %.2g, and nothing is divided by less than %d standard errors",
			what, rows[2].Seed, rows[2].Name, rows[1].Name, scale*gain, unit, scale*stderr, beyond))
		return nil
	}
	r := &Recovery{Value: (*row - *floor) / gain}
	if draws[0] != nil && draws[1] != nil && draws[2] != nil {
		gained, roofs := less(draws[0], draws[1]), less(draws[2], draws[1])
		for i := range gained {
			gained[i] /= roofs[i]
		}
		r.Stderr = finite(spread(gained))
	}
	return r
}

// negative returns -list; nil of nil.
func negative(list []float64) []float64 {
	if list == nil {
		return nil
	}
	return less(make([]float64, len(list)), list)
}
