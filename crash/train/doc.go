// Package train trains some parameters of a model towards an objective, and keeps the
// run in a directory so that it can be stopped anywhere and go on to the same bits.
//
//	pairs, err := train.NewNextToken(e.Decoder, documents)
//	t := &train.Trainer{Backend: be, Params: e.Params(), Train: pairs,
//		Settings: train.Settings{LR: 5e-5, Epochs: 3, Batch: 16, Schedule: optim.Constant, Clip: 1, Seed: 42}}
//	defer t.Close()
//	t.Store, err = train.OpenRunDir("run", config, false)
//	outcome, err := t.Run(ctx)
//
// What is minimised is an [Objective]: a type with three methods, which knows examples
// and models; the trainer knows neither.
//
// Invariants: data, model, objective and settings determine every bit of the result; the
// loss of a batch is the sum over all its terms divided by their number, however it is
// cut into passes; a checkpoint counts only if it is whole.
package train
