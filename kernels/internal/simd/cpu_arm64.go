//go:build !noasm

package simd

// best is Generic until there is NEON assembly.
func best() Level { return Generic }
