package main

import (
	"path/filepath"

	"lamina/crash/demo"
	"lamina/crash/exchange"
	"lamina/crash/study"
)

// demoCommand is run on an embedded model and task.
type demoCommand struct {
	Out       string `default:"out/demo" placeholder:"DIR" help:"Where model, data, table and report go; a started demo goes on there."`
	Overwrite bool   `help:"Start anew."`
	profileFlag
}

// Run writes model and data and runs the protocol on them.
func (c demoCommand) Run(s *session) error {
	const inputs = "inputs"
	model, data, err := demo.Write(c.Out, inputs, c.Overwrite)
	if err != nil {
		return err
	}
	s.ownData = true
	d := demo.DefaultSettings()
	run := runCommand{
		modelFlag: modelFlag{Model: model},
		Train:     filepath.Join(data, demo.TrainFile),
		Test:      filepath.Join(data, demo.TestFile),
		Valid:     filepath.Join(data, demo.ValidFile),
		Support:   filepath.Join(data, demo.PublicFile),
		Rules:     "0.4", Keep: d.Keep, Trainable: d.Trainable, Samples: exchange.SupportDocuments, LRs: d.LRs, Pool: "mean_weighted", Tokens: "plain",
		Rows: append(study.Names(study.Defaults(s.recipes)), d.Rows...),
		stepFlags: stepFlags{
			Epochs: d.Train.Epochs, Steps: d.Train.Steps, Batch: d.Train.Batch, Schedule: string(d.Train.Schedule),
			Warmup: d.Train.Warmup, Clip: d.Train.Clip, WeightDecay: d.Train.WeightDecay, EvalEvery: d.Train.EvalEvery, Format: "scoring", Overlong: "error",
		},
		prefixFlags: prefixFlags{CachePrefix: "auto"},
		outRunFlags: outRunFlags{Out: c.Out, Overwrite: c.Overwrite},
		profileFlag: c.profileFlag,
		modelName:   "the demo's OPT",
		taskName:    "shell game",
		inputs:      inputs,
	}
	s.printf(`A model owner has a decoder of %d blocks, trained on public stories. A data owner has
%d private questions. The owner keeps %d blocks for an emulator, chosen from public
stories alone; the data owner trains %d of them; they go back into the full model.
The table says what that gains, and what training the full model would; its last rows
repair what removing blocks broke, and remove fewer.

`, demo.Layers, demo.TrainSize, d.Keep, d.Trainable)
	return run.Run(s)
}
