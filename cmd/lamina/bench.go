package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"lamina/internal/report"
	"lamina/kernels"
	"lamina/kernels/profile"
	"lamina/tensor"
)

// benchCommand measures the machine and our work on it.
type benchCommand struct {
	Filter string `placeholder:"S" help:"Only rows whose work and shape contain this text."`
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
}

// bench is a run of the measurements.
type bench struct {
	s       *session
	filter  string
	threads int
	rows    []benchRow

	be   kernels.Backend
	peak map[int]float64 // FLOP/s by threads
	read map[int]float64 // bytes/s by threads
}

// Run prints the rows as one table at the end.
func (c benchCommand) Run(s *session) error {
	b := &bench{s: s, filter: c.Filter, threads: s.Threads, peak: map[int]float64{}, read: map[int]float64{}}
	if b.threads == 0 {
		b.threads = runtime.GOMAXPROCS(0)
	}
	counts := []int{1}
	if b.threads > 1 {
		counts = append(counts, b.threads)
	}
	for _, n := range counts {
		b.machine(n)
	}
	for _, n := range counts {
		if err := b.on(n, (*bench).products); err != nil {
			return err
		}
	}
	if err := b.on(b.threads, (*bench).decoder); err != nil {
		return err
	}
	if len(b.rows) == 0 {
		return fmt.Errorf("--filter %.64q: fits no row", c.Filter)
	}
	s.table(benchTable(b.rows))
	return s.writeJSON(b.rows)
}

// on runs measurements on a backend of so many threads.
func (b *bench) on(threads int, run func(*bench, int) error) error {
	be, done, err := openBackend(b.s.Device, threads)
	if err != nil {
		return err
	}
	defer done()
	b.be = be
	return run(b, threads)
}

// machine measures the limits; the rows are shown if they are asked for, the
// numbers are needed in any case.
func (b *bench) machine(threads int) {
	b.peak[threads], b.read[threads] = profile.PeakFLOPS(threads), profile.ReadBandwidth(threads)
	if b.wanted("multiply-add", "registers") {
		b.add("multiply-add", "registers", threads, b.peak[threads]/1e9, "GFLOP/s", b.peak[threads]/1e9)
	}
	if b.wanted("read", "memory") {
		b.add("read", "memory", threads, b.read[threads]/1e9, "GB/s", b.read[threads]/1e9)
	}
}

func (b *bench) wanted(work, shape string) bool { return strings.Contains(work+" "+shape, b.filter) }

func (b *bench) add(work, shape string, threads int, value float64, unit string, limit float64) {
	b.rows = append(b.rows, benchRow{work, shape, threads, value, unit, limit, value / limit})
}

// products measures matrix products of real layers: C [M N] of inner size P with
// each transposition, and one row against a weight of each storage type.
func (b *bench) products(threads int) error {
	for _, p := range []struct{ m, n, p int }{{512, 768, 768}, {512, 3072, 768}, {512, 768, 3072}, {1024, 1024, 1024}} {
		for _, t := range []struct {
			name string
			a, b bool
		}{{"A·B", false, false}, {"A·Bᵀ", false, true}, {"Aᵀ·B", true, false}} {
			if err := b.s.ctx.Err(); err != nil {
				return err
			}
			shape := fmt.Sprintf("%dx%dx%d %s", p.m, p.n, p.p, t.name)
			if !b.wanted("product", shape) {
				continue
			}
			args := kernels.MatMulArgs{C: b.random(tensor.F32, p.m, p.n), A: b.stored(p.m, p.p, t.a), B: b.stored(p.p, p.n, t.b), TransA: t.a, TransB: t.b}
			seconds := fastest(func() { kernels.MatMul(b.be, args) })
			b.add("product", shape, threads, 2e-9*float64(p.m)*float64(p.n)*float64(p.p)/seconds, "GFLOP/s", b.peak[threads]/1e9)
		}
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.Q8_0, tensor.Q4_1} {
		const n, p = 32768, 2048 // larger than the caches in every type
		shape := fmt.Sprintf("1x%dx%d %s", n, p, d)
		if !b.wanted("row", shape) {
			continue
		}
		w := b.random(d, n, p)
		x, y := b.random(tensor.F32, 1, p), tensor.New(b.be, tensor.F32, 1, n)
		seconds := fastest(func() { kernels.MatVec(b.be, y, x, w, tensor.Tensor{}) })
		b.add("row", shape, threads, float64(d.Bytes(n*p))/seconds/1e9, "GB/s", b.read[threads]/1e9)
	}
	return nil
}

// stored returns an operand [rows cols], stored transposed if asked.
func (b *bench) stored(rows, cols int, transposed bool) tensor.Tensor {
	if transposed {
		rows, cols = cols, rows
	}
	return b.random(tensor.F32, rows, cols)
}

// random returns a tensor of small numbers. A block type gets bytes of no
// meaning but finite value: its speed does not depend on them.
func (b *bench) random(d tensor.DType, shape ...int) tensor.Tensor {
	t := tensor.New(b.be, d, shape...)
	if d.IsBlock() {
		return t
	}
	values := make([]float32, t.Len())
	for i := range values {
		values[i] = float32(i%251)/251 - 0.5
	}
	raw := make([]byte, d.Bytes(len(values)))
	tensor.EncodeF32(raw, values, d)
	t.SetRaw(raw)
	return t
}

// fastest returns the seconds of the fastest of several calls, after one that
// warms up.
func fastest(call func()) float64 {
	call()
	best := -1.0
	for n, end := 0, time.Now().Add(150*time.Millisecond); n < 3 || time.Now().Before(end); n++ {
		begin := time.Now()
		call()
		if took := time.Since(begin).Seconds(); best < 0 || took < best {
			best = took
		}
	}
	return best
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
