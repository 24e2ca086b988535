// Package events tells of a training as it happens, so that it can be watched: as JSON
// lines, or as the scalars that TensorBoard shows.
//
//	s := &events.Stream{Run: id, Sinks: []events.Sink{events.NewLines(path, false)}, Warn: warn}
//	s.Attach(trainer, "", dir)
//	outcome, err := trainer.Run(ctx)
//	s.End(outcome, err)
//	defer s.Close()
//
// An event is an object with the fields of [Event]. It knows no model and no task; what it
// is told it does not keep. No bit of a training depends on it: a sink that fails is named
// once, and the training goes on without it.
//
// Invariants: a file that is gone on with has each step and each validation of a run once,
// however often the run was interrupted, also by a cut of power: what was told is on the
// disk before a checkpoint is, and what was told behind the one that a run goes on from is
// dropped first.
package events

import (
	"time"

	"lamina/crash/train"
	"lamina/nn"
	"lamina/nn/optim"
)

// The events, in the order of a run.
const (
	Begin      = "begin"      // with step: what is done already, steps: to do in all, examples
	Step       = "step"       // with the fields of metrics.jsonl
	Validation = "validation" // likewise
	Checkpoint = "checkpoint" // the run goes on from here if it is interrupted
	End        = "end"        // with outcome, or error
)

// Event is one event. Fields that it has no use for are left out.
type Event struct {
	Event          string         `json:"event"`
	Run            string         `json:"run"`            // names the run: the beginning of the SHA-256 of its config.json
	Cell           string         `json:"cell,omitempty"` // of a grid of rates and seeds
	Time           time.Time      `json:"time"`           // UTC
	Step           int            `json:"step"`
	Steps          int            `json:"steps,omitempty"`
	Examples       int            `json:"examples,omitempty"`
	Epoch          float64        `json:"epoch,omitempty"` // how often it has gone through the examples
	*train.Metrics                // of a step or a validation
	Metric         string         `json:"metric,omitempty"` // what valid_metric is
	Outcome        *train.Outcome `json:"outcome,omitempty"`
	Error          string         `json:"error,omitempty"`
}

// Sink is where events go.
type Sink interface {
	// Begin is told before the first event of a run, or of a cell of one, and drops those of
	// an earlier try that keep does not name. An error is final.
	Begin(run, cell string, keep func(e Event) bool) error
	Add(e Event) error
	Sync() error // what was added survives a cut of power
	Close() error
}

// Stream hands the events of trainings to its sinks.
type Stream struct {
	Run   string
	Sinks []Sink
	Warn  func(text string) // told once of a sink that fails; may be nil

	Now func() time.Time // nil: the clock

	cell, metric    string
	begun           bool
	steps, examples int
	perEpoch        int
	dir             string
}

// Attach lets a trainer that is about to run tell its events, those that it reports already
// to others too. dir is its run directory. Of no stream it does nothing, as End does.
func (s *Stream) Attach(t *train.Trainer, cell, dir string) {
	if s == nil {
		return
	}
	s.begun, s.cell, s.dir, s.metric = false, cell, dir, ""
	s.examples = t.Train.Len()
	s.steps, s.perEpoch = t.Settings.TotalSteps(s.examples), (s.examples-1)/max(t.Settings.Batch, 1)+1
	if t.Score != nil {
		s.metric = t.Score.Name
	}
	report, resumed := t.Report, t.Resumed
	t.Resumed = func(step int) {
		if resumed != nil {
			resumed(step)
		}
		s.begin(step, true)
	}
	t.Report = func(m train.Metrics) {
		if report != nil {
			report(m)
		}
		s.begin(0, false)
		s.add(s.told(m))
	}
	if t.Store != nil {
		t.Store = saving{t.Store, s}
	}
}

// End tells what a training came to.
func (s *Stream) End(o train.Outcome, err error) {
	if s == nil {
		return
	}
	if !s.begun { // and nothing was trained: what there is stays
		s.open(func(Event) bool { return true })
	}
	e := Event{Event: End, Step: o.Steps}
	if err != nil {
		e.Error = err.Error()
	} else {
		e.Outcome = &o
	}
	s.add(e)
	s.sync()
}

// Close closes the sinks; of no stream it does nothing.
func (s *Stream) Close() {
	if s == nil {
		return
	}
	for _, k := range s.Sinks {
		s.check(k, k.Close())
	}
	s.Sinks = nil
}

// begin tells the beginning, once: after a step where a run goes on, and anew else.
func (s *Stream) begin(after int, resumed bool) {
	if s.begun {
		return
	}
	keep := func(e Event) bool { return e.Cell != s.cell }
	if resumed {
		keep = s.keep(after)
	}
	s.open(keep)
	s.add(Event{Event: Begin, Step: after, Steps: s.steps, Examples: s.examples})
	s.sync() // or half a line could stand there alone, which is nobody's
}

// open has the sinks keep what of earlier tries stays.
func (s *Stream) open(keep func(Event) bool) {
	s.begun = true
	for _, k := range s.Sinks {
		s.check(k, k.Begin(s.Run, s.cell, keep))
	}
}

// keep names the events that a run which goes on after a step will not tell again. Its
// metrics were rewound to that step, and say whether its validation was made.
func (s *Stream) keep(after int) func(Event) bool {
	validated := false
	lines, _ := train.ReadMetrics(s.dir)
	for _, m := range lines {
		validated = validated || m.Step == after && m.ValidLoss != 0
	}
	return func(e Event) bool {
		switch {
		case e.Cell != s.cell:
			return true
		case e.Event == Validation && e.Step == after:
			return validated
		}
		return e.Step <= after
	}
}

// told is a line of metrics as an event.
func (s *Stream) told(m train.Metrics) Event {
	e := Event{Event: Step, Step: m.Step, Metrics: &m, Epoch: float64(m.Step) / float64(s.perEpoch)}
	if m.ValidLoss != 0 {
		e.Event, e.Metric = Validation, s.metric
	}
	return e
}

func (s *Stream) add(e Event) {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	e.Run, e.Cell, e.Time = s.Run, s.cell, now().UTC()
	for _, k := range s.Sinks {
		s.check(k, k.Add(e))
	}
}

// sync lets all that was told survive a cut of power.
func (s *Stream) sync() {
	for _, k := range s.Sinks {
		s.check(k, k.Sync())
	}
}

// check drops a sink that fails.
func (s *Stream) check(k Sink, err error) {
	if err == nil {
		return
	}
	if s.Warn != nil {
		s.Warn("events: " + err.Error() + "; the training goes on, and nothing more is told there")
	}
	k.Close() // which may fail as well
	var left []Sink
	for _, other := range s.Sinks {
		if other != k {
			left = append(left, other)
		}
	}
	s.Sinks = left
}

// saving is a store that tells of each checkpoint.
type saving struct {
	train.Store
	told *Stream
}

func (s saving) Save(state train.State, t *nn.Trained, o optim.Optimizer) error {
	s.told.begin(0, false)
	s.told.sync()
	err := s.Store.Save(state, t, o)
	if err == nil {
		s.told.add(Event{Event: Checkpoint, Step: state.Step})
	}
	return err
}
