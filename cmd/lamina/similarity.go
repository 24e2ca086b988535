package main

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/crash/study"
	"lamina/eval/task"
	"lamina/transformer"
)

// similarityCommand measures the likeness of hidden states.
type similarityCommand struct {
	modelFlag
	Data      string `required:"" placeholder:"PATH" help:"Documents: a file (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub; not those the model is tested on."`
	Task      string `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
	Samples   int    `default:"512" placeholder:"N" help:"Only the first N documents (default 512)."`
	Pool      string `default:"mean_weighted" enum:"mean,mean_weighted,last,max_nonpad,mean_all,max,min" placeholder:"HOW" help:"How a sample's tokens become one vector: mean, mean_weighted (default), last, max_nonpad, mean_all, max or min."`
	Tokens    string `default:"plain" placeholder:"HOW" help:"What is done to each token's state before: plain (default; nothing), rms (divided by its root mean square) or drop-first (the first one is left out)."`
	Metric    string `default:"cka" enum:"cka" placeholder:"NAME" help:"Measure of likeness: cka (linear CKA)."`
	Stream    bool   `help:"Keep one block of the model in memory at a time, and the states of all samples; the result is the same."`
	MaxLength int    `placeholder:"N" help:"Tokens of a sample at most. Default: the model's positions."`
	Plot      string `placeholder:"FILE" help:"Draw the matrix and the likeness of neighbours: FILE.svg or FILE.png."`
}

// Run prints the likeness of neighbours; the matrix goes to --json, a picture to --plot.
func (c similarityCommand) Run(s *session) error {
	t, err := namedTask(c.Task)
	if err != nil {
		return err
	}
	v, err := measure.ParseVectors(c.Pool, c.Tokens)
	if err != nil {
		return usageError{err}
	}
	if c.Samples < 2 {
		return usagef("--samples %d: want 2 or more", c.Samples)
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	length, err := m.Config.SequenceLength(c.MaxLength)
	if err != nil {
		return err
	}
	docs, _, err := m.Documents(t, m.data(c.Data, "", "validation"), c.Samples)
	if err != nil {
		return err
	}
	rows, err := m.Rows(t, docs, length, task.OverlongError)
	if err != nil {
		return err
	}
	result, err := s.similarity(m, rows, v, c.Stream)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	if s.JSON != "" {
		result.Model = transformer.Fingerprint(m.Decoder.Params())
	}
	told := struct {
		measure.Similarity
		Precision string `json:"precision"`
	}{result, s.Precision}
	if err := s.plot(c.Plot, "similarity", told); err != nil {
		return err
	}
	for _, doubt := range []string{measure.Doubt(rows), result.MassiveDoubt()} {
		if doubt != "" {
			s.warn([]string{c.Data + ": " + doubt})
		}
	}
	s.printf("%s", study.SimilarityText(result))
	return s.writeResult("similarity", told)
}

// similarity measures rows of tokens with a progress line.
func (s *session) similarity(m *model, rows [][]int32, v measure.Vectors, stream bool) (measure.Similarity, error) {
	label, total := "similarity", len(rows)
	if stream {
		label, total = "similarity, block by block", m.Config.Layers
	}
	bar := s.progress(label, total)
	defer bar.Done()
	return study.Similarity(s.ctx, &m.Model.Model, rows, v, stream, func(done, _ int) { bar.Set(done) })
}
