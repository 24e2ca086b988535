package train

import (
	"fmt"
	"strings"

	"lamina/kernels"
	"lamina/nn"
	"lamina/nn/optim"
)

// Options are choices of a training that are off where they are zero: such a run has the
// bits and the config.json that it had before there were any.
type Options struct {
	// Rates multiply the learning rate of some parameters, by name; the first that one
	// fits holds for it.
	Rates []optim.Rate `json:"rates,omitempty"`
	// LayerLRDecay X lets the block at place i of n learn at X^(n-i) times the learning
	// rate; see [optim.LayerRates]. Rates come before it.
	LayerLRDecay float64 `json:"layer_lr_decay,omitempty"`

	// EMA is the decay of a running average of the weights, which is validated and kept
	// instead of them; see [optim.Config.AverageDecay], and EMAAtOnce there.
	EMA       float64 `json:"ema,omitempty"`
	EMAAtOnce bool    `json:"ema_at_once,omitempty"`

	// Patience ends the run after so many validations in a row without one that is lower
	// than the lowest before them by more than MinDelta.
	Patience int     `json:"patience,omitempty"`
	MinDelta float64 `json:"min_delta,omitempty"`

	// Proximal is λ of a term λ‖T - T₀‖² of the loss, T₀ the weights before training; see
	// [optim.Proximal].
	Proximal float64 `json:"proximal,omitempty"`

	// LabelSmoothing is ε of a loss (1-ε)·(-log p(token)) + ε·mean over v of (-log p(v)).
	// Validation is without it.
	LabelSmoothing float64 `json:"label_smoothing,omitempty"`

	// DropSpan is the probability of a step that leaves out some neighbouring frozen
	// places, GapNoise the size of the noise on what frozen places give on; see
	// [NextToken.Adjust]. Validation is without both.
	DropSpan float64 `json:"drop_span,omitempty"`
	GapNoise float64 `json:"gap_noise,omitempty"`

	// MaxGradSkip is how many steps in a row whose loss or gradient is not finite are
	// left out before the run ends with an error.
	MaxGradSkip int `json:"max_grad_skip,omitempty"`

	// SGD trains with [optim.SGD] instead of AdamW; nil: AdamW.
	SGD *SGD `json:"sgd,omitempty"`
}

// SGD are the choices of a training with [optim.SGD]: learning rate, clip and weight decay
// are those of [Settings], and weight decay is of every parameter.
type SGD struct {
	Momentum float64 `json:"momentum"`
	Nesterov bool    `json:"nesterov"`
}

// checkSGD returns an error for what SGD has not.
func (s Settings) checkSGD() error {
	if s.SGD == nil {
		return nil
	}
	for _, x := range []struct {
		what string
		set  bool
	}{
		{"groups", len(s.Groups) > 0}, {"rates", len(s.Rates) > 0}, {"layer-wise decay", s.LayerLRDecay != 0},
		{"an average of the weights", s.EMA != 0}, {"DP-SGD, which is AdamW here", s.Private != nil},
	} {
		if x.set {
			return fmt.Errorf("sgd: has not %s: leave it out", x.what)
		}
	}
	c := optim.SGDConfig{LR: s.LR, Momentum: s.SGD.Momentum, Nesterov: s.SGD.Nesterov, WeightDecay: s.WeightDecay, Clip: s.Clip}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("sgd: %w", err)
	}
	return nil
}

// Adjusted is an objective that [Options] change in training.
type Adjusted interface {
	Objective
	// Adjust lets training passes be as the settings say: smoothed, with places left out,
	// with noise. It is called before the first pass, and again to the same effect.
	Adjust(s Settings) error
	// LayerRates returns the rates of layer-wise decay by the places of the trained
	// parameters, of the names given.
	LayerRates(decay float64, trained map[string]bool) []optim.Rate
}

// String lists the options that are on, each after a comma: "" where none is.
func (o Options) String() string {
	var text strings.Builder
	for _, r := range o.Rates {
		fmt.Fprintf(&text, ", %s at %g of the rate", r.Match, r.Times)
	}
	for _, x := range []struct {
		name  string
		value float64
	}{
		{"layer-wise rate decay", o.LayerLRDecay}, {"average of the weights", o.EMA}, {"patience", float64(o.Patience)},
		{"least improvement", o.MinDelta}, {"proximal term", o.Proximal}, {"label smoothing", o.LabelSmoothing},
		{"spans left out", o.DropSpan}, {"noise of frozen places", o.GapNoise}, {"steps left out in a row", float64(o.MaxGradSkip)},
	} {
		if x.value != 0 {
			fmt.Fprintf(&text, ", %s %g", x.name, x.value)
		}
	}
	return text.String()
}

// validate returns an error naming the option that cannot be used.
func (o Options) validate() error {
	for _, r := range o.Rates {
		if err := r.Validate(); err != nil {
			return err
		}
	}
	for _, n := range []struct {
		flag  string
		value int
	}{{"patience", o.Patience}, {"max-grad-skip", o.MaxGradSkip}} {
		if n.value < 0 || n.value > mostCounted {
			return fmt.Errorf("--%s %d: want 1 to %d, or 0 for none", n.flag, n.value, mostCounted)
		}
	}
	for _, x := range []struct {
		flag         string
		value, below float64 // below 0: any that 32 bits hold
	}{
		{"ema", o.EMA, 1}, {"min-delta", o.MinDelta, 0}, {"proximal", o.Proximal, 0},
		{"label-smoothing", o.LabelSmoothing, 1}, {"gap-noise", o.GapNoise, 0},
	} {
		switch {
		case x.below > 0 && !(x.value >= 0 && x.value < x.below):
			return fmt.Errorf("--%s %v: want above 0 and below %v, or 0 for none", x.flag, x.value, x.below)
		case !(x.value >= 0) || !inFloat32(x.value):
			return fmt.Errorf("--%s %v: want a number that 32 bits hold, 0 or more", x.flag, x.value)
		}
	}
	if !(o.DropSpan >= 0 && o.DropSpan <= 1) {
		return fmt.Errorf("--drop-span %v: want a probability, 0 to 1", o.DropSpan)
	}
	if !(o.LayerLRDecay >= 0 && o.LayerLRDecay <= 1) || !inFloat32(o.LayerLRDecay) {
		return fmt.Errorf("--layer-lr-decay %v: want above 0, 1 at most", o.LayerLRDecay)
	}
	if o.GapNoise > mostNoise {
		return fmt.Errorf("--gap-noise %v: want %v times the root mean square at most", o.GapNoise, mostNoise)
	}
	return nil
}

// mostNoise bounds GapNoise: far beyond what leaves anything to learn from, and far below
// what squares of it in 32 bits overflow at.
const mostNoise = 1000.0

// warnings tell of options that change nothing.
func (o Options) warnings() (warnings []string) {
	if o.MinDelta > 0 && o.Patience == 0 {
		warnings = append(warnings, fmt.Sprintf("--min-delta %v changes nothing without --patience", o.MinDelta))
	}
	if o.EMAAtOnce && o.EMA == 0 {
		warnings = append(warnings, "--ema-at-once changes nothing without --ema")
	}
	if o.LayerLRDecay == 1 {
		warnings = append(warnings, "--layer-lr-decay 1 changes nothing: every layer learns at --lr")
	}
	return warnings
}

// adjust lets the objective be as the settings say, or names the option that it has none of.
func (t *Trainer) adjust() error {
	if o, ok := t.Train.(Adjusted); ok {
		return o.Adjust(t.Settings)
	}
	o := t.Settings.Options
	for _, x := range []struct {
		flag  string
		value float64
	}{{"label-smoothing", o.LabelSmoothing}, {"drop-span", o.DropSpan}, {"gap-noise", o.GapNoise}, {"layer-lr-decay", o.LayerLRDecay}} {
		if x.value != 0 {
			return fmt.Errorf("--%s %v: what is trained here has none: leave it out", x.flag, x.value)
		}
	}
	return nil
}

// optimiser makes the optimiser that the settings ask for. It is an error if one of their
// rules fits nothing, or layer-wise decay leaves a parameter no rate.
func (t *Trainer) optimiser(on kernels.Backend, trained *nn.Trained) (optim.Optimizer, error) {
	s := t.Settings
	if s.SGD != nil {
		o, err := optim.NewSGD(on, trained, optim.SGDConfig{
			LR: s.LR, Momentum: s.SGD.Momentum, Nesterov: s.SGD.Nesterov, WeightDecay: s.WeightDecay, Clip: s.Clip})
		if err != nil {
			return nil, err // not o: a nil *SGD in an interface is not nil
		}
		return o, nil
	}
	c := optim.Config{
		LR: s.LR, Clip: s.Clip, WeightDecay: s.WeightDecay, Groups: s.groups(),
		Rates: s.Rates, Average: s.EMA, AverageAtOnce: s.EMAAtOnce,
	}
	if o, ok := t.Train.(Adjusted); ok && s.LayerLRDecay != 0 {
		left := map[string]bool{}
		for w := range t.Params {
			left[w.Name] = !optim.Fits(s.Rates, w.Name)
		}
		rates := o.LayerRates(s.LayerLRDecay, left)
		for _, r := range rates {
			if err := r.Validate(); err != nil {
				return nil, fmt.Errorf("--layer-lr-decay %v: %w", s.LayerLRDecay, err)
			}
		}
		c.Rates = append(c.Rates[:len(c.Rates):len(c.Rates)], rates...)
	}
	o, err := optim.NewAdamW(on, trained, c)
	if err != nil {
		return nil, err // likewise
	}
	return o, nil
}
