// Package emulate builds emulators: the decoder that a layer plan describes, made
// from a full model in memory, or written for the data owner and opened again there.
//
//	e, err := emulate.New(full, layers)              // at the model owner's, of layers as they are
//	e, fits, err := emulate.Fit(ctx, be, full, layers, texts, emulate.FitOptions{}) // or of any plan
//	manifest, err := e.Export(checkpoint, full, "emulator", emulate.Options{})
//
//	e, manifest, err := emulate.Open(checkpoint, be) // at the data owner's
//	... train e.Params() ...
//	tuned := e.Plug(full)                            // back at the model owner's
//
// Invariants: an emulator shares every frozen weight with the model that it was
// built from and changes none of them; places that repeat an unstarred layer are
// one object, also after Export and Open; a directory is opened only if every file is as
// its MANIFEST.json has it.
package emulate
