//go:build !noasm

package simd

import "github.com/klauspost/cpuid/v2"

// best counts a feature only if the operating system saves its registers, which
// package cpuid asks of XGETBV.
func best() Level {
	switch {
	case !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C):
		return Generic
	case cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512BW, cpuid.AVX512DQ):
		return AVX512
	}
	return AVX2
}
