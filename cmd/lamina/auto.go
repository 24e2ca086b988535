package main

import (
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/study"
)

// autoFlags say how large the emulator of a plan auto is.
type autoFlags struct {
	Keep      int      `placeholder:"K" help:"Of a plan auto, as in lamina plan: layers to keep, the trained ones included."`
	Budget    *float64 `placeholder:"X" help:"Of a plan auto, instead of --keep, as in lamina plan: the share of the model's numbers that the emulator may hold."`
	Trainable int      `placeholder:"T" help:"Of a plan auto: layers to train (default ${auto_trainable}, or all that are kept if they are fewer)."`
}

// want refuses them beside a plan that is given, and a plan auto without documents.
func (f autoFlags) want(text, support string) error {
	switch auto := text == plan.Auto.Name; {
	case !auto && f != (autoFlags{}):
		return usagef("--keep, --budget and --trainable are of --plan %s: the plan %.64q says itself which layers stay and train", plan.Auto.Name, text)
	case auto && support == "":
		return usagef("--plan %s needs --support PATH, documents to choose on and to fit to", plan.Auto.Name)
	}
	return nil
}

// choose chooses for an open model as lamina plan auto does with the same flags, on the
// documents that the emulator is fitted to, and tells what came out.
func (f autoFlags) choose(s *session, m *model, shape plan.Shape, fit fitFlags) (study.Proposal, error) {
	p, chooser, err := planCommand{
		Kind: plan.Auto.Name, Keep: f.Keep, Budget: f.Budget, Trainable: f.Trainable,
		Model: m.Path, Data: fit.Support, Task: fit.Task, Samples: fit.samples(planDocuments),
		Pool: planPool, Tokens: planTokens,
	}.choose(s, m, shape)
	if err != nil {
		return p, err
	}
	cost, err := emulate.CostOf(chooser.Full, p.Plan, min(costLength, chooser.Full.Config.MaxPositions))
	if err == nil {
		tell(s, p, &cost)
	}
	return p, err
}
