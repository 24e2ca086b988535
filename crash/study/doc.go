// Package study runs the protocol of the paper's table: one model and task, several
// ways of making an emulator, each trained, plugged in and scored beside its controls.
//
//	rows, err := study.Select(study.Recipes, []string{"zs", "uniform", "crash", "mine=0* 3 5*"}, plan.Parse)
//	x := &study.Experiment{Dir: "table", Model: model, Data: data, Seeds: []uint64{42, 43},
//		Protocol: study.Protocol{Rows: rows, Keep: 12, Trainable: 4, LRs: []float64{5e-5}, Settings: settings}}
//	err = x.Open(false)
//	err = x.Run(ctx)
//	fmt.Println(x.Text(), x.ReportFile())
//
// A row is a [Recipe], a value: which layers stay, what fills the places of the others,
// what is trained and comes back. [Recipes] lists those there are. A [Protocol] runs the
// rows of one seed on data that is encoded; an [Experiment] reads the data, runs every
// seed, and keeps table, pictures and report in a directory. A [Finetuning] is one training
// by itself, as the data owner runs it, and writes what comes back; a [Distillation] is the
// model owner's, of the frozen part of an emulator, and writes that.
//
// Invariants: plans and fits read only the support rows, learning rate and checkpoint are
// chosen by the emulator's loss on the validation rows, and a finished model is
// scored once; finished rows of an interrupted run are read, not run again, and a row
// that was begun with another plan or other settings is refused before anything runs.
package study
