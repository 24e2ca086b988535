package main

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/crash/study"
	"lamina/eval/task"
	"lamina/internal/progress"
)

// statesFlags say which hidden states are measured, and how a row's become one vector.
type statesFlags struct {
	Samples   int    `default:"512" placeholder:"N" help:"Only the first N documents (default 512)."`
	Pool      string `default:"mean_weighted" enum:"mean,mean_weighted,last,max_nonpad,mean_all,max,min" placeholder:"HOW" help:"How a sample's tokens become one vector: mean, mean_weighted (default), last, max_nonpad, mean_all, max or min."`
	Tokens    string `default:"plain" placeholder:"HOW" help:"What is done to each token's state before: plain (default; nothing), rms (divided by its root mean square) or drop-first (the first one is left out)."`
	MaxLength int    `placeholder:"N" help:"Tokens of a sample at most. Default: the model's positions."`
}

// vectors returns what they say.
func (f statesFlags) vectors() (measure.Vectors, error) {
	v, err := measure.ParseVectors(f.Pool, f.Tokens)
	if err != nil {
		return v, usageError{err}
	}
	if f.Samples < 2 {
		return v, usagef("--samples %d: want 2 or more", f.Samples)
	}
	return v, nil
}

// rows reads the documents of a path and encodes them.
func (f statesFlags) rows(m *model, t task.Task, data string) ([][]int32, error) {
	length, err := m.Config.SequenceLength(f.MaxLength)
	if err != nil {
		return nil, err
	}
	docs, _, err := m.Documents(t, m.data(data, "", "validation"), f.Samples)
	if err != nil {
		return nil, err
	}
	return m.Rows(t, docs, length, task.OverlongError)
}

// likenessFlags say by what states are compared.
type likenessFlags struct {
	Metric    string   `default:"cka" enum:"${metrics}" placeholder:"NAME" help:"Measure of likeness: ${metrics_help}."`
	Bandwidth *float64 `placeholder:"X" help:"Of cka-rbf: the kernel's width in medians of the distances (default 1)."`
}

// comparing returns what they say.
func (f likenessFlags) comparing() (measure.Comparing, error) {
	width := 0.0
	if f.Bandwidth != nil {
		if width = *f.Bandwidth; width == 0 {
			return measure.Comparing{}, usagef("--bandwidth 0: want more than 0, or leave it out")
		}
	}
	how, err := measure.ParseComparing(f.Metric, width)
	switch {
	case err != nil && f.Bandwidth != nil:
		return how, usagef("--bandwidth: %v", err)
	case err != nil:
		return how, usageError{err}
	}
	return how, nil
}

// streamFlag lets blocks be read one by one.
type streamFlag struct {
	Stream bool `help:"Keep one block of the model in memory at a time, and the states of all samples; the result is the same."`
}

// observe runs rows through a model with a progress line.
func (s *session) observe(m *model, rows [][]int32, v measure.Vectors, stream bool, what string) (*measure.States, error) {
	label, total := what, len(rows)
	if stream {
		label, total = what+", block by block", m.Config.Layers
	}
	bar := s.progress(label, total)
	defer bar.Done()
	return study.Observe(s.ctx, &m.Model.Model, rows, v, stream, func(done, _ int) { bar.Set(done) })
}

// observeTasks runs the rows of several data sets through a model.
func (s *session) observeTasks(m *model, tasks []study.TaskData, f statesFlags, v measure.Vectors, stream bool) (all []measure.TaskFeatures, err error) {
	for _, t := range tasks {
		rows, err := f.rows(m, t.Task, t.Path)
		if err != nil {
			return nil, err
		}
		states, err := s.observe(m, rows, v, stream, t.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Path, err)
		}
		all = append(all, measure.TaskFeatures{Task: t.Name, States: states})
	}
	return all, nil
}

// fingerprint is that of a model's weights, "" where no result is written.
func (s *session) fingerprint(m *model) string {
	if s.JSON == "" {
		return ""
	}
	return study.Fingerprint(&m.Model.Model)
}

// counting returns what shows the progress of a call that says itself how much it has to
// do, and what ends that.
func (s *session) counting(label string) (count func(done, total int), end func()) {
	var bar *progress.Bar
	return func(done, total int) {
		if bar == nil {
			bar = s.progress(label, total)
		}
		bar.Set(done)
	}, func() { bar.Done() }
}
