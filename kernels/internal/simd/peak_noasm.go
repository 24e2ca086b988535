//go:build noasm || !amd64

package simd

func peakVector(rounds int) (flop int) { return peakGeneric(rounds) }

func peakOf(Feature, int) (operations int) { return 0 }
