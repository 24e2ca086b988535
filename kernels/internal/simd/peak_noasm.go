//go:build noasm || !amd64

package simd

func peakVector(rounds int) (flop int) { return peakGeneric(rounds) }
