// Package distill trains the frozen part of an emulator at the model owner's, before it
// is handed out, so that it answers as the full model does.
//
//	e, err := emulate.New(full, layers)
//	params, err := distill.Norms.Prepare(e, full)      // what trains gets copies of its own
//	o, err := distill.New(e, full, rows, distill.Defaults)
//	defer o.Close()
//	t := &train.Trainer{Backend: be, Params: params, Held: o.Held(params), Train: o, Settings: …}
//	outcome, err := t.Run(ctx)                        // e is the distilled emulator
//
// What is minimised ([Objective]) is the loss of the next token, the distance of the
// emulator's states from the model's, and that distance while both run with the same
// disturbed trained blocks; or, block by block, the distance from what stands in a gap
// ([Local]).
//
// Invariants: the full model's weights stay as they are, and so do the starred blocks T of
// the emulator, since an adapter that comes back replaces T and stands on T₀, but where T
// itself is what trains ([Trained]) and a change of it is to come back; places that repeat a frozen
// layer stay one object; a loss is a mean over tokens, so that it does not depend on how
// a batch is cut; nothing is dropped.
package distill
