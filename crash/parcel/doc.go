// Package parcel is what passes between two houses that do not trust each other: one
// directory a time, a package, that says what is in it, of which exchange it is, and, if
// its sender signs, who sent it.
//
//	made, err := parcel.PackEmulator(full, "to-trainer", parcel.PackOptions{Key: key})    // at the model owner's
//
//	p, err := parcel.Open("to-trainer", parcel.Trusting{Keys: pinned})                    // at the data owner's
//	got, err := p.Unpack(backend, "emulator", parcel.UnpackOptions{})
//	made, err = parcel.PackAdapter("run", emulator, "to-owner", parcel.PackOptions{Key: key})
//
//	p, err = parcel.Open("to-owner", parcel.Trusting{Keys: pinned})                       // at the model owner's
//	done, err := p.PlugIn(ctx, full, "tuned", parcel.PlugInOptions{Gate: parcel.Gate{Valid: rows}})
//
// A package is a directory with these names and no others:
//
//	manifest.json          what it is: a [Manifest], by which everything else is checked
//	manifest.json.minisig  the signature of manifest.json as minisign writes it, if it was signed
//	payload/               the directory of the emulator or the adapter, as emulate or finetune wrote it
//
// What is wrong with a package is found in this order, and the first fault ends it: names
// and kinds of files, sizes, the signature over the bytes of manifest.json, what that says,
// the files' digests, what their formats ask for, the exchange and the model that it is
// for, numbers that are not finite or too large, and last the score.
//
// Invariants: until all of that is done nothing is written, and no tensor is read before
// every byte of the package was held against its manifest; no file is opened through a
// link; a key is trusted because somebody here pinned it, never because a package names it.
// Nothing is in a manifest that its sender does not see in `lamina inspect`.
package parcel
