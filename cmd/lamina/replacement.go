package main

import (
	"fmt"

	"lamina/crash/measure"
)

// replacementCommand measures what is left of a model with one block in another's place.
type replacementCommand struct {
	modelFlag
	Data string `required:"" placeholder:"PATH" help:"Documents, as in lamina similarity; not those the model is tested on."`
	Task string `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
	statesFlags
	likenessFlags
	Plot string `placeholder:"FILE" help:"Draw the matrix: FILE.svg or FILE.png."`
}

// Run prints, for each place, what the worst and the best other block leaves.
func (c replacementCommand) Run(s *session) error {
	v, err := c.vectors()
	if err != nil {
		return err
	}
	how, err := c.comparing()
	if err != nil {
		return err
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	t, err := namedTask(c.Task)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	rows, err := c.rows(m, t, c.Data)
	if err != nil {
		return err
	}
	count, end := s.counting("replacement, block by block")
	result, err := measure.Replace(s.ctx, m.Backend, m.Decoder, rows, v, how, count)
	end()
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	if doubt := how.Doubt(rows); doubt != "" {
		s.warn([]string{c.Data + ": " + doubt})
	}
	result.Model = s.fingerprint(m)
	told := struct {
		measure.Replacement
		Precision string `json:"precision"`
	}{result, s.Precision}
	return s.show(c.Plot, "replacement", told)
}
