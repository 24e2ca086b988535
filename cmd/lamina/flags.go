package main

import (
	"fmt"

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
