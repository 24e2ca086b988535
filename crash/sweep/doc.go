// Package sweep runs a study: models × tasks × rows × rates × seeds, of which each is a
// [Cell], a job by itself, and what comes of them is the paper's table.
//
//	s, err := sweep.Read("study.yaml", study.Recipes)
//	w := &sweep.Worker{Study: s, Host: host, Cells: sweep.Cells{Dir: "cells"}, Out: "table"}
//	err = w.Plan(ctx)              // the cells and their keys, into table/plan
//	err = w.Run(ctx)               // those that are not there and that nobody else works on
//	t, err := w.Merge()            // from the cells alone
//	err = t.Write("table", command)
//
// A cell is one row of [study.Recipes] on one model and task at one rate and seed: an
// [study.Experiment] of one row. Its result lies in the cells' directory under its key, the
// SHA-256 of all that decides its numbers: a study that asks for the same cell, whatever it
// calls it, finds it there.
//
// Invariants: a result holds no time, place or name of who computed it, so that whoever
// computes a cell writes the same bytes, in one step; what it cost lies beside it. A claim
// (see [Cells.Claim]) keeps workers from computing a cell twice; nothing rests on it. Of several
// rates the one of the lowest validation loss is kept, as [study.Protocol] keeps it.
package sweep
