package exchange

import (
	"context"
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/measure"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/transformer"
)

// Signs is the mask of GradFix (arXiv 2510.09658, ICLR 2026): which way each weight of T₀
// is pulled in the full model by most of the owner's support texts,
//
//	s_i = sign(-Σ_n sign(g_n,i)), g_n the gradient of text n's loss
//
// and of dT only what goes that way stays: m_i = 1 where sign(dT_i) = s_i.
type Signs struct {
	Texts int    `json:"texts"`
	Data  string `json:"data,omitempty"` // SHA-256 of what they are of
	// Random is the control: dT is drawn at random, of each tensor with the norm that dT
	// has, and masked likewise. What that gains is the support texts' and no training's.
	Random bool `json:"random,omitempty"`
	// RandomMask is the other: of each tensor as many numbers of dT stay as would, and which
	// ones is drawn. What that gains is there for less change, whatever the texts say.
	RandomMask bool    `json:"random_mask,omitempty"`
	Seed       uint64  `json:"seed,omitempty"` // of either
	Kept       float64 `json:"kept"`           // share of the numbers of dT other than 0 that stay, once it is plugged in

	of        map[string]signsOf
	all, kept int
}

// signsOf are those of a tensor, and its place among others.
type signsOf struct {
	place int
	signs []int8
}

// These tell the numbers drawn here from what else is drawn of one seed.
const (
	randomOp     = 1 << 14
	randomMaskOp = randomOp + 1
)

// MeasureSigns returns the signs of some texts for what an adapter trains, in the full
// model: a backward pass a text. tell counts them and may be nil.
func (a *Adapter) MeasureSigns(ctx context.Context, be kernels.Backend, full *transformer.Decoder, items []transformer.Continuation, tell func(done, total int)) (*Signs, error) {
	if a.Manifest.Whole {
		return nil, fmt.Errorf("%s: trains the whole model: signs are measured of blocks", a.Path)
	}
	e, err := emulate.New(full, a.Manifest.Plan.Starred())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Path, err)
	}
	g := &measure.Gradients{Backend: be, Full: full, Items: items, Progress: tell}
	defer g.Close()
	signs, err := g.Signs(ctx, e.Params())
	if err != nil {
		return nil, err
	}
	s := &Signs{Texts: len(items), of: map[string]signsOf{}}
	for w := range e.Params() {
		n := w.Value.Len()
		s.of[w.Name] = signsOf{len(s.of), signs[:n]}
		signs = signs[n:]
	}
	return s, nil
}

// String tells what was done.
func (s *Signs) String() string {
	what := "dT"
	if s.Random {
		what = "a random dT of equal norm"
	}
	if s.RandomMask {
		return fmt.Sprintf("%s kept at random places, as many as where %d support texts agree with its sign (%.1f %% of it)", what, s.Texts, 100*s.Kept)
	}
	return fmt.Sprintf("%s kept where %d support texts agree with its sign (%.1f %% of it)", what, s.Texts, 100*s.Kept)
}

// mask keeps of a tensor's delta what goes the right way.
func (s *Signs) mask(d Delta, w *autograd.Parameter) (Delta, error) {
	own := s.of[w.Name]
	if len(own.signs) != len(d.D) {
		return d, fmt.Errorf("tensor %s has %d weights and %d signs", w.Name, len(d.D), len(own.signs))
	}
	if s.Random {
		d = s.random(d, own.place)
	}
	stays := make([]bool, len(d.D))
	for i, v := range d.D {
		stays[i] = v != 0 && own.signs[i] != 0 && (v > 0) == (own.signs[i] > 0)
	}
	if s.RandomMask {
		s.draw(stays, d, own.place)
	}
	for i, v := range d.D {
		if v == 0 {
			continue // a rest is kept: it says the sign of a zero
		}
		s.all++
		if stays[i] {
			s.kept++
			continue
		}
		d.D[i] = 0
		delete(d.Rest, i)
	}
	s.Kept = float64(s.kept) / float64(max(s.all, 1))
	return d, nil
}

// draw lets as many numbers of d stay as do, other than 0, each of them as likely.
func (s *Signs) draw(stays []bool, d Delta, place int) {
	left, want := 0, 0
	for i, v := range d.D {
		if v != 0 {
			left++
		}
		if stays[i] {
			want++
		}
	}
	drawn := philox.New(s.Seed, philox.Stream(0, place, randomMaskOp)).Sequence()
	for i, v := range d.D {
		if v == 0 {
			continue
		}
		if stays[i] = drawn.Intn(left) < want; stays[i] {
			want--
		}
		left--
	}
}

// random draws numbers of the norm of d.
func (s *Signs) random(d Delta, place int) Delta {
	norm, drawn := 0.0, 0.0
	noise := make([]float32, len(d.D))
	philox.New(s.Seed, philox.Stream(0, place, randomOp)).FillNormal(noise, 0, 0, 1)
	for i, v := range d.D {
		norm += v * v
		drawn += float64(noise[i]) * float64(noise[i])
	}
	out := Delta{D: make([]float64, len(d.D))}
	if drawn == 0 {
		return out
	}
	scale := math.Sqrt(norm / drawn)
	for i, v := range noise {
		out.D[i] = scale * float64(v)
	}
	return out
}
