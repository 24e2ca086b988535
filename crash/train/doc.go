// Package train fine-tunes some parameters of a decoder, and keeps the run in a
// directory so that it can be stopped anywhere and go on to the same bits.
//
//	t := &train.Trainer{Backend: be, Decoder: e.Decoder, Params: e.Params(), Train: pairs, Valid: held,
//		Settings: train.Settings{LR: 5e-5, Epochs: 3, Batch: 16, Schedule: optim.Constant, Clip: 1, Seed: 42}}
//	t.Store, err = train.OpenRunDir("run", config, false)
//	outcome, err := t.Run(ctx)
//
// Invariants: data, model, plan and settings determine every bit of the result; the
// loss of a batch is the sum over all its target tokens divided by their number,
// however it is cut into passes; a checkpoint counts only if it is whole.
package train
