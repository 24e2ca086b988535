package workload

import (
	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer"
)

// Emulated is the emulator of a plan with random weights, ready to be trained and scored on
// examples that mean nothing.
type Emulated struct {
	*emulate.Emulator
	Examples *train.NextToken

	be             kernels.Backend
	ids            []int
	trained        *nn.Trained
	opt            *optim.AdamW
	training, once *autograd.Pass
}

// NewEmulated builds one over a full model, whose weights stay as they are, for a batch of
// examples of length tokens, of which the last targets are learned.
func NewEmulated(be kernels.Backend, full *transformer.Decoder, p plan.Plan, batch, length, targets int) (*Emulated, error) {
	e, err := emulate.OutlineOf(full, p)
	if err != nil {
		return nil, err
	}
	for w := range e.Decoder.Params() {
		if memory, _ := w.Value.Memory(); memory == nil {
			w.Value = Stored(be, w.Value.DType(), 7, w.Value.Shape()...)
		}
	}
	m := &Emulated{Emulator: e, be: be, training: autograd.NewTrainingPass(be), once: autograd.NewPass(be)}
	for i := range batch {
		m.ids = append(m.ids, i)
	}
	if m.Examples, err = train.Blank(e.Decoder, batch, length, targets); err != nil {
		return nil, err
	}
	if m.trained, err = nn.Trainable(be, e.Params()); err != nil {
		return nil, err
	}
	m.opt, err = optim.NewAdamW(be, m.trained, optim.Config{LR: 1e-6, Clip: 1})
	return m, err
}

// Step is a step of AdamW.
func (m *Emulated) Step() error {
	_, terms := m.Examples.Size(m.ids)
	loss, err := m.Examples.Loss(m.training, m.ids)
	if err == nil {
		err = m.training.Backward(loss, 1/float64(terms))
	}
	m.training.Reset()
	if err == nil {
		m.opt.Step(1)
		err = m.be.Sync()
	}
	return err
}

// Score is the loss alone.
func (m *Emulated) Score() error {
	_, err := m.Examples.Loss(m.once, m.ids)
	if err == nil {
		err = m.once.Sync()
	}
	m.once.Reset()
	return err
}

// Bytes is what training held at its peak: weights, gradient, moments and the largest pass.
func (m *Emulated) Bytes() int {
	frozen := nn.Bytes(m.Decoder.Params()) - nn.Bytes(m.Params())
	return frozen + 4*m.trained.Values.Bytes() + m.training.Arena.Peak()
}

// Close gives back what training took.
func (m *Emulated) Close() {
	m.training.Close()
	m.once.Close()
	m.opt.Close()
	m.trained.Close()
}
