package main

import (
	"fmt"
	"strings"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/progress"
)

// watcher shows the progress of an experiment: a line for the phase it is in.
type watcher struct {
	s     *session
	bar   *progress.Bar
	phase string
	done  int // parts of it
	last  train.Latest
}

func (w *watcher) watch(e study.Event) {
	if e.Warning != "" {
		w.close()
		w.s.warn([]string{e.Warning})
		return
	}
	phase := strings.TrimSpace(e.Row + " " + e.Phase)
	if phase != w.phase || e.Done < w.done { // another learning rate begins anew
		w.close()
		w.bar, w.phase, w.last = w.s.progress(phase, e.Total), phase, train.Latest{}
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
	if e.Metrics != (train.Metrics{}) {
		w.last.Add(e.Metrics)
		w.bar.Describe(phase + ": " + w.last.String())
	}
	w.bar.Set(e.Done)
}

// row prints a line for a finished row, so that a long run shows what it has.
func (w *watcher) row(r study.Row) {
	w.close()
	w.s.notef("%s\n", r)
}

func (w *watcher) close() {
	if w.bar != nil {
		w.bar.Done()
		w.bar = nil
	}
	w.phase, w.done = "", 0
}
