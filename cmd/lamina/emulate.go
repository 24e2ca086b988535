package main

import (
	"cmp"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
)

// emulateCommand writes what the data owner gets.
type emulateCommand struct {
	modelFlag
	Plan string `required:"" placeholder:"PLAN" help:"Layer plan such as \"0* 1 2 5*\", or @FILE (text, or what lamina plan wrote), or auto: what lamina plan auto chooses on the documents of --support, for --keep or --budget."`
	autoFlags
	shapeFlags
	fitFlags
	DType   string `name:"dtype" placeholder:"TYPE" help:"Storage type of what is not trained: f32, f16 or bf16; starred blocks keep their values. Default: as the model has it, f32 where it is quantised."`
	Compact bool   `help:"Store each layer once, however often it stands, and leave quantised weights as they are: the smallest directory, which lamina alone reads. Default: copies, which transformers loads."`
	Fold    bool   `help:"Write the nearest form that transformers loads, and say what is lost; an emulator with maps in its gaps has none. Default: as it is, under an architecture of lamina's own where a place is no layer as the family has it."`
	Check   string `placeholder:"FILE" help:"Documents to hold the emulator's loss against the model's on, such as the support documents. Default: an English passage of our own."`
	Receipt string `placeholder:"FILE" help:"Where what may come back is noted, which plug holds an adapter against; it stays here. Default: --out with .receipt.json."`
	outFlags
}

// Run exports the emulator, says how much of the model it gives away and whether it still
// computes anything.
func (c emulateCommand) Run(s *session) error {
	dtype, err := parseDType(c.DType)
	if err != nil {
		return err
	}
	if c.Fold && c.Compact {
		return usagef("--fold is for transformers and --compact for lamina alone: give one of them")
	}
	c.Receipt = cmp.Or(c.Receipt, exchange.ReceiptFile(c.Out))
	cut, err := exchange.CheckReceipt(c.Receipt, c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	c.Overwrite = c.Overwrite || cut
	if err := c.check("emulator"); err != nil {
		return err
	}
	m, e, share, err := c.build(s)
	if err != nil {
		return err
	}
	rows, err := m.CheckRows(m.data(c.Check, "", "validation"))
	if err != nil {
		return err
	}
	if c.Fold {
		folded, lost, err := m.Fold(e, rows)
		if err != nil {
			return err
		}
		e, s.closers = folded, append(s.closers, folded.Close)
		s.printf("%s", lost)
	}
	health, err := c.health(s, m, e, rows)
	if err != nil {
		return err
	}
	bar := s.waiting("writing " + c.Out)
	handed, err := m.HandOut(e, share, c.Out, c.Receipt, emulate.Options{
		Overwrite: c.Overwrite, DType: dtype, Compact: c.Compact, Health: health})
	bar.Done()
	if err != nil {
		return err
	}
	s.printf("%s", handed.Text())
	return s.writeJSON(handed)
}

// build opens the model and builds the emulator of the plan; share says how its removed
// places were filled. What can be wrong with flags and plan is found before a document is
// read, but for those that a plan is chosen on.
func (c emulateCommand) build(s *session) (m *model, e *emulate.Emulator, share string, err error) {
	shape, err := c.shape()
	if err != nil {
		return nil, nil, "", err
	}
	if err := c.autoFlags.want(c.Plan, c.Support); err != nil {
		return nil, nil, "", err
	}
	opt, err := c.options(s.Seed)
	if err != nil {
		return nil, nil, "", err
	}
	if m, err = s.openModel(c.Model); err != nil {
		return nil, nil, "", err
	}
	if err := m.Full("emulate"); err != nil {
		return nil, nil, "", err
	}
	p, shape, err := c.plan(s, m, shape)
	if err != nil {
		return nil, nil, "", err
	}
	if err := p.WantStar(); err != nil {
		s.warnf("%v: nobody can train this emulator", err)
	}
	if c.Fold {
		if err := emulate.WantFoldable(m.Config, p); err != nil {
			return nil, nil, "", err
		}
	}
	e, err = c.fit(s, m, p, opt)
	return m, e, shape.Share.String(), err
}

// plan returns the plan that is given, shaped, or the one that is recommended, and what was
// made of it.
func (c emulateCommand) plan(s *session, m *model, shape plan.Shape) (plan.Plan, plan.Shape, error) {
	if c.Plan != plan.Auto.Name {
		p, left, err := plan.ReadShaped(c.Plan, shape, m.Config.Layers)
		s.warn(shape.Doubts(p, left))
		return p, shape, err
	}
	chosen, err := c.autoFlags.choose(s, m, shape, c.fitFlags)
	return chosen.Plan, chosen.Shape, err
}

// health measures the emulator's loss beside the model's. It is nil where there is
// nothing to measure it on.
func (c emulateCommand) health(s *session, m *model, e *emulate.Emulator, rows [][]int32) (*emulate.Health, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	defer s.waiting("measuring the emulator's loss").Done()
	h, err := m.Health(s.ctx, e, rows)
	if err != nil {
		return nil, err
	}
	s.warnOf(&h)
	return &h, nil
}
