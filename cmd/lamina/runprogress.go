package main

import (
	"fmt"
	"strings"

	"lamina/crash/study"
	"lamina/internal/progress"
)

// watcher shows the progress of an experiment: a line for the phase it is in.
type watcher struct {
	s     *session
	bar   *progress.Bar
	phase string
}

func (w *watcher) watch(e study.Event) {
	if e.Warning != "" {
		w.close()
		w.s.warn([]string{e.Warning})
		return
	}
	phase := e.Row + " " + e.Phase
	if phase != w.phase {
		w.close()
		w.bar, w.phase = w.s.progress(strings.TrimSpace(phase), e.Total), phase
	}
	if e.Metrics.Loss > 0 {
		w.bar.Describe(fmt.Sprintf("%s  loss %.3f  %.0f tokens/s", phase, e.Metrics.Loss, e.Metrics.TokensPerSecond))
	}
	w.bar.Set(e.Done)
}

// done prints a line for a finished row, so that a long run shows what it has.
func (w *watcher) done(r study.Row) {
	w.close()
	w.s.notef("%s\n", r)
}

func (w *watcher) close() {
	if w.bar != nil {
		w.bar.Done()
		w.bar = nil
	}
	w.phase = ""
}
