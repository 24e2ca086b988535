package main

import (
	"lamina/crash/exchange"
	"lamina/internal/files"
)

// plugCommand puts trained blocks back.
type plugCommand struct {
	modelFlag
	Adapter string `required:"" placeholder:"RUN" help:"Run directory of finetune, or its adapter directory."`
	Receipt string `placeholder:"FILE" help:"Receipt that emulate kept, which says what may come back; none: for a run of one's own. Default: that of the adapter's exchange, as *.receipt.json here, beside the model or beside the adapter."`
	Force   bool   `help:"Plug in blocks that went further than fine-tuning does."`
	correctFlags
	DType string `name:"dtype" placeholder:"TYPE" help:"Storage type of all tensors: f32, f16 or bf16. Default: as the base has them, f32 where it is quantised."`
	outFlags
}

// plugResult is the JSON of plug and convert.
type plugResult struct {
	Out     string             `json:"out"`
	Model   string             `json:"model"`
	DType   string             `json:"dtype,omitempty"`
	Tensors int                `json:"tensors"`
	Adapter *exchange.Manifest `json:"adapter,omitempty"`
	Receipt string             `json:"receipt,omitempty"` // that it was held against
	Changes []exchange.Change  `json:"changes,omitempty"`
	Applied *exchange.Applied  `json:"applied,omitempty"`
}

// Run writes the full model with the adapter's weights in their places.
func (c plugCommand) Run(s *session) error {
	dtype, err := parseDType(c.DType)
	if err != nil {
		return err
	}
	if err := c.correctFlags.check(); err != nil {
		return err
	}
	if err := c.outFlags.check("plugged model"); err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if err := m.Full("plug"); err != nil {
		return err
	}
	a, err := exchange.OpenAdapter(c.Adapter)
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Unsealed {
		s.warnf("%s", files.UnsealedWarning(a.Path))
	}
	receipt, err := a.HoldAgainst(c.Receipt, m.Path, m.Decoder)
	if err != nil {
		return err
	}
	s.warn(receipt.Warnings(a))
	if err := c.apply(s, m, a); err != nil {
		return err
	}
	bar := s.waiting("writing " + c.Out)
	changes, err := exchange.ExportPlugged(m.Checkpoint, m.Decoder, a, c.Out, exchange.PlugOptions{
		DType: dtype, Overwrite: c.Overwrite, Force: c.Force, Ready: func() { s.warn(receipt.Note(a)) }})
	bar.Done()
	if err != nil {
		return err
	}
	applied := a.Applied()
	s.printf("wrote %s: %s with %d trained tensors%s\n%s%s", c.Out, c.Model, len(a.Manifest.Tensors), receipt.Held(), applied.Text(), exchange.ChangesText(changes))
	return s.writeJSON(plugResult{Out: c.Out, Model: c.Model, DType: c.DType, Tensors: len(m.Names()), Adapter: &a.Manifest, Receipt: receipt.Path(), Changes: changes, Applied: &applied})
}
