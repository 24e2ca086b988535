package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"lamina/bench/workload"
	"lamina/crash/emulate"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// benchCommand measures the machine and our work on it; see package workload.
type benchCommand struct {
	Filter string        `placeholder:"WORDS" help:"Only rows whose work, shape, unit and precision hold each of these words, e.g. 'gemm ABt' or 'decode Q4_1'."`
	Model  string        `placeholder:"PATH" help:"Measure decode and prefill of this model too."`
	Time   time.Duration `default:"100ms" placeholder:"D" help:"How long each row is measured at least (default 100ms)."`
	mmapFlag
}

// Run measures what the filter chooses and prints it as one table at the end.
func (c benchCommand) Run(s *session) error {
	if c.Time <= 0 || c.Time > time.Minute {
		return usagef("--time %v: want more than 0, and 1m at most", c.Time)
	}
	d, err := parseDevice(s.Device)
	if err != nil || d.kind == "cuda" {
		return cmp.Or(err, fmt.Errorf("--device %s: bench measures processors: for a GPU there is bench/cuda/check.sh, see docs/cuda.md", s.Device))
	}
	d.limit()
	rounded, err := roundedPrecisions(s.Precision)
	if err != nil {
		return err
	}
	cases, err := workload.Choose(c.Model, c.Filter, rounded)
	if err != nil {
		return usageError{err}
	}
	counts := s.Threads
	if slices.Equal(counts, []int{0}) {
		counts = slices.Compact([]int{1, runtime.GOMAXPROCS(0)})
	}
	parts, total := make([][]workload.Case, len(counts)), 0
	for i, threads := range counts {
		parts[i] = slices.DeleteFunc(slices.Clone(cases), func(w workload.Case) bool { return threads < slices.Max(counts) && roundedModel(w) })
		total += len(parts[i])
	}
	bar := s.progress("bench", total)
	defer bar.Done()
	rows := []workload.Measurement{}
	for i, threads := range counts {
		some, err := c.measure(s, threads, parts[i], func(w workload.Case) {
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

// roundedModel reports whether a case runs a model in a precision of its own: those take a
// minute for each number of threads, and are measured on the largest one alone.
func roundedModel(w workload.Case) bool {
	return w.Precision != kernels.PrecisionF32 && w.Unit == workload.Tokens
}

// roundedPrecisions are those that have rows beside F32's: what this processor has an
// instruction for. Of another precision all rows are, and there are none beside them.
func roundedPrecisions(own string) ([]kernels.Precision, error) {
	p, err := kernels.ParsePrecision(own)
	if err != nil || p != kernels.PrecisionF32 {
		return nil, err
	}
	return slices.DeleteFunc(cpu.Precisions(), func(p kernels.Precision) bool {
		return p == kernels.PrecisionF32 || p != kernels.PrecisionQ8 && !cpu.HasBF16()
	}), nil
}

// measure runs the cases on so many threads.
func (c benchCommand) measure(s *session, threads int, cases []workload.Case, next func(workload.Case)) ([]workload.Measurement, error) {
	be, err := openBackend("cpu", s.Precision, threads, s.prepackFlag)
	if err != nil {
		return nil, err
	}
	defer be.Close()
	b := &workload.Bench{
		Backend: be, Threads: threads, Precision: be.precision, Time: c.Time, Next: next, Rounded: map[kernels.Precision]kernels.Backend{},
	}
	for _, one := range cases {
		if p := one.Precision; p != kernels.PrecisionF32 && b.Rounded[p] == nil {
			other, err := openBackend("cpu", p.String(), threads, s.prepackFlag)
			if err != nil {
				return nil, err
			}
			defer other.Close()
			b.Rounded[p] = other.Backend
		}
	}
	b.Open = func(path string) (*transformer.Decoder, error) {
		file, err := s.openCheckpoint(path)
		if err == nil {
			err = emulate.Check(file)
		}
		if err != nil {
			return nil, err
		}
		d, err := file.Decoder(be)
		if err == nil {
			err = c.place(file, d, manyTokens)
		}
		return d, err
	}
	return b.Run(s.ctx, cases)
}
