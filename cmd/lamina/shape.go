package main

import (
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/repair"
)

// shapeFlags say what is made of a plan of kept layers.
type shapeFlags struct {
	Share    string  `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places. ${shares_help}. Default: none."`
	Repair   *string `enum:"${repairs}" placeholder:"HOW" help:"Fill the gaps that removed layers leave, without training. ${repairs_help}. Default: what a plan auto brings, else none."`
	Compress string  `placeholder:"HOW" help:"Make frozen layers smaller. ${compress_help}. Default: as they are."`
}

// shape returns them, its repair "" where none is given. An error is of usage.
func (f shapeFlags) shape() (plan.Shape, error) {
	repair := ""
	if f.Repair != nil {
		repair = *f.Repair
	}
	shape, err := plan.ParseShape(f.Share, repair, f.Compress)
	if err != nil {
		return shape, usageError{err}
	}
	return shape, nil
}

// fitFlags say what an emulator is fitted to, and how.
type fitFlags struct {
	Support string   `placeholder:"PATH" help:"Documents that repairs, scales and some transforms are fitted to; no text of them stands in the emulator. A file (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub."`
	Task    string   `placeholder:"NAME" help:"Prompt of a task for --support; none: the file verbatim."`
	Samples *int     `placeholder:"N" help:"Only the first N documents of --support (default ${support_documents}, and ${plan_documents} to choose a plan auto on); a text is cut to the model's positions."`
	Ridge   *float64 `placeholder:"X" help:"What least squares add to the diagonal, as a share of its mean: more for fewer documents. Default: ${gap_ridge} in gaps, ${ridge} in smaller layers."`
	Lambda  float64  `placeholder:"X" help:"How much gradot wants the emulator to be worse than the model, in units of how much it wants to keep the gradient (default 0: not at all)."`
	Tokens  string   `default:"rms" placeholder:"HOW" help:"How much a token counts in a fit: rms (default; alike, whatever their size), drop-first (the first one of a text does not) or plain (the longest decide)."`
}

// mostLambda is far above 1, which weighs both alike.
const mostLambda = 1e6

// options returns how fits are made, or an error of usage.
func (f fitFlags) options(seed uint64) (opt emulate.FitOptions, err error) {
	opt.Seed, opt.Lambda = seed, f.Lambda
	if f.Ridge != nil {
		if opt.Ridge = *f.Ridge; !(opt.Ridge > 0 && opt.Ridge <= 1) {
			return opt, usagef("--ridge %v: want more than 0 and at most 1", opt.Ridge)
		}
	}
	switch opt.Tokens, err = repair.ParseWeighting(f.Tokens); {
	case err != nil:
		return opt, usagef("--tokens: %v", err)
	case !(f.Lambda >= 0 && f.Lambda <= mostLambda):
		return opt, usagef("--lambda %v: want 0 to %g", f.Lambda, float64(mostLambda))
	case f.Samples != nil && *f.Samples < 1:
		return opt, usagef("--samples %d: want 1 or more", *f.Samples)
	case f.Task != "" && f.Support == "":
		return opt, usagef("--task is for --support PATH")
	}
	_, err = namedTask(f.Task)
	return opt, err
}

// samples returns how many documents are read; instead where nothing is said.
func (f fitFlags) samples(instead int) int {
	if f.Samples != nil {
		return *f.Samples
	}
	return instead
}

// fit builds the emulator of a plan, which is closed with the session.
func (f fitFlags) fit(s *session, m *model, p plan.Plan, opt emulate.FitOptions) (*emulate.Emulator, error) {
	var rows [][]int32
	want := emulate.WantText(p)
	switch {
	case want != nil && f.Support == "":
		return nil, usageError{want}
	case want == nil && f.Support != "":
		s.warnf("nothing in the plan %s is fitted: --support is not read", p)
	case want != nil:
		t, err := namedTask(f.Task)
		if err != nil {
			return nil, err
		}
		if rows, err = m.SupportRows(t, m.data(f.Support, "", "validation"), f.samples(exchange.SupportDocuments)); err != nil {
			return nil, err
		}
	}
	bar := s.progress("building the emulator", len(p))
	opt.Progress = func(done, _ int) { bar.Set(done) }
	e, err := m.Fit(s.ctx, p, rows, s.left(), opt)
	bar.Done()
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, e.Close)
	if rows != nil {
		s.printf("%s\n", exchange.FittedTo(rows, f.Support))
	}
	s.warn(e.Doubts())
	s.warn(opt.Unread(p))
	return e, nil
}
