//go:build race

package kerneltest

// stride is which of the products are checked. The race detector makes one some fifteen
// times slower, oracle and bounds with it, and looks for races, not for wrong sums: a
// part of them will do. Seven divides none of their cycles, so that all types and flags
// come in turn.
const stride = 7
