package main

import (
	"fmt"
	"strings"

	"lamina/autograd"
	"lamina/crash/measure"
)

// weightsCommand compares the weights of a model's blocks.
type weightsCommand struct {
	modelFlag
	adapterFlag
	Tensors []string `placeholder:"NAME,…" help:"Only tensors whose names hold one of these, such as fc2.weight or proj. Default: all that every block has."`
	Plot    string   `placeholder:"FILE" help:"Draw the distances: FILE.svg or FILE.png."`
}

// Run prints distance, variance and effective rank of each tensor.
func (c weightsCommand) Run(s *session) error {
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	m, err := c.open(s, c.Model)
	if err != nil {
		return err
	}
	choose := func(name string) bool {
		for _, part := range c.Tensors {
			if strings.Contains(name, part) {
				return true
			}
		}
		return len(c.Tensors) == 0
	}
	count, end := s.counting("weights")
	result, err := measure.BlockWeights(s.ctx, m.Decoder, choose, func(w *autograd.Parameter) { m.Release(w.Name) }, count)
	end()
	if err != nil {
		return fmt.Errorf("%s: %w", c.Model, err)
	}
	result.Model = s.fingerprint(m)
	return s.show(c.Plot, "weights", result)
}
