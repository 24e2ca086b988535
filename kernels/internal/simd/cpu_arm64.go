//go:build !noasm

package simd

// best is NEON on every arm64: Advanced SIMD is part of ARMv8-A.
func best() Level { return NEON }
