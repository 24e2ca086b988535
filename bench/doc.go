// Package bench measures whole pieces of work end to end: a training step, a
// forward pass, decoding, of real layers' shapes with random weights. Kernels
// are measured beside their code.
//
//	go test -bench . -benchtime 5x ./bench
//
// Rates are in tokens a second. Recorded runs stand in results/, each with
// machine, date and commit. Machines are noisy: compare two programs only within
// one interleaved run.
package bench
