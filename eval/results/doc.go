// Package results writes and reads files of scores as lm-evaluation-harness 0.4
// writes them: results_<date>.json, and beside it samples_<task>_<date>.jsonl with
// a line for each document.
//
//	a, err := results.Read("before")
//	b, err := results.Read("after/results_2026-11-26T10-00-00.json")
//	c, err := results.Compare(ctx, a, b, results.Settings{Resamples: 10000, Seed: 42})
//
// It knows no model and scores nothing.
//
// Invariants: what is read of a file is bounded by what the file holds; the same
// files and settings give the same comparison, on any number of processors.
package results
