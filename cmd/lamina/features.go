package main

import (
	"lamina/crash/measure"
	"lamina/crash/study"
)

// featuresCommand maps what a model makes of several data sets.
type featuresCommand struct {
	modelFlag
	Tasks []string `required:"" placeholder:"TASK=PATH" help:"Two data sets or more, each with its task's prompt; PATH alone: verbatim."`
	statesFlags
	streamFlag
	Components int    `default:"2" placeholder:"N" help:"Principal components to write (default 2); the picture shows two."`
	Plot       string `placeholder:"FILE" help:"Draw the map: FILE.svg or FILE.png."`
}

// Run prints how much of the variance each component explains.
func (c featuresCommand) Run(s *session) error {
	v, err := c.vectors()
	if err != nil {
		return err
	}
	if c.Components < 2 {
		return usagef("--components %d: want 2 or more", c.Components)
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	data, err := study.ParseTaskData(c.Tasks)
	if err != nil {
		return usageError{err}
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	features, err := s.observeTasks(m, data, c.statesFlags, v, c.Stream)
	if err != nil {
		return err
	}
	result, err := measure.MapFeatures(s.ctx, features, c.Components)
	if err != nil {
		return err
	}
	result.Model = s.fingerprint(m)
	told := struct {
		measure.FeatureMap
		Precision string `json:"precision"`
	}{result, s.Precision}
	return s.show(c.Plot, "features", told)
}
