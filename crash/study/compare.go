package study

import (
	"math"
	"slices"
)

// Comparison holds the plug-ins of one row against those of another. A row of several
// seeds or draws counts as their mean.
type Comparison struct {
	Row             string   `json:"row"`
	Against         string   `json:"against"`
	Accuracy        float64  `json:"accuracy"`
	AgainstAccuracy float64  `json:"against_accuracy"`
	Difference      float64  `json:"difference"`
	Stderr          float64  `json:"stderr"`      // of the difference, over documents
	SeedStderr      *float64 `json:"seed_stderr"` // of the difference, over seeds; null for one
	Paired          bool     `json:"paired"`      // by document; else as if the rows had scored different ones
	P               float64  `json:"p"`           // of a difference at least as large between rows that are equally good
	PHolm           float64  `json:"p_holm"`      // the same, corrected after Holm for all comparisons of the list, or with the same baseline
	// Won and Lost count the documents that the row has right more often than the other,
	// and less often, where Paired: of one run each, the two numbers of McNemar's test.
	Won  int             `json:"won,omitempty"`
	Lost int             `json:"lost,omitempty"`
	Loss *LossDifference `json:"loss,omitempty"` // none where a row has no answer loss
}

// chance is the p-value above which a difference may well be chance.
const chance = 0.05

// byChance reports whether chance may have made the difference: that of the documents
// that were scored, or that of the seeds, of which there are too few for a p-value.
func (c Comparison) byChance() bool { return !(c.PHolm < chance) || c.bySeeds() }

// bySeeds reports whether the difference lies within two of its standard errors over
// seeds.
func (c Comparison) bySeeds() bool {
	return c.SeedStderr != nil && math.Abs(c.Difference) <= 2**c.SeedStderr
}

// contender is what a recipe came to, over all its seeds and draws.
type contender struct {
	Recipe
	rows []Row
}

// contenders gathers the rows of the table by their recipes, in order.
func (x *Experiment) contenders() []contender {
	var out []contender
	for _, r := range x.Protocol.Rows {
		c := contender{Recipe: r}
		for _, row := range x.Table.Rows {
			if row.PlugIn != nil && slices.Contains(r.rowNames(), row.Name) {
				c.rows = append(c.rows, row)
			}
		}
		if len(c.rows) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// mean returns the mean of a cell over the rows that have it.
func (c contender) mean(cell func(Row) *float64) (mean float64, ok bool) {
	n := 0
	for _, r := range c.rows {
		if v := cell(r); v != nil {
			mean += *v
			n++
		}
	}
	return mean / float64(max(n, 1)), n > 0
}

// accuracy is the mean of the plug-ins.
func (c contender) accuracy() float64 {
	mean, _ := c.mean(func(r Row) *float64 { return r.PlugIn })
	return mean
}

// stderr is the largest standard error of the plug-ins: the rows share their documents,
// so that a mean over seeds has hardly less.
func (c contender) stderr() float64 {
	most := 0.0
	for _, r := range c.rows {
		most = max(most, r.Stderr)
	}
	return most
}

// right counts for each document the rows that have it right; nil where a row does not say.
func (c contender) right() []int {
	counts := make([]int, len(c.rows[0].Right))
	for _, r := range c.rows {
		if len(r.Right) != len(counts) {
			return nil
		}
		for i, answer := range []byte(r.Right) {
			if answer == rightMark {
				counts[i]++
			}
		}
	}
	return counts
}

// best returns the place of the contender that is most accurate among those that hand
// out an emulator, or among the trained ones where none does; -1 without any.
func best(all []contender) int {
	at := -1
	for _, eligible := range []func(contender) bool{contender.emulates, func(c contender) bool { return c.Trains != Nothing }} {
		for i, c := range all {
			if eligible(c) && (at < 0 || c.accuracy() > all[at].accuracy()) {
				at = i
			}
		}
		if at >= 0 {
			break
		}
	}
	return at
}

// compared holds the best row against each other one, and training inside the full
// model against training all of it.
func (x *Experiment) compared() []Comparison {
	all := x.contenders()
	at := best(all)
	if at < 0 {
		return nil
	}
	var out []Comparison
	for i, c := range all {
		if i != at {
			out = append(out, x.against(all[at], c))
		}
	}
	whole := slices.IndexFunc(all, func(c contender) bool { return c.Trains == Everything })
	within := slices.IndexFunc(all, func(c contender) bool { return c.Restored })
	if whole >= 0 && within >= 0 && whole != at && within != at {
		out = append(out, x.against(all[within], all[whole]))
	}
	correct(out)
	return out
}

// against compares a with b: over the documents, paired, where both say which ones
// they have right.
func against(a, b contender) Comparison {
	c := Comparison{Row: a.Name, Against: b.Name, Accuracy: a.accuracy(), AgainstAccuracy: b.accuracy(), SeedStderr: overSeeds(a, b, plugIn)}
	c.Difference = c.Accuracy - c.AgainstAccuracy
	x, y := a.right(), b.right()
	if len(x) == 0 || len(x) != len(y) {
		c.Stderr = math.Hypot(a.stderr(), b.stderr())
		c.P = 1
		if c.Stderr > 0 {
			c.P = math.Erfc(math.Abs(c.Difference) / c.Stderr / math.Sqrt2)
		}
		return c
	}
	c.Paired = true
	na, nb := len(a.rows), len(b.rows)
	differences, squares := make([]int, len(x)), 0.0
	for i := range x {
		differences[i] = x[i]*nb - y[i]*na
		d := float64(differences[i])/float64(na*nb) - c.Difference
		squares += d * d
		switch {
		case differences[i] > 0:
			c.Won++
		case differences[i] < 0:
			c.Lost++
		}
	}
	if n := float64(len(x)); n > 1 {
		c.Stderr = math.Sqrt(squares / (n - 1) / n)
	}
	c.P = signFlip(differences)
	return c
}

func plugIn(r Row) *float64     { return r.PlugIn }
func answerLoss(r Row) *float64 { return r.AnswerLoss }

// overSeeds is the standard error of the difference in a cell over the seeds that both
// have, or over a's where b is a model that no seed reaches; nil for less than two, and
// where a row has no such number.
func overSeeds(a, b contender, cell func(Row) *float64) *float64 {
	if slices.ContainsFunc(append(slices.Clip(a.rows), b.rows...), func(r Row) bool { return cell(r) == nil }) {
		return nil
	}
	perSeed := func(c contender) map[uint64]float64 {
		sums, counts := map[uint64]float64{}, map[uint64]int{}
		for _, r := range c.rows {
			sums[r.Seed] += *cell(r)
			counts[r.Seed]++
		}
		for s := range sums {
			sums[s] /= float64(counts[s])
		}
		return sums
	}
	var differences []float64
	of, minus := perSeed(a), perSeed(b)
	for _, r := range a.rows {
		v, has := of[r.Seed]
		delete(of, r.Seed) // once, whatever the draws
		w, both := minus[r.Seed]
		if b.Trains == Nothing {
			w, both = b.mean(cell)
		}
		if has && both {
			differences = append(differences, v-w)
		}
	}
	return StdErr(differences)
}

// StdErr returns the standard error of the mean of values,
//
//	sqrt( Σ (xᵢ - mean)² / (n-1) / n ),
//
// nil for less than two.
func StdErr(values []float64) *float64 {
	n := float64(len(values))
	if n < 2 {
		return nil
	}
	mean, squares := 0.0, 0.0
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	stderr := math.Sqrt(squares / (n - 1) / n)
	return &stderr
}
