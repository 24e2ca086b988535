package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/bench/workload"
	"lamina/kernels"
)

// result is what a case came to.
type result struct {
	Suite   string        `json:"suite"`
	Case    string        `json:"case"`
	Threads int           `json:"threads"`
	Unit    string        `json:"unit"`
	Limit   float64       `json:"limit,omitempty"` // rate nobody can beat on this machine; 0: not known
	Entries []entryResult `json:"entries"`
	// Ratio is our median rate over that of the fastest other entry on as many
	// threads, whose label Best is; 0 where there is none.
	Ratio float64 `json:"ratio,omitempty"`
	Best  string  `json:"best,omitempty"`
	// Noisy says that the rounds of ours or of the fastest other one still spread too far
	// after so many repeats; see noise.go.
	Noisy   bool `json:"noisy,omitempty"`
	Repeats int  `json:"repeats,omitempty"`
}

// entryResult is one contender's measurements.
type entryResult struct {
	Label   string    `json:"label"`
	Threads int       `json:"threads"`
	Seconds []float64 `json:"seconds"` // of each round
	Rate    float64   `json:"rate"`    // median of the rounds
	Spread  float64   `json:"spread"`  // distance of the rounds' quartiles over the median
	Share   float64   `json:"share,omitempty"`
	Peak    int       `json:"peak_bytes,omitempty"` // where each has a process of its own
	Error   string    `json:"error,omitempty"`
	Absent  bool      `json:"absent,omitempty"` // is not measured in this case

	rates     []float64
	cost      *workload.Cost
	ours      bool
	precision kernels.Precision
}

// add counts a round.
func (e *entryResult) add(a answer, amount float64) {
	if amount == 0 {
		amount = float64(a.Tokens)
	}
	e.Seconds = append(e.Seconds, a.Seconds)
	e.rates = append(e.rates, amount/a.Seconds)
	e.Peak = max(e.Peak, a.Peak)
	if a.Cost != nil {
		e.cost = a.Cost
	}
}

// finish computes medians, the limit on the machine that was measured meanwhile,
// shares, the spread of the rounds and the ratio.
func (r *result) finish(m measurement, machines map[int]workload.Machine) {
	for i := range r.Entries {
		e := &r.Entries[i]
		if e.Rate = median(e.rates); !m.fresh {
			e.Peak = 0
		}
	}
	r.judge()
	own := r.own()
	if own == nil {
		return
	}
	amount, cost := m.amount, own.cost
	if m.cost != nil {
		amount, cost = m.costAmount, m.cost
	}
	limit := func(e *entryResult) float64 {
		machine, ok := machines[e.Threads]
		if !ok || cost == nil || amount == 0 {
			return 0
		}
		return amount / cost.Seconds(machine.At(e.precision))
	}
	r.Limit = limit(own)
	for i := range r.Entries {
		e := &r.Entries[i]
		if l := limit(e); l > 0 {
			e.Share = e.Rate / l
		}
		if !e.ours && e.Threads == r.Threads && e.Rate > 0 && own.Rate > 0 {
			if ratio := own.Rate / e.Rate; r.Best == "" || ratio < r.Ratio {
				r.Ratio, r.Best = ratio, e.Label
			}
		}
	}
}

// geometricMean returns the mean ratio of the results that have one.
func geometricMean(results []result) (mean float64, n int) {
	sum := 0.0
	for _, r := range results {
		if r.Ratio > 0 {
			sum += math.Log(r.Ratio)
			n++
		}
	}
	return math.Exp(sum / float64(max(1, n))), n
}

// number shows three digits that count.
func number(v float64) string {
	switch {
	case v == 0:
		return "–"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func percent(v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f%%", 100*v)
}

// markdown shows the results of one suite: a table for each number of threads, or
// with the peak memory where each entry had its own process.
func markdown(s suite, results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s: %s\n", s.name, s.about)
	for len(results) > 0 {
		first := results[0]
		n := slices.IndexFunc(results, func(r result) bool {
			return r.Threads != first.Threads || !sameLabels(r, first) || r.Unit != first.Unit
		})
		if n < 0 {
			n = len(results)
		}
		table(&b, results[:n])
		results = results[n:]
	}
	return b.String()
}

func sameLabels(a, b result) bool {
	return slices.EqualFunc(a.Entries, b.Entries, func(x, y entryResult) bool { return x.Label == y.Label })
}

// table writes results that have the same entries.
func table(b *strings.Builder, results []result) {
	first := results[0]
	fmt.Fprintf(b, "\n%s on %s; in brackets the share of the limit, and the spread of the rounds", first.Unit, threadsText(first.Threads))
	memory := slices.ContainsFunc(first.Entries, func(e entryResult) bool { return e.Peak > 0 })
	if memory {
		b.WriteString(", and the peak of resident memory")
	}
	b.WriteString(".\n\n| case | limit |")
	for _, e := range first.Entries {
		fmt.Fprintf(b, " %s |", e.Label)
	}
	b.WriteString(" lamina / best other |\n|---|---|" + strings.Repeat("---|", len(first.Entries)+1) + "\n")
	for _, r := range results {
		fmt.Fprintf(b, "| %s | %s |", r.Case, number(r.Limit))
		for _, e := range r.Entries {
			b.WriteString(" " + e.text() + " |")
		}
		if r.Ratio > 0 {
			fmt.Fprintf(b, " **%.2f** (%s)%s |\n", r.Ratio, r.Best, r.noiseText())
		} else {
			b.WriteString(" – |\n")
		}
	}
	if mean, n := geometricMean(results); n > 1 {
		fmt.Fprintf(b, "\nGeometric mean of %d ratios: **%.2f**.\n", n, mean)
	}
}

// text is an entry's cell.
func (e entryResult) text() string {
	if e.Error != "" {
		return "failed"
	}
	text := number(e.Rate)
	switch {
	case e.Absent:
		return "–"
	case e.Share > 0 && len(e.Seconds) > 2:
		text += fmt.Sprintf(" (%s; %.0f%%)", percent(e.Share), 100*e.Spread)
	case e.Share > 0:
		text += " (" + percent(e.Share) + ")"
	case len(e.Seconds) > 2:
		text += fmt.Sprintf(" (–; %.0f%%)", 100*e.Spread)
	}
	if e.Peak > 0 {
		text += fmt.Sprintf(", %.0f MB", float64(e.Peak)/1e6)
	}
	return text
}

// noiseText says what a case's rounds were like where they were not quiet.
func (r result) noiseText() string {
	switch {
	case r.Noisy:
		return ", **noisy**"
	case r.Repeats > 0:
		return fmt.Sprintf(", repeated %d times", r.Repeats)
	}
	return ""
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// epochText says how long an epoch takes at the rates that were measured, and holds
// our full fine-tuning against the operations it has more.
func epochText(f inputs, results []result) string {
	var b strings.Builder
	var part, full float64
	b.WriteString("\nSeconds of an epoch: ")
	for i, r := range results {
		for _, e := range r.Entries {
			if e.Rate == 0 {
				continue
			}
			seconds := float64(f.tokens) / e.Rate
			fmt.Fprintf(&b, "%s, %s %s; ", r.Case, e.Label, number(seconds))
			if e.ours && i == 0 {
				part = seconds
			} else if e.ours {
				full = seconds
			}
		}
	}
	if fmt.Fprintf(&b, "%d tokens.\n", f.tokens); part > 0 && full > 0 {
		operations := f.fullCost.FLOP / f.partCost.FLOP
		fmt.Fprintf(&b, "\nOurs: the full model takes %.2f times as long and has %.2f times the operations; the emulator's part of the time over its part of the operations is **%.2f**.\n", full/part, operations, part/full*operations)
	}
	return b.String()
}
