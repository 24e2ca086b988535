package study

import (
	"context"
	"fmt"
	"strings"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
)

// score prepares the metric of the validation documents, by the rules of evaluation and
// without examples before a document: measured on what is trained, of an emulator on the
// emulator. It takes memory beside the trainer's while it runs.
func (f *Finetuning) score() error {
	if f.Metric == "" {
		return nil
	}
	d, none := f.Data, 0
	job, err := f.Model.Prepare(d.Task, d.Valid, nil, eval.Options{Rules: d.Rules, Shots: &none, MaxLength: d.MaxLength})
	if err != nil {
		return fmt.Errorf("--metric %s: %w", f.Metric, err)
	}
	if job.Warning != "" {
		f.doubts = append(f.doubts, job.Warning)
	}
	shape := job.Requests.Items[0].Shape
	metric, err := reported(job.Task, shape, d.Rules, f.Metric)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Valid.Path, err)
	}
	f.Trainer.Score = &train.Scored{Name: f.Metric, Lower: !metric.HigherIsBetter, Measure: func(ctx context.Context) (float64, error) {
		result, err := eval.Run(ctx, f.Model.Backend, f.Part.Decoder, job.Requests, nil)
		if err != nil {
			return 0, err
		}
		m, ok := result.Metric(metric.Metric)
		if !ok {
			return 0, fmt.Errorf("the documents have no %s", f.Metric)
		}
		return m.Value, nil
	}}
	return nil
}

// reported finds a metric of documents of a shape by the harness's name, or by ours.
func reported(t task.Task, shape task.Shape, rules task.Rules, name string) (task.Reported, error) {
	var names []string
	for _, r := range t.Reported(shape, rules) {
		if r.Name == name || r.Metric == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return task.Reported{}, fmt.Errorf("--metric %.64q: documents of %v have %s", name, shape, strings.Join(names, ", "))
}
