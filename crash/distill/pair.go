package distill

import (
	"lamina/autograd"
	"lamina/tensor"
	"lamina/transformer"
)

// pair is the method of emulator and model run side by side.
type pair struct {
	student, teacher *transformer.Decoder
	middles, all     []Point
	settings         Settings
	disturbed        *disturbed // nil: PPD has no weight
}

func (m *pair) parts(o *Objective, p *autograd.Pass, b *transformer.Batch, next []int32, step uint64) error {
	m.plain(o, p, b, next)
	if m.settings.PPD == 0 {
		return nil
	}
	if err := m.disturbed.draw(p, step); err != nil {
		return err
	}
	have := states(p, m.disturbed.student, b, places(m.all))
	o.add("ppd", m.settings.PPD, distance(p, have, states(p, m.disturbed.teacher, b, layers(m.all))))
	return nil
}

// plain adds what is measured with T as it is.
func (m *pair) plain(o *Objective, p *autograd.Pass, b *transformer.Batch, next []int32) {
	s, points := m.settings, m.middles
	if s.LM > 0 {
		points = m.all
	}
	if s.LM == 0 && s.KD == 0 {
		return
	}
	have := states(p, m.student, b, places(points))
	if s.LM > 0 {
		targets := p.New(tensor.I32, len(next))
		targets.SetInts(next)
		o.add("lm", s.LM, m.student.Loss(p, have[len(have)-1], targets))
	}
	if s.KD > 0 {
		o.add("kd", s.KD, distance(p, have[:len(m.middles)], states(p, m.teacher, b, layers(m.middles))))
	}
}

func (m *pair) held() []*autograd.Parameter {
	if m.disturbed == nil {
		return nil
	}
	return m.disturbed.params
}

func (m *pair) close() {
	if m.disturbed != nil {
		m.disturbed.close()
	}
}
