package main

import (
	"fmt"
	"slices"

	"github.com/alecthomas/kong"

	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/tensor"
	"lamina/transformer"
)

// delimiterFlag says what stands between a prompt and its continuation in files that are
// taken verbatim.
type delimiterFlag struct {
	TargetDelimiter *string `placeholder:"TEXT" help:"Between a prompt and its continuation in files taken verbatim (without --task); a row's field target_delimiter says it for the row. Default: one space."`
}

// apply returns the task with it.
func (f delimiterFlag) apply(t task.Task) (task.Task, error) {
	if f.TargetDelimiter == nil {
		return t, nil
	}
	t, err := t.WithDelimiter(*f.TargetDelimiter)
	if err != nil {
		return t, usagef("--target-delimiter: %v", err)
	}
	return t, nil
}

// task returns the task of --task with it.
func (f delimiterFlag) task(name string) (task.Task, error) {
	t, err := namedTask(name)
	if err != nil {
		return t, err
	}
	return f.apply(t)
}

// outFlags name a directory to be written.
type outFlags struct {
	Out       string `required:"" placeholder:"DIR" help:"Directory to write."`
	Overwrite bool   `help:"Replace what is there."`
}

// check refuses, before any work is done, a directory that is there, or with --overwrite
// one that is not of the kind that is written.
func (f outFlags) check(kind string) error {
	return files.Output{Path: f.Out, Kind: kind, Overwrite: f.Overwrite}.Check()
}

// counts are flags that say how many, and mean another number where they are not given.
var counts = []string{"limit", "train-limit", "max-length", "max-gen-tokens", "micro-batch", "eval-every", "save-every", "targets", "trainable", "shadows", "complete-tokens", "points"}

// wantCounts refuses a 0 of theirs, which is none and not the default.
func wantCounts(line *kong.Context) error {
	for _, p := range line.Path {
		if p.Flag != nil && slices.Contains(counts, p.Flag.Name) && p.Flag.Target.Interface() == 0 {
			return usagef("--%s 0: want 1 or more, or leave it out", p.Flag.Name)
		}
	}
	return nil
}

// oneSeed refuses --seed beside --seeds, which stand in its place.
func oneSeed(line *kong.Context) error {
	given := map[string]bool{}
	for _, p := range line.Path {
		if p.Flag != nil {
			given[p.Flag.Name] = true
		}
	}
	if given["seed"] && given["seeds"] {
		return usagef("--seed changes nothing beside --seeds: leave it out")
	}
	return nil
}

// wantFile returns an error where a flag's file could not be written, before what it is to
// hold is computed; "" is none.
func wantFile(flag, path string) error {
	if path == "" {
		return nil
	}
	if err := files.CheckTarget(path); err != nil {
		return fmt.Errorf("%s %w", flag, err)
	}
	return nil
}

// parseDType reads the storage type of --dtype; "" is the zero type.
func parseDType(name string) (tensor.DType, error) {
	d, err := transformer.ParseStorage(name)
	if err != nil {
		return d, usagef("--dtype %w", err)
	}
	return d, nil
}

// namedTask returns the task of --task; an unknown name is wrong usage.
func namedTask(name string) (task.Task, error) {
	t, err := task.Named(name)
	if err != nil {
		return t, usageError{err}
	}
	return t, nil
}
