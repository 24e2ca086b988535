package main

import (
	"cmp"
	"path/filepath"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/hub"
	"lamina/internal/files"
	"lamina/kernels"
	"lamina/transformer"
)

// modelFlag names the model of a command.
type modelFlag struct {
	Model string `required:"" placeholder:"PATH" help:"Model: a Hugging Face directory, a .gguf file, or ORG/NAME on the hub."`
}

// adapterFlag names trained weights.
type adapterFlag struct {
	Adapter string `placeholder:"RUN" help:"Put the weights that finetune trained into the model first."`
	Receipt string `placeholder:"FILE" help:"Receipt that emulate kept, to hold --adapter against; none: for a run of one's own. Default: as plug finds it."`
}

// open opens a model with them.
func (f adapterFlag) open(s *session, path string) (*model, error) {
	m, err := s.openModel(path)
	if err == nil && f.Adapter != "" {
		err = m.Plug(f.Adapter, f.Receipt)
	}
	return m, err
}

// model is an opened model or emulator on the session's backend.
type model struct {
	*exchange.Model
	session *session // that opened it
}

// openCheckpoint opens a model's files; they are closed with the session.
func (s *session) openCheckpoint(path string) (*transformer.Checkpoint, error) {
	path, err := s.hubPath(path, hub.Model, hub.ModelFiles)
	if err != nil {
		return nil, err
	}
	c, err := transformer.Open(path)
	if err != nil {
		return nil, emulate.Blame(path, err)
	}
	s.closers = append(s.closers, func() { c.Close() })
	s.warn(c.Warnings())
	if _, blocks := c.Bytes(); !blocks && s.Precision == kernels.PrecisionQ8.String() {
		s.warnf("--precision q8 rounds what meets weights in GGUF blocks, and %s has none: all products are f32", path)
	}
	return c, nil
}

// openModel opens a model on the session's backend.
func (s *session) openModel(path string) (*model, error) {
	be, err := s.backend() // before the model, which gives its memory back first
	if err != nil {
		return nil, err
	}
	c, err := s.openCheckpoint(path)
	if err != nil {
		return nil, err
	}
	bar := s.waiting("opening " + path) // an emulator's files are hashed
	m, err := exchange.OpenModel(c, be)
	bar.Done()
	if err != nil {
		return nil, err
	}
	m.Warn = func(text string) { s.warn([]string{text}) }
	if !s.ownData {
		m.Verbatim = s.verbatim
	}
	s.closers = append(s.closers, m.Unplug)
	if m.Emulator != nil && m.Emulator.Unsealed {
		s.warnf("%s", files.UnsealedWarning(m.Path))
	}
	return &model{m, s}, nil
}

// verbatim warns, once, of questions that no task's prompt stands around: training and
// scoring go by different prompts soon if one of them has it.
func (s *session) verbatim(path string) {
	s.warnf("%s: questions without a task are taken verbatim: the prompt is the query as it stands, and a space goes before a choice. If they are a benchmark's, give --task %s to every command alike (lamina tasks lists them)", path, cmp.Or(task.NameIn(filepath.Base(path)), "NAME"))
}

// part is what --plan and --share say is trained of the model.
func (m *model) part(text, share string) (*emulate.Emulator, error) {
	if m.Emulator == nil && text == "" && share != plan.ShareNone.String() {
		return nil, usagef("--share %s needs --plan", share)
	}
	return m.Part(text, share)
}

// data is what flags of m's command name: documents of a path or of the hub.
func (m *model) data(path, config, split string) eval.Data {
	return eval.Data{Path: path, Config: config, Split: split, Locate: m.session.dataPath}
}
