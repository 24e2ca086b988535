package main

import (
	"errors"
	"fmt"
	"strings"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/tokenizer"
)

// modelFlag names the model of a command.
type modelFlag struct {
	Model string `required:"" placeholder:"PATH" help:"Model: a Hugging Face directory, a .gguf file, or ORG/NAME on the hub."`
}

// model is an opened checkpoint and its decoder on the session's backend.
type model struct {
	*transformer.Checkpoint
	Backend  kernels.Backend
	Decoder  *transformer.Decoder
	Emulator *emulate.Emulator // of a directory that emulate wrote, else nil
	Manifest emulate.Manifest  // of such a directory

	session *session // that opened it
	tokens  *tokenizer.Tokenizer
}

// openCheckpoint opens a model's files; they are closed with the session.
func (s *session) openCheckpoint(path string) (*transformer.Checkpoint, error) {
	path, err := s.modelPath(path)
	if err != nil {
		return nil, err
	}
	c, err := transformer.Open(path)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() { c.Close() })
	return c, nil
}

// openModel opens a model on the session's backend. An exported emulator's
// repeated places are one object again.
func (s *session) openModel(path string) (*model, error) {
	c, err := s.openCheckpoint(path)
	if err != nil {
		return nil, err
	}
	be, err := s.backend()
	if err != nil {
		return nil, err
	}
	m := &model{Checkpoint: c, Backend: be, session: s}
	if c.GGUF == nil && emulate.IsEmulator(c.Path) {
		if m.Emulator, m.Manifest, err = emulate.Open(c, be); err != nil {
			return nil, err
		}
		m.Decoder = m.Emulator.Decoder
		return m, nil
	}
	m.Decoder, err = c.Decoder(be)
	return m, err
}

// full returns an error if the model is an emulator where what is asked for needs
// the full model.
func (m *model) full(what string) error {
	if m.Emulator != nil {
		return fmt.Errorf("%s: is an emulator of a model of %d layers; %s needs the full model", m.Path, m.Manifest.Layers, what)
	}
	return nil
}

// tokenizer loads the model's tokenizer on first use.
func (m *model) tokenizer() (*tokenizer.Tokenizer, error) {
	if m.tokens != nil {
		return m.tokens, nil
	}
	t, err := m.Tokenizer()
	if err != nil {
		return nil, err
	}
	if t.VocabSize() > m.Config.Vocab {
		return nil, fmt.Errorf("%s: the tokenizer has ids up to %d, the model a vocabulary of %d", m.Path, t.VocabSize()-1, m.Config.Vocab)
	}
	m.tokens = t
	return t, nil
}

// encoder returns what encodes documents of a shape. Documents of token ids need
// no tokenizer, so that models without one can be scored and trained.
func (m *model) encoder(shape task.Shape) (task.Encoder, error) {
	if shape == task.Tokens {
		return nil, nil
	}
	return m.tokenizer()
}

// plug puts the weights of an adapter into the model: the starred blocks of a
// full model or of the emulator it was trained in.
func (m *model) plug(path string) error {
	a, err := exchange.OpenAdapter(path)
	if err != nil {
		return err
	}
	defer a.Close()
	if m.Emulator == nil {
		d, _, err := a.Plugged(m.Decoder)
		if err != nil {
			return err
		}
		m.Decoder = d
		return nil
	}
	var params nn.Params = m.Emulator.Params()
	if a.Manifest.Whole {
		params = m.Decoder.Params()
	}
	return a.Apply(m.Backend, params)
}

// parsePlan reads a layer plan from a flag: its text, or @FILE with the text or
// with the JSON that lamina plan writes.
func parsePlan(flag string) (plan.Plan, error) {
	path, isFile := strings.CutPrefix(flag, "@")
	if !isFile {
		return plan.Parse(flag)
	}
	data, err := readInput(path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "{") {
		var p planResult
		if err := decodeJSON(path, data, &p); err != nil {
			return nil, err
		}
		return p.Plan, nil
	}
	plan, err := plan.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

// parseDType reads the storage type of --dtype; "" is the zero type.
func parseDType(name string) (tensor.DType, error) {
	if name == "" {
		return tensor.Invalid, nil
	}
	switch d, _ := tensor.ParseDType(strings.ToUpper(name)); d {
	case tensor.F32, tensor.F16, tensor.BF16:
		return d, nil
	}
	return tensor.Invalid, usagef("--dtype %.32q: want f32, f16 or bf16", name)
}

// maxLength returns how many tokens a sequence may have: what was asked for, else
// what the model takes.
func (m *model) maxLength(asked int) (int, error) {
	switch {
	case asked == 0:
		return m.Config.MaxPositions, nil
	case asked < 1:
		return 0, errors.New("--max-length: want 1 or more")
	case asked > m.Config.MaxPositions:
		return 0, fmt.Errorf("--max-length %d: more than the model's %d positions", asked, m.Config.MaxPositions)
	}
	return asked, nil
}
