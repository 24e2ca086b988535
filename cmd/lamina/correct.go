package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"lamina/crash/exchange"
	"lamina/eval/task"
)

// correctFlags are what an owner does to what training added, before he adds it to T.
type correctFlags struct {
	DeltaRank      int    `name:"delta-rank" placeholder:"K" help:"First cut what training added to each matrix to the nearest one of rank K."`
	GradFix        bool   `name:"gradfix" help:"Then keep of it what goes the way that most texts of --support pull the full model's weights (GradFix), a vote each."`
	Support        string `placeholder:"FILE" help:"Your texts for --gradfix."`
	Samples        int    `default:"128" placeholder:"N" help:"Only the first N of them (default 128)."`
	GradFixControl string `name:"gradfix-control" placeholder:"HOW" help:"For experiments, with --seed: random-change masks a random change of equal norm instead, and so shows what the texts of --support bring by themselves; random-mask keeps as much of the change at random places, and so shows what comes of keeping less. A third control is lamina finetune on those texts."`
	Alpha          string `placeholder:"X" help:"Last, scale it: by X; in some blocks by their own, as 5:0.5,11:1; by auto, which takes what answers --valid best, one for all; or by auto-blocks, one for each block."`
	Valid          string `placeholder:"FILE" help:"Your documents that --alpha auto goes by; not those that are scored later."`
	Limit          int    `placeholder:"N" help:"Only the first N of them."`
	Task           string `placeholder:"NAME" help:"Prompt of a task for --support and --valid; none: the files verbatim."`
	delimiterFlag
}

// How --alpha may choose.
const (
	alphaAuto   = "auto"
	alphaBlocks = "auto-blocks"
)

// The controls of --gradfix that are no other command.
const (
	controlRandom = "random-change"
	controlMask   = "random-mask"
)

// check finds flags that do not go together, or cannot be used.
func (f correctFlags) check() error {
	auto := f.Alpha == alphaAuto || f.Alpha == alphaBlocks
	switch {
	case f.DeltaRank < 0:
		return usagef("--delta-rank %d: want 1 or more", f.DeltaRank)
	case f.GradFix && f.Support == "":
		return usagef("--gradfix goes by your texts: give them with --support FILE")
	case !f.GradFix && f.Support != "":
		return usagef("--support %s is for --gradfix, which is not given", f.Support)
	case !f.GradFix && f.GradFixControl != "":
		return usagef("--gradfix-control %s needs --gradfix", f.GradFixControl)
	case f.GradFixControl != "" && f.GradFixControl != controlRandom && f.GradFixControl != controlMask:
		return usagef("--gradfix-control %.32q: want %s or %s", f.GradFixControl, controlRandom, controlMask)
	case f.Samples < 1:
		return usagef("--samples %d: want 1 or more", f.Samples)
	case auto && f.Valid == "":
		return usagef("--alpha %s is chosen on your documents: give them with --valid FILE", f.Alpha)
	case !auto && f.Valid != "":
		return usagef("--valid %s is for --alpha auto or auto-blocks, which is not given", f.Valid)
	case !auto && f.Limit != 0:
		return usagef("--limit %d counts documents of --valid, which is not given", f.Limit)
	case f.Limit < 0:
		return usagef("--limit %d: want 1 or more", f.Limit)
	case f.Task != "" && f.Support == "" && f.Valid == "":
		return usagef("--task %s is of --support or --valid, neither of which is given", f.Task)
	}
	_, err := f.corrections()
	return err
}

// corrections are those that nothing has to be measured for.
func (f correctFlags) corrections() (c exchange.Corrections, err error) {
	c.Rank = f.DeltaRank
	if f.Alpha == "" || f.Alpha == alphaAuto || f.Alpha == alphaBlocks {
		return c, nil
	}
	if !strings.Contains(f.Alpha, ":") {
		alpha, err := f.parse(f.Alpha)
		c.Alpha = &alpha
		return c, err
	}
	c.Blocks = map[int]float64{}
	for _, part := range strings.Split(f.Alpha, ",") {
		place, number, _ := strings.Cut(part, ":")
		layer, err := strconv.Atoi(place)
		if err != nil || layer < 0 {
			return c, usagef("--alpha %.64q: %.32q is no layer: want LAYER:X,…", f.Alpha, place)
		}
		if _, twice := c.Blocks[layer]; twice {
			return c, usagef("--alpha %.64q: layer %d comes twice", f.Alpha, layer)
		}
		if c.Blocks[layer], err = f.parse(number); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (f correctFlags) parse(number string) (float64, error) {
	alpha, err := strconv.ParseFloat(number, 64)
	if err != nil || !(alpha >= 0) || math.IsInf(alpha, 0) {
		return 0, usagef("--alpha %.64q: %.32q: want a number of 0 or more, LAYER:X,…, auto or auto-blocks", f.Alpha, number)
	}
	return alpha, nil
}

// apply makes the corrections of an adapter that was held against its receipt, and tells
// what was measured for them.
func (f correctFlags) apply(s *session, m *model, a *exchange.Adapter) error {
	c, err := f.corrections()
	if err != nil {
		return err
	}
	if err := a.Correct(c, m.Config); err != nil {
		return err
	}
	if f.DeltaRank > 0 && !a.Cuts(f.DeltaRank) {
		s.warnf("--delta-rank %d cuts nothing: no matrix of the adapter has a higher rank", f.DeltaRank)
	}
	if !f.GradFix && f.Valid == "" {
		return nil
	}
	t, err := f.task(f.Task)
	if err != nil {
		return err
	}
	if f.GradFix {
		if c.Signs, err = f.signs(s, m, a, t); err != nil {
			return err
		}
		if err := a.Correct(c, m.Config); err != nil {
			return err
		}
	}
	if f.Valid != "" {
		return f.choose(s, m, a, t)
	}
	return nil
}

// signs measures the mask of --gradfix.
func (f correctFlags) signs(s *session, m *model, a *exchange.Adapter, t task.Task) (*exchange.Signs, error) {
	items, digest, err := m.Answers(t, m.data(f.Support, "", "validation"), f.Samples)
	if err != nil {
		return nil, err
	}
	bar := s.progress("gradients of --support", len(items))
	signs, err := a.MeasureSigns(s.ctx, m.Backend, m.Decoder, items, func(done, _ int) { bar.Set(done) })
	bar.Done()
	if err != nil {
		return nil, err
	}
	signs.Data = digest
	if f.GradFixControl != "" {
		signs.Random, signs.RandomMask, signs.Seed = f.GradFixControl == controlRandom, f.GradFixControl == controlMask, s.Seed
	}
	return signs, nil
}

// choose looks for the α of --alpha auto and tells all that was tried.
func (f correctFlags) choose(s *session, m *model, a *exchange.Adapter, t task.Task) error {
	answers, digest, err := m.Answers(t, m.data(f.Valid, "", "validation"), f.Limit)
	if err != nil {
		return err
	}
	if signs := a.Corrections().Signs; signs != nil && signs.Data == digest {
		s.warnf("%s: holds the texts of --support: the loss that --alpha goes by is of texts that chose already; name others", f.Valid)
	}
	most, tried := a.MostTries(f.Alpha == alphaBlocks), 0
	bar := s.progress(fmt.Sprintf("choosing alpha, %d tries at most", most), most)
	chosen, err := a.ChooseAlpha(s.ctx, m.Backend, m.Decoder, answers, f.Alpha == alphaBlocks, func(t exchange.Tried) {
		tried++
		bar.Set(tried)
		bar.Note(fmt.Sprintf("try %d of at most %d: %s", tried, most, t))
	})
	bar.Done()
	if err != nil {
		return err
	}
	chosen.Data = digest
	s.printf("%s", chosen.Text())
	return nil
}
