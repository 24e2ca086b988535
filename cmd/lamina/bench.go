package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"lamina/bench/workload"
	"lamina/internal/report"
	"lamina/kernels"
)

// benchCommand measures the machine and our work on it. What each piece of work
// needs at least, and so its limit on this machine, is in package workload.
type benchCommand struct {
	Filter string        `placeholder:"WORDS" help:"Only rows whose work, shape and unit hold each of these words, e.g. 'gemm ABt' or 'decode Q4_1'."`
	Model  string        `placeholder:"PATH" help:"Measure decode and prefill of this model too."`
	Time   time.Duration `default:"100ms" placeholder:"D" help:"How long each row is measured at least (default 100ms)."`
}

// benchRow is one measurement; Limit is what the machine could do at best, in the
// same unit, and Share the part of it that was reached.
type benchRow struct {
	Work    string  `json:"work"`
	Shape   string  `json:"shape"`
	Threads int     `json:"threads"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Limit   float64 `json:"limit"`
	Share   float64 `json:"share"`
	// Precision is that of --precision: the limit of products stays F32's.
	Precision string `json:"precision"`
}

// The units of rates.
const (
	unitFLOPS  = "GFLOP/s"
	unitBytes  = "GB/s"
	unitTokens = "tokens/s"
)

// benchCase is a row before it is measured. Cases of one group stand together and
// share what group makes, which lives until another group's turn.
type benchCase struct {
	work, shape string
	unit        string
	group       string
	prepare     func(b *bench) (workload.Work, error)
	limit       func(b *bench) float64 // of the machine's own rows; returns bytes or operations a second
}

// bench is a run of the measurements on one number of threads.
type bench struct {
	s       *session
	time    time.Duration
	threads int
	be      kernels.Backend
	machine workload.Machine
	group   string
	model   *workload.Model // of the group
}

// Run measures what the filter chooses and prints it as one table at the end.
func (c benchCommand) Run(s *session) error {
	if c.Time <= 0 || c.Time > time.Minute {
		return usagef("--time %v: want more than 0, and 1m at most", c.Time)
	}
	if strings.HasPrefix(s.Device, "cuda") {
		return fmt.Errorf("--device %s: bench measures processors only", s.Device)
	}
	cases, err := c.cases()
	if err != nil {
		return err
	}
	counts := s.threadCounts()
	bar := s.progress("bench", len(counts)*len(cases))
	defer bar.Done()
	var rows []benchRow
	for _, threads := range counts {
		some, err := c.measure(s, threads, cases, func(label string) {
			bar.Describe(label)
			bar.Add(1)
		})
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	bar.Done()
	s.table(benchTable(rows))
	return s.writeJSON(rows)
}

// threadCounts returns the numbers of threads of --threads; by default one, and
// one for each processor.
func (s *session) threadCounts() []int {
	if !slices.Equal(s.Threads, []int{0}) {
		return s.Threads
	}
	if all := runtime.GOMAXPROCS(0); all > 1 {
		return []int{1, all}
	}
	return []int{1}
}

// cases returns the rows that the filter chooses, or says what there is.
func (c benchCommand) cases() ([]benchCase, error) {
	all := benchCases(c.Model)
	words := strings.Fields(c.Filter)
	var some []benchCase
	for _, one := range all {
		text := one.work + " " + one.shape + " " + one.unit
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			some = append(some, one)
		}
	}
	if len(some) > 0 {
		return some, nil
	}
	var works []string
	for _, one := range all {
		if !slices.Contains(works, one.work) {
			works = append(works, one.work)
		}
	}
	return nil, usagef("--filter %.64q: fits no row; there are %s", c.Filter, strings.Join(works, ", "))
}

// measure runs the cases on so many threads. The limits are measured before and
// after: what others on the machine took from one of the two counts for nothing.
func (c benchCommand) measure(s *session, threads int, cases []benchCase, next func(label string)) ([]benchRow, error) {
	be, done, err := openBackend(s.Device, s.Precision, threads)
	if err != nil {
		return nil, err
	}
	defer done()
	b := &bench{s: s, time: c.Time, threads: threads, be: be, machine: workload.Measure(threads)}
	defer b.enter("")
	type measured struct {
		seconds float64
		cost    workload.Cost
		tokens  int
		rate    float64
	}
	results := make([]measured, len(cases))
	for i, one := range cases {
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		next(one.work + " " + one.shape)
		if one.limit != nil {
			results[i].rate = one.limit(b)
			continue
		}
		b.enter(one.group)
		w, err := one.prepare(b)
		if err != nil {
			return nil, err
		}
		seconds, err := fastest(s.ctx, b.time, w.Run)
		if w.Done != nil {
			w.Done()
		}
		if err != nil {
			return nil, err
		}
		results[i] = measured{seconds: seconds, cost: w.Cost, tokens: w.Tokens}
	}
	b.machine = b.machine.Better(workload.Measure(threads))
	rows := make([]benchRow, len(cases))
	for i, one := range cases {
		r := results[i]
		row := benchRow{Work: one.work, Shape: one.shape, Threads: threads, Unit: one.unit, Precision: s.Precision}
		if one.limit != nil {
			row.Value, row.Limit, row.Share = r.rate/1e9, r.rate/1e9, 1
		} else {
			amount := map[string]float64{unitFLOPS: r.cost.FLOP / 1e9, unitBytes: (r.cost.Read + r.cost.Moved) / 1e9, unitTokens: float64(r.tokens)}[one.unit]
			row.Value, row.Limit = amount/r.seconds, amount/r.cost.Seconds(b.machine)
			row.Share = row.Value / row.Limit
		}
		rows[i] = row
	}
	return rows, nil
}

// enter makes room for another group of cases.
func (b *bench) enter(group string) {
	if b.group != group {
		b.group, b.model = group, nil
		runtime.GC() // a model is large, and its successor as well
	}
}

// fastest returns the seconds of the fastest of several calls within about the
// time, two at least if they are below a second, after one that warms up and, where
// it is short, a few more.
func fastest(ctx context.Context, long time.Duration, call func()) (float64, error) {
	begin := time.Now()
	call()
	first := time.Since(begin)
	for end := time.Now().Add(min(long/4, first)); time.Now().Before(end); {
		call()
	}
	best, least := -1.0, 2
	if first > time.Second {
		least = 1
	}
	for n, end := 0, time.Now().Add(long); n < least || time.Now().Before(end); n++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		begin := time.Now()
		call()
		if took := time.Since(begin).Seconds(); best < 0 || took < best {
			best = took
		}
	}
	return best, nil
}

func benchTable(rows []benchRow) report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "work"}, {Name: "shape"}, {Name: "threads", Right: true}, {Name: "value", Right: true}, {Name: "unit"},
		{Name: "limit", Right: true}, {Name: "share", Right: true},
	}}
	for _, r := range rows {
		t.Rows = append(t.Rows, []string{
			r.Work, r.Shape, fmt.Sprint(r.Threads), fmt.Sprintf("%.1f", r.Value), r.Unit, fmt.Sprintf("%.1f", r.Limit), fmt.Sprintf("%.0f%%", 100*r.Share),
		})
	}
	return t
}
