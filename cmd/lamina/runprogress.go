package main

import (
	"fmt"
	"strings"

	"lamina/crash/study"
	"lamina/internal/progress"
)

// watcher shows the protocol's progress.
type watcher struct {
	s     *session
	p     *study.Protocol
	bar   *progress.Bar
	phase string
}

func newWatcher(s *session, p *study.Protocol) *watcher {
	w := &watcher{s: s, p: p}
	p.Watch = w.watch
	return w
}

func (w *watcher) watch(e study.Event) {
	phase := e.Row + " " + e.Phase
	total, done := e.Total, e.Done
	if e.Phase == "train" {
		total, done = totalSteps(w.p.Settings, len(w.p.Train)), e.Metrics.Step
	}
	if phase != w.phase {
		w.close()
		w.bar, w.phase = w.s.progress(strings.TrimSpace(phase), total), phase
	}
	if e.Metrics.Loss > 0 {
		w.bar.Describe(fmt.Sprintf("%s  loss %.3f  %.0f tokens/s", phase, e.Metrics.Loss, e.Metrics.TokensPerSecond))
	}
	w.bar.Set(done)
}

// done prints a line for a finished row, so that a long run shows what it has.
func (w *watcher) done(r study.Row) {
	w.close()
	w.s.notef("%-18s plug-in %s ± %.1f  emulator %s → %s  (%.0f s)\n", r.Row, percent(r.PlugIn), 100*r.Stderr, percent(r.EmulatorZS), percent(r.EmulatorFT), r.Seconds)
}

func (w *watcher) close() {
	if w.bar != nil {
		w.bar.Done()
		w.bar = nil
	}
	w.phase = ""
}
