//go:build noasm || (!amd64 && !arm64)

package simd

func best() Level { return Generic }
