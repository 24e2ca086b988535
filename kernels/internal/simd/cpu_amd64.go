//go:build !noasm

package simd

import "github.com/klauspost/cpuid/v2"

func best() Level {
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C) {
		return AVX2
	}
	return Generic
}
