package main

import (
	"lamina/crash/lens"
	"lamina/crash/study"
	"lamina/eval/task"
)

// lensTextFlags name rows.
type lensTextFlags struct {
	Data string `required:"" placeholder:"PATH" help:"Texts: a .txt file, documents (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub."`
	Task string `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
}

// openLensModel opens a model and a task, and says how many tokens a row has.
func openLensModel(s *session, path, named string, maxLength, usual int) (*model, task.Task, int, error) {
	t, err := namedTask(named)
	if err != nil {
		return nil, t, 0, err
	}
	m, err := s.openModel(path)
	if err != nil {
		return nil, t, 0, err
	}
	length, err := m.Config.SequenceLength(maxLength)
	if maxLength == 0 {
		length = min(length, usual)
	}
	return m, t, length, err
}

// lensFlag names a lens.
type lensFlag struct {
	Lens string `default:"logit" placeholder:"LENS" help:"Directory of a tuned lens, of lamina lens train or of the tuned-lens library; or logit (default; final norm and head on every state), or raw (the head alone)."`
}

// open opens it for a model, until the session ends.
func (f lensFlag) open(s *session, m *model) (*lens.Lens, error) {
	l, err := study.OpenLens(m.Backend, m.Decoder, f.Lens)
	if err == nil {
		s.closers = append(s.closers, l.Close)
	}
	return l, err
}
