package main

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/crash/study"
	"lamina/eval/task"
	"lamina/transformer"
)

// importanceCommand measures what a model loses without each block.
type importanceCommand struct {
	modelFlag
	adapterFlag
	Data      string `required:"" placeholder:"PATH" help:"Documents with answers, as in lamina similarity; not those the model is tested on."`
	Task      string `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
	Rewind    string `placeholder:"PRETRAINED" help:"Also put each block's weights back to those of this checkpoint, which the model was trained from."`
	Samples   int    `default:"128" placeholder:"N" help:"Only the first N documents (default 128)."`
	MaxLength int    `placeholder:"N" help:"Tokens of a sample at most. Default: the model's positions."`
	Plot      string `placeholder:"FILE" help:"Draw the losses: FILE.svg or FILE.png."`
}

// Run prints the loss without each block.
func (c importanceCommand) Run(s *session) error {
	if c.Samples < 1 {
		return usagef("--samples %d: want 1 or more", c.Samples)
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	t, err := namedTask(c.Task)
	if err != nil {
		return err
	}
	m, err := c.open(s, c.Model)
	if err != nil {
		return err
	}
	var before *model
	var blocks *transformer.Decoder
	if c.Rewind != "" {
		if before, err = s.openModel(c.Rewind); err != nil {
			return err
		}
		if blocks = before.Decoder; measure.SameBlocks(m.Decoder, blocks) != nil {
			return fmt.Errorf("--rewind %s: %w", c.Rewind, measure.SameBlocks(m.Decoder, blocks))
		}
	}
	length, err := m.Config.SequenceLength(c.MaxLength)
	if err != nil {
		return err
	}
	docs, _, err := m.Documents(t, m.data(c.Data, "", "validation"), c.Samples)
	if err != nil {
		return err
	}
	support, err := study.NewSupport(&m.Model.Model, t, docs, length, task.OverlongError)
	if err != nil {
		return err
	}
	count, end := s.counting("importance, block by block")
	result, err := measure.BlockImportance(s.ctx, m.Backend, m.Decoder, blocks, support.Answers, count)
	end()
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	if result.Model = s.fingerprint(m); before != nil {
		result.From = s.fingerprint(before)
	}
	told := struct {
		measure.Importance
		Precision string `json:"precision"`
	}{result, s.Precision}
	return s.show(c.Plot, "importance", told)
}
