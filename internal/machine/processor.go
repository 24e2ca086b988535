package machine

import (
	"os"

	"github.com/klauspost/cpuid/v2"
)

// Processor is the processor's name, "" where unknown.
func Processor() string { return cpuid.CPU.BrandName }

// Caches returns the bytes of a core's caches, 0 where unknown.
func Caches() (l1, l2, l3 int) {
	c := cpuid.CPU.Cache
	return max(0, c.L1D), max(0, c.L2), max(0, c.L3)
}

// features are the instruction sets that kernels use or may come to use.
var features = []cpuid.FeatureID{
	cpuid.SSE42, cpuid.AVX, cpuid.AVX2, cpuid.FMA3, cpuid.F16C, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512VNNI,
	cpuid.AVX512BF16, cpuid.AVX512FP16, cpuid.AMXTILE, cpuid.AMXBF16, cpuid.AMXINT8, cpuid.ASIMD, cpuid.ASIMDHP, cpuid.ASIMDDP, cpuid.SVE,
}

// Features names those that the processor has; never nil.
func Features() []string {
	names := []string{}
	for _, f := range features {
		if cpuid.CPU.Has(f) {
			names = append(names, f.String())
		}
	}
	return names
}

// GPU says whether the system has a device of NVIDIA's, as far as its files tell.
func GPU() string {
	for _, path := range []string{"/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg"} { // the last is that of WSL
		if _, err := os.Stat(path); err == nil {
			return "an NVIDIA device is there: " + path
		}
	}
	return "no NVIDIA device"
}
