package main

import (
	"strconv"
	"strings"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/nn/optim"
)

// optionFlags are choices of every training that are off where they are not given.
type optionFlags struct {
	WeightDecayOn []string `placeholder:"WHAT,…" help:"What --weight-decay is of: matrices (default: not biases and the gains of norms), all, or patterns of weights' names, such as *.mlp.*, where * crosses dots."`
	LROf          []string `name:"lr-of" placeholder:"PATTERN=X,…" help:"Weights whose names fit the pattern learn at X times the learning rate; the first pattern that fits holds."`
	EMA           float64  `name:"ema" placeholder:"X" help:"Validate and keep a running average of the weights, of which each step leaves min(X, (1+n)/(10+n)) after n steps; 0.999 is usual."`
	EMAAtOnce     bool     `name:"ema-at-once" help:"A step leaves X of the average from the first on."`
	Patience      int      `placeholder:"N" help:"End after N validations in a row that do not improve."`
	MinDelta      float64  `placeholder:"X" help:"Improve means: by more than X (default 0)."`
	Proximal      float64  `placeholder:"X" help:"Add X times the squared distance of the trained weights from where they started to the loss."`
	MaxGradSkip   int      `placeholder:"N" help:"Leave out a step whose loss or gradient is not finite, up to N in a row (default 0: the run ends with an error)."`
}

// set fills in settings.
func (f optionFlags) set(s *train.Settings) error {
	s.EMA, s.EMAAtOnce, s.Patience, s.MinDelta = f.EMA, f.EMAAtOnce, f.Patience, f.MinDelta
	s.Proximal, s.MaxGradSkip = f.Proximal, f.MaxGradSkip
	for _, text := range f.LROf {
		pattern, number, _ := strings.Cut(text, "=")
		times, err := strconv.ParseFloat(number, 64)
		if err != nil || pattern == "" {
			return usagef("--lr-of %q: want PATTERN=X, such as *.mlp.*=0.1", text)
		}
		s.Rates = append(s.Rates, optim.Rate{Match: pattern, Times: times})
	}
	if f.WeightDecayOn == nil {
		return nil
	}
	on := strings.Join(f.WeightDecayOn, ",")
	switch {
	case s.WeightDecay == 0:
		return usagef("--weight-decay-on %s changes nothing without --weight-decay", on)
	case on == "matrices":
	case on == "all":
		s.Groups = []optim.Group{}
	default:
		for _, pattern := range f.WeightDecayOn {
			if pattern == "matrices" || pattern == "all" || pattern == "" {
				return usagef("--weight-decay-on %s: want matrices, all, or patterns", on)
			}
			s.Groups = append(s.Groups, optim.Group{Match: pattern, WeightDecay: s.WeightDecay})
		}
		s.Groups = append(s.Groups, optim.Group{}) // the rest
	}
	return nil
}

// tokenFlags are choices of trainings that learn the next token.
type tokenFlags struct {
	LayerLRDecay   *float64 `name:"layer-lr-decay" placeholder:"X" help:"The block at place i of n, from 0, learns at X^(n-i) times the learning rate, embeddings at X^(n+1): BEiT's and ELECTRA's layer-wise decay."`
	LabelSmoothing float64  `placeholder:"X" help:"Learn (1-X) times the right token and X times all tokens alike, as torch's cross_entropy has it; validation is without."`
	DropSpan       float64  `placeholder:"P" help:"With probability P a step leaves out some neighbouring frozen blocks, drawn anew; validation is without."`
	GapNoise       float64  `placeholder:"X" help:"Disturb what frozen blocks and maps give on by normal noise of X times its root mean square, anew each step; validation is without."`
}

// set fills in settings.
func (f tokenFlags) set(s *train.Settings) error {
	s.LabelSmoothing, s.DropSpan, s.GapNoise = f.LabelSmoothing, f.DropSpan, f.GapNoise
	if f.LayerLRDecay != nil {
		if s.LayerLRDecay = *f.LayerLRDecay; s.LayerLRDecay == 0 {
			return usagef("--layer-lr-decay 0: want above 0, 1 at most")
		}
	}
	if err := s.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// turnFlag names further emulators.
type turnFlag struct {
	Also []string `placeholder:"EMULATOR,…" help:"Further emulators of the same trainable blocks: step i, from 0, trains in emulator i mod n, so that the blocks do not come to rely on one. Validation is in --model."`
}

// open opens them.
func (f turnFlag) open(s *session) (others []study.Other, err error) {
	for _, name := range f.Also {
		m, err := s.openModel(name)
		if err != nil {
			return nil, err
		}
		others = append(others, study.Other{Model: m.Model, Name: name})
	}
	return others, nil
}
