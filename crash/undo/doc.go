// Package undo is the way back from a model that was written from another: beside the
// directory OUT of the new one, OUT.undo keeps what OUT lacks of the old one's bytes, and a
// list of where each byte of each of its files lies: in OUT, or there.
//
//	release, err := undo.Lock("OUT")
//	id, err := undo.Keep(tmp, "OUT", undo.Base{Path: "model", Weights: c.Files()}) // while OUT still is tmp
//	err = undo.Settle("OUT", id)                                                   // OUT has its name
//	release()
//
//	undone, err := undo.Back("OUT", "plugged model") // OUT is what the model was, and OUT.undo is gone
//
// OUT.undo holds a directory for each OUT that it is of, named by the digest of that: the
// record of the new OUT is there before OUT is replaced, and the one of the old OUT goes
// after. Invariants: whenever a process is killed or the power goes, OUT is whole, and if it
// was written by Keep there is its record; Back replaces OUT only by files whose SHA-256 is
// that of the old one's, and in one step.
package undo
