package workload

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"lamina/internal/report"
	"lamina/kernels"
	"lamina/transformer"
)

// Bench measures cases on one backend.
type Bench struct {
	Backend   kernels.Backend
	Threads   int // of the backend, and of the machine's own rates
	Precision kernels.Precision
	Time      time.Duration // each case is measured at least so long

	// Rounded are backends for cases of a precision of their own, on the same memory and as
	// many threads.
	Rounded map[kernels.Precision]kernels.Backend

	// Open opens the model of [Cases] that lies in a file, on Backend.
	Open func(path string) (*transformer.Decoder, error)
	// Next, if not nil, is told of each case before it is measured.
	Next func(c Case)

	group string
	model *Model // of the group
}

// Measurement is a case that was measured. Limit is what the machine could do at
// best, in the same unit, and Share the part of it that was reached.
type Measurement struct {
	Work    string  `json:"work"`
	Shape   string  `json:"shape"`
	Threads int     `json:"threads"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Limit   float64 `json:"limit"`
	Share   float64 `json:"share"`
	// Precision is that of products, which their limit is of as well.
	Precision string `json:"precision"`
}

// Text shows measurements as a table.
func Text(rows []Measurement) string {
	t := report.Table{Columns: []report.Column{
		{Name: "work"}, {Name: "shape"}, {Name: "precision"}, {Name: "threads", Right: true}, {Name: "value", Right: true}, {Name: "unit"},
		{Name: "limit", Right: true}, {Name: "share", Right: true},
	}}
	for _, m := range rows {
		t.Rows = append(t.Rows, []string{
			m.Work, m.Shape, m.Precision, fmt.Sprint(m.Threads), fmt.Sprintf("%.1f", m.Value), m.Unit, fmt.Sprintf("%.1f", m.Limit), fmt.Sprintf("%.0f%%", 100*m.Share),
		})
	}
	return t.Text()
}

// timing is what a case took, or the rate of one that measures the machine.
type timing struct {
	seconds float64
	cost    Cost
	tokens  int
	rate    float64
}

// Run measures cases in turn. The machine is measured before and after: what others
// on it took from one of the two counts for nothing.
func (b *Bench) Run(ctx context.Context, cases []Case) ([]Measurement, error) {
	machine := Measure(b.Threads)
	defer b.enter("")
	timings := make([]timing, len(cases))
	for i, c := range cases {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if b.Next != nil {
			b.Next(c)
		}
		var err error
		if timings[i], err = b.time(ctx, c); err != nil {
			return nil, err
		}
	}
	machine = machine.Better(Measure(b.Threads))
	rows := []Measurement{}
	for i, c := range cases {
		if c.rate == nil || timings[i].rate > 0 { // else the machine has no such instruction
			rows = append(rows, b.row(c, timings[i], machine))
		}
	}
	return rows, nil
}

// time prepares and times a case.
func (b *Bench) time(ctx context.Context, c Case) (timing, error) {
	if c.rate != nil {
		return timing{rate: c.rate(b)}, nil
	}
	b.enter(c.group)
	w, err := c.prepare(b)
	if err != nil {
		return timing{}, err
	}
	seconds, err := fastest(ctx, b.Time, w.Run)
	if w.Done != nil {
		w.Done()
	}
	return timing{seconds: seconds, cost: w.Cost, tokens: w.Tokens}, err
}

// row holds a timing against the machine.
func (b *Bench) row(c Case, t timing, machine Machine) Measurement {
	precision := b.precision(c.Precision)
	row := Measurement{Work: c.Work, Shape: c.Shape, Threads: b.Threads, Unit: c.Unit, Precision: precision.String()}
	if c.rate != nil {
		row.Value, row.Limit, row.Share = t.rate/1e9, t.rate/1e9, 1
		return row
	}
	machine = machine.At(precision)
	amount := map[string]float64{FLOPS: t.cost.FLOP / 1e9, Bytes: (t.cost.Read + t.cost.Moved) / 1e9, Tokens: float64(t.tokens)}[c.Unit]
	row.Value, row.Limit = amount/t.seconds, amount/t.cost.Seconds(machine)
	row.Share = row.Value / row.Limit
	return row
}

// precision is a case's own or the bench's.
func (b *Bench) precision(own kernels.Precision) kernels.Precision {
	if own != kernels.PrecisionF32 {
		return own
	}
	return b.Precision
}

// backend is the one for cases of a precision.
func (b *Bench) backend(own kernels.Precision) kernels.Backend {
	if be := b.Rounded[own]; be != nil {
		return be
	}
	return b.Backend
}

// enter makes room for another group of cases.
func (b *Bench) enter(group string) {
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
	for end := time.Now().Add(long / 4); first < long && time.Now().Before(end); {
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
