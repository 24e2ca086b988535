package main

import (
	"strings"

	"lamina/crash/emulate"
	"lamina/tensor"
)

// convertCommand rewrites a checkpoint.
type convertCommand struct {
	modelFlag
	DType string `name:"dtype" placeholder:"TYPE" help:"Storage type: f32, f16 or bf16. Default: f32 from a GGUF file, else as it is."`
	outFlags
}

// converted is what convert writes, as files.Output has it.
const converted = "converted model"

// Run streams the tensors into a directory that transformers loads.
func (c convertCommand) Run(s *session) error {
	dtype, err := parseDType(c.DType)
	if err != nil {
		return err
	}
	if err := c.check(converted); err != nil {
		return err
	}
	checkpoint, err := s.openCheckpoint(c.Model)
	if err != nil {
		return err
	}
	if err := emulate.Check(checkpoint); err != nil {
		return err
	}
	if checkpoint.GGUF != nil && dtype == tensor.Invalid {
		dtype = tensor.F32
	}
	d := checkpoint.Whole()
	d.DType, d.Overwrite, d.Kind = dtype, c.Overwrite, converted
	bar := s.waiting("writing " + c.Out)
	err = checkpoint.WriteDir(c.Out, d)
	bar.Done()
	if err != nil {
		return err
	}
	as := "they were"
	if dtype != tensor.Invalid {
		as = dtype.String()
	}
	s.printf("wrote %s: %d tensors as %s\n", c.Out, len(checkpoint.Names()), as)
	if checkpoint.GGUF == nil && emulate.IsEmulator(checkpoint.Dir) {
		s.printf("no emulator any more, but a plain model of %d blocks: finetune trains all of it, and no plug takes that back\n", checkpoint.Config.Layers)
	}
	if checkpoint.Config.Forms != nil {
		s.printf("lamina alone reads it: some of its places are no layers as %s has them; emulate --fold writes the nearest form for others, if there is one\n", checkpoint.Config.Family)
	}
	return s.writeJSON(plugResult{Out: c.Out, Model: c.Model, DType: strings.ToLower(c.DType), Tensors: len(d.Tensors)})
}
