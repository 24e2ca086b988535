package exchange

import (
	"context"
	"fmt"
	"maps"

	"lamina/autograd"
	"lamina/crash/measure"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// Alphas are what α is chosen from.
var Alphas = []float64{0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2}

// mostRounds bounds how often each block's α is looked at.
const mostRounds = 3

// Chosen says how α was chosen, on what and by which losses.
type Chosen struct {
	Texts  int     `json:"texts"`
	Tokens int     `json:"tokens"`         // of their answers
	Data   string  `json:"data,omitempty"` // SHA-256 of what they are of
	Loss   float64 `json:"loss"`           // of the answers, with what was chosen; nats a token
	Tried  []Tried `json:"tried"`          // in order
}

// Tried is a choice of α and what it came to.
type Tried struct {
	Alpha  *float64        `json:"alpha,omitempty"`
	Blocks map[int]float64 `json:"blocks,omitempty"`
	Loss   float64         `json:"loss"`
}

// String tells them in half a sentence.
func (t Tried) String() string {
	return fmt.Sprintf("%s: %.4f", Corrections{Alpha: t.Alpha, Blocks: t.Blocks}, t.Loss)
}

// Text shows all that was tried, in lines.
func (c *Chosen) Text() string {
	text := fmt.Sprintf("α by the loss of the answers of %d texts (%d tokens), nats a token:\n", c.Texts, c.Tokens)
	for _, t := range c.Tried {
		text += fmt.Sprintf("  %s\n", t)
	}
	return text
}

// ChooseAlpha gives the adapter the α from [Alphas] with which the full model's loss on the
// answers is lowest, the smaller of two that are alike; with blocks one for each block: all
// begin with that, and one block after the other takes what is best while the others stay,
// until none moves or each was looked at three times. The other corrections are made before.
// The full model is as before when it returns; tell is told of each try and may be nil.
func (a *Adapter) ChooseAlpha(ctx context.Context, be kernels.Backend, full *transformer.Decoder, answers []transformer.Continuation, blocks bool, tell func(Tried)) (*Chosen, error) {
	s := &search{Chosen: Chosen{Texts: len(answers)}, ctx: ctx, adapter: a, backend: be, answers: answers, known: map[string]float64{}, tell: tell}
	for _, it := range answers {
		s.Tokens += len(it.Target)
	}
	var err error
	if s.decoder, s.params, err = a.Plugged(full); err != nil {
		return nil, err
	}
	defer a.unplug()
	best, err := s.best(Alphas, func(alpha float64) Corrections { return Corrections{Alpha: &alpha} })
	if err != nil {
		return nil, err
	}
	if blocks {
		if best, err = s.byBlock(*best.Alpha); err != nil {
			return nil, err
		}
	}
	c := a.corrections
	c.Alpha, c.Blocks, c.Chosen = best.Alpha, best.Blocks, &s.Chosen
	s.Loss = s.known[best.String()]
	return &s.Chosen, a.Correct(c, a.model)
}

// MostTries is how many choices [Adapter.ChooseAlpha] tries at most, in the model that the
// adapter was corrected for.
func (a *Adapter) MostTries(blocks bool) int {
	n := len(Alphas)
	if blocks {
		layers := len(a.Layers(a.model))
		rounds := mostRounds
		if layers == 1 {
			rounds = 1
		}
		n += rounds * layers * (len(Alphas) - 1) // what a block has was tried
	}
	return n
}

// search is one choice under way.
type search struct {
	Chosen
	ctx     context.Context
	adapter *Adapter
	backend kernels.Backend
	decoder *transformer.Decoder // with params
	params  nn.Params
	answers []transformer.Continuation
	known   map[string]float64 // losses
	tell    func(Tried)
}

// best returns the corrections of the lowest loss, of equal ones the first.
func (s *search) best(alphas []float64, with func(alpha float64) Corrections) (best Corrections, err error) {
	lowest := 0.0
	for i, alpha := range alphas {
		c := with(alpha)
		loss, err := s.loss(c)
		if err != nil {
			return best, err
		}
		if i == 0 || loss < lowest {
			best, lowest = c, loss
		}
	}
	return best, nil
}

// byBlock goes from one α for all to one for each block.
func (s *search) byBlock(alpha float64) (Corrections, error) {
	layers := s.adapter.Layers(s.adapter.model)
	now := Corrections{Blocks: map[int]float64{}}
	if s.adapter.Manifest.Whole {
		now.Alpha = &alpha // of what is in no block
	}
	for _, layer := range layers {
		now.Blocks[layer] = alpha
	}
	for range mostRounds {
		moved := false
		for _, layer := range layers {
			best, err := s.best(Alphas, func(alpha float64) Corrections {
				c := Corrections{Alpha: now.Alpha, Blocks: maps.Clone(now.Blocks)}
				c.Blocks[layer] = alpha
				return c
			})
			if err != nil {
				return now, err
			}
			moved = moved || best.Blocks[layer] != now.Blocks[layer]
			now = best
		}
		if !moved || len(layers) == 1 {
			break
		}
	}
	return now, nil
}

// loss measures it with some α, once.
func (s *search) loss(c Corrections) (float64, error) {
	key := c.String()
	if loss, ok := s.known[key]; ok {
		return loss, nil
	}
	with := s.adapter.corrections
	with.Alpha, with.Blocks = c.Alpha, c.Blocks
	if err := s.adapter.Correct(with, s.adapter.model); err != nil {
		return 0, err
	}
	i := -1
	for w := range s.params {
		if i++; !s.adapter.changes(w.Name) {
			continue
		}
		values, err := s.adapter.plugged(&autograd.Parameter{Name: w.Name, Value: s.adapter.before[i]})
		if err != nil {
			return 0, fmt.Errorf("%s: %w", key, err)
		}
		w.Value.SetFloat32s(values)
	}
	loss, err := measure.Loss(s.ctx, s.backend, s.decoder, s.answers)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	s.known[key] = loss
	s.Tried = append(s.Tried, Tried{c.Alpha, c.Blocks, loss})
	if s.tell != nil {
		s.tell(s.Tried[len(s.Tried)-1])
	}
	return loss, nil
}
