// Package exchange is what travels back from the data owner to the model owner: an
// adapter, the trained weights under the names they have in the full model, with a
// manifest that says which weights they started from.
//
//	err := exchange.SaveAdapter("run/adapter", exchange.Manifest{Plan: e.Plan, Base: base}, e.Params())
//
//	a, err := exchange.OpenAdapter("run")
//	tuned, params, err := a.Plugged(full)
//	err = exchange.ExportPlugged(checkpoint, full, a, tensor.Invalid, "tuned", false)
//
// Invariants: an adapter is applied whole or not at all, and only to weights whose
// fingerprint is the one that it was made from; its directory is opened only if every
// file is as its MANIFEST.json has it.
package exchange
