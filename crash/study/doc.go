// Package study runs the protocol of the paper's table: one model and task, several
// ways of making an emulator, each trained, plugged in and scored beside its controls.
//
//	p := &study.Protocol{Backend: be, Full: full, Train: train, Valid: valid, Support: support, Test: test,
//		Keep: 12, Trainable: 4, Rows: study.Rows, LRs: []float64{5e-5}, Settings: settings, Dir: "table"}
//	err := p.Run(ctx, func(r study.Row) error { fmt.Println(r.Row, *r.PlugIn); return nil })
//
// Invariants: plans read only the support rows, learning rate and checkpoint are
// chosen by the emulator's loss on the validation rows, and a finished model is
// scored once; finished rows of an interrupted run are read, not run again.
package study
