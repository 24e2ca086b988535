package distill

import (
	"fmt"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/transformer"
)

// Span is a frozen place that is fitted for more layers than its own: what enters layer
// First of the model is to leave it as what enters layer End there.
type Span struct{ Place, First, End int }

// Spans returns which frozen place takes up each gap of a plan: the one before it, or else
// the one behind. One that lies between two gaps takes up both. A gap between two places
// that train has none. It is an error, naming the remedy, if there is nothing to fit, or
// where a block stands at several places.
func Spans(e *emulate.Emulator, layers int) ([]Span, error) {
	p, at := e.Plan, map[int]Span{}
	for _, gap := range p.Gaps(layers) {
		before, behind := gap.Place-1, gap.Place
		for before >= 0 && p[before].IsMap() {
			return nil, fmt.Errorf("plan %s: a map stands in the gap before place %d already: --train norms trains it", p, gap.Place)
		}
		switch {
		case before >= 0 && !p[before].Trainable && p[before].Layer == gap.First-1:
			s, ok := at[before]
			if !ok {
				s = Span{before, gap.First - 1, 0}
			}
			s.End = gap.Last + 1
			at[before] = s
		case behind < len(p) && !p[behind].Trainable:
			at[behind] = Span{behind, gap.First, gap.Last + 2}
		}
	}
	var spans []Span
	for place := range p {
		s, ok := at[place]
		if !ok {
			continue
		}
		for other, b := range e.Decoder.Blocks {
			if b == e.Decoder.Blocks[place] && other != place {
				return nil, fmt.Errorf("plan %s: layer %d stands at several places and cannot be fitted to one gap: --share none, or --train frozen", p, p[place].Layer)
			}
		}
		spans = append(spans, s)
	}
	if len(spans) == 0 {
		return nil, fmt.Errorf("plan %s: no frozen place stands beside a gap, so that there is nothing to fit: keep one frozen layer more, or --train harmonizers", p)
	}
	return spans, nil
}

// NewLocal returns the objective of fitting frozen blocks to gaps, as XMerge (arXiv
// 2609.02083) has one block stand for two: of each token, the mean over [Spans] of
//
//	‖block(f_First) - f_End‖²/‖f_End‖²
//
// with f the full model's streams. Spans do not depend on each other, so that training
// them at once is training them in turn, but for the clipping of the gradient. Its one
// part is called fit.
func NewLocal(e *emulate.Emulator, full *transformer.Decoder, rows [][]int32) (*Objective, error) {
	if err := checkRows(full.Config, rows); err != nil {
		return nil, err
	}
	spans, err := Spans(e, len(full.Blocks))
	if err != nil {
		return nil, err
	}
	return &Objective{method: &local{e.Decoder, full, spans}, full: full, student: e.Decoder, rows: rows}, nil
}

// local is the method of blocks that run on the full model's streams.
type local struct {
	student, teacher *transformer.Decoder
	spans            []Span
}

func (m *local) parts(o *Objective, p *autograd.Pass, b *transformer.Batch, _ []int32, _ uint64) error {
	at := make([]int, 0, 2*len(m.spans))
	for _, s := range m.spans {
		at = append(at, s.First, s.End)
	}
	streams := states(p, m.teacher, b, at)
	var have, want []autograd.Var
	for i, s := range m.spans {
		have = append(have, m.student.ForwardBlocks(p, b, streams[2*i], s.Place, s.Place+1))
		want = append(want, streams[2*i+1])
	}
	o.add("fit", 1, distance(p, have, want))
	return nil
}

func (*local) held() []*autograd.Parameter { return nil }

func (*local) close() {}
