package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"lamina/bench/workload"
	"lamina/crash/emulate"
	"lamina/transformer"
)

// benchCommand measures the machine and our work on it; see package workload.
type benchCommand struct {
	Filter string        `placeholder:"WORDS" help:"Only rows whose work, shape and unit hold each of these words, e.g. 'gemm ABt' or 'decode Q4_1'."`
	Model  string        `placeholder:"PATH" help:"Measure decode and prefill of this model too."`
	Time   time.Duration `default:"100ms" placeholder:"D" help:"How long each row is measured at least (default 100ms)."`
}

// Run measures what the filter chooses and prints it as one table at the end.
func (c benchCommand) Run(s *session) error {
	if c.Time <= 0 || c.Time > time.Minute {
		return usagef("--time %v: want more than 0, and 1m at most", c.Time)
	}
	if d, err := parseDevice(s.Device); err != nil || d.kind == "cuda" {
		return cmp.Or(err, fmt.Errorf("--device %s: bench measures processors: for a GPU there is bench/cuda/check.sh, see docs/cuda.md", s.Device))
	}
	cases, err := workload.Choose(c.Model, c.Filter)
	if err != nil {
		return usageError{err}
	}
	counts := s.Threads
	if slices.Equal(counts, []int{0}) {
		counts = slices.Compact([]int{1, runtime.GOMAXPROCS(0)})
	}
	bar := s.progress("bench", len(counts)*len(cases))
	defer bar.Done()
	var rows []workload.Measurement
	for _, threads := range counts {
		some, err := c.measure(s, threads, cases, func(w workload.Case) {
			bar.Describe(w.Work + " " + w.Shape)
			bar.Add(1)
		})
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	bar.Done()
	s.printf("%s", workload.Text(rows))
	return s.writeJSON(rows)
}

// measure runs the cases on so many threads.
func (c benchCommand) measure(s *session, threads int, cases []workload.Case, next func(workload.Case)) ([]workload.Measurement, error) {
	be, err := openBackend("cpu", s.Precision, threads)
	if err != nil {
		return nil, err
	}
	defer be.Close()
	b := &workload.Bench{Backend: be, Threads: threads, Precision: s.Precision, Time: c.Time, Next: next}
	b.Open = func(path string) (*transformer.Decoder, error) {
		c, err := s.openCheckpoint(path)
		if err == nil {
			err = emulate.Check(c)
		}
		if err != nil {
			return nil, err
		}
		return c.Decoder(be)
	}
	return b.Run(s.ctx, cases)
}
