// Package exchange is what travels back from the data owner to the model owner: an
// adapter, what training made of the weights T in one of [Forms], with a
// manifest that says which weights they started from.
//
//	err := exchange.SaveAdapter("run/adapter", exchange.Manifest{Plan: e.Plan, Base: base}, e.Params())
//
//	a, err := exchange.OpenAdapter("run")
//	tuned, params, err := a.Plugged(full)
//	changes, err := exchange.ExportPlugged(checkpoint, full, a, "tuned", exchange.PlugOptions{})
//
// What may come back is said by the owner, in a receipt that he keeps:
//
//	handed, err := full.Emulate(plan, "all", "emulator", "emulator.receipt.json", emulate.Options{})
//	receipt, err := a.HoldAgainst("emulator.receipt.json", full.Path, full.Decoder)
//
// Invariants: an adapter is applied whole or not at all, and only to weights whose
// fingerprint is the one that it was made from; with a receipt, only if it is of that
// exchange and has the tensors that were to be trained and no others; its directory is
// opened only if every file is as its MANIFEST.json has it, and there is no other.
package exchange
