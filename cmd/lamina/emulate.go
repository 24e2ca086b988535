package main

import (
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/internal/report"
)

// emulateCommand writes what the data owner gets.
type emulateCommand struct {
	modelFlag
	Plan  string `required:"" placeholder:"PLAN" help:"Layer plan such as \"0* 1 2 5*\", or @FILE (text, or what lamina plan wrote)."`
	Share string `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places. ${shares_help}. Default: none."`
	outFlags
}

// Run exports the emulator and says how much of the model it gives away.
func (c emulateCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if err := m.Full("emulate"); err != nil {
		return err
	}
	plan, err := plan.ReadShared(c.Plan, c.Share, m.Config.Layers)
	if err != nil {
		return err
	}
	manifest, err := emulate.Export(m.Checkpoint, m.Decoder, plan, c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	s.printf("wrote %s: %d places of a model of %d layers, plan %s\n", c.Out, len(plan), manifest.Layers, plan)
	s.printf("it gives away %.1f%% of the model's weights exactly; its user holds %s weights (the model has %s)\n",
		100*manifest.ExactShare, report.Count(manifest.HeldParams), report.Count(manifest.ModelParams))
	return s.writeJSON(manifest)
}
