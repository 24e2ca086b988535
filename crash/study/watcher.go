package study

import (
	"context"
	"fmt"
	"io"
	"strings"

	"lamina/crash/train"
	"lamina/internal/progress"
)

// Watcher shows the progress of an experiment, or of one training: a line for the phase
// that it is in.
//
//	show := &study.Watcher{Out: os.Stderr, Warn: warn}
//	defer show.Close()
//	x.Watch, x.Done = show.Watch, show.Row
//	err := x.Run(ctx)
type Watcher struct {
	Out  io.Writer         // a terminal, or a log
	Warn func(text string) // is told what is doubtful

	bar   *progress.Bar
	phase string
	done  int // parts of it
	last  train.Latest
}

// Watch is told what goes on, see [Protocol.Watch].
func (w *Watcher) Watch(e Event) {
	if e.Warning != "" {
		w.Close()
		w.Warn(e.Warning)
		return
	}
	if e.Note != "" {
		w.line(e.Note)
		return
	}
	phase := strings.TrimSpace(e.Row + " " + e.Phase)
	if phase != w.phase || e.Done < w.done { // another learning rate begins anew
		w.Close()
		w.bar, w.phase, w.last = progress.New(w.Out, phase, e.Total), phase, train.Latest{}
	}
	w.done = e.Done
	switch {
	case e.Resumed:
		w.bar.Resume(e.Done)
		w.bar.Note(fmt.Sprintf("%s: goes on after step %d of %d", phase, e.Done, e.Total))
		return
	case e.Metrics.ValidLoss != 0 && e.Metrics.Step == 0:
		w.bar.Note(fmt.Sprintf("%s: validation loss %.4f before training", phase, e.Metrics.ValidLoss))
	}
	if ids := e.Metrics.Skipped; ids != nil {
		w.bar.Note(fmt.Sprintf("%s: step %d left out: its loss or its gradient is not finite, of examples %v", phase, e.Metrics.Step, ids))
	} else if e.Metrics.Step > 0 || e.Metrics.ValidLoss != 0 {
		w.last.Add(e.Metrics)
		w.bar.Describe(phase + ": " + w.last.String())
	}
	w.bar.Set(e.Done)
}

// Row prints a line for a finished row, so that a long run shows what it has.
func (w *Watcher) Row(r Row) { w.line(r.String()) }

// line prints a line of its own.
func (w *Watcher) line(text string) {
	w.Close()
	fmt.Fprintf(w.Out, "%s\n", text)
}

// Note prints a line beside the progress.
func (w *Watcher) Note(text string) { w.bar.Note(text) }

// Close ends the line of the phase; the next event begins another.
func (w *Watcher) Close() {
	w.bar.Done()
	w.bar, w.phase, w.done = nil, "", 0
}

// Run trains, after Open, and shows how far it is. A run that was finished as a cell of a
// [Grid] is taken as it is.
func (f *Finetuning) Run(ctx context.Context, show *Watcher) (train.Outcome, error) {
	if outcome, done, err := f.finished(); done || err != nil {
		return outcome, err
	}
	f.watchPrefix(show)
	return show.train(ctx, "finetune", f.Trainer)
}

// finished gives the trainer the weights of a run that is done and keeps no checkpoint, if
// it is.
func (f *Finetuning) finished() (outcome train.Outcome, done bool, err error) {
	if outcome, done, err = f.run.Finished(); done {
		err = f.Trainer.Restore(f.run)
	}
	return outcome, done, err
}

// watchPrefix shows what goes wrong with streams that are kept.
func (f *Finetuning) watchPrefix(show *Watcher) {
	if f.prefix != nil {
		f.prefix.Note = func(why string) { show.Watch(Event{Phase: "warning", Warning: why}) }
	}
}

// train runs a training and shows how far it is.
func (w *Watcher) train(ctx context.Context, phase string, t *train.Trainer) (train.Outcome, error) {
	step := Event{Phase: phase, Total: t.Settings.TotalSteps(t.Train.Len())}
	w.Watch(step)
	report, resumed := t.Report, t.Resumed // of who else watches
	t.Resumed = func(done int) {
		if resumed != nil {
			resumed(done)
		}
		e := step
		e.Done, e.Resumed = done, true
		w.Watch(e)
	}
	t.Report = func(m train.Metrics) {
		if report != nil {
			report(m)
		}
		e := step
		e.Done, e.Metrics = m.Step, m
		w.Watch(e)
	}
	return t.Run(ctx)
}
