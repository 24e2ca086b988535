// Package simd holds the vector primitives and GEMM micro-kernels of the CPU
// backend: one exported function per loop, its comment the loop it computes, an
// assembly version per instruction set and a plain Go twin that is always
// compiled. It knows slices of float32 and ggml's storage bytes; it knows no
// tensors, shapes or goroutines.
//
//	simd.Axpy(dst, x, 0.5)        // dst[i] += 0.5·x[i]
//	s := simd.Dot(x, y)           // Σ x[i]·y[i]
//	for _, l := range simd.Levels() {
//		simd.Set(l)           // tests run every level this machine has
//	}
//
// Invariants:
//   - a result depends on the values and the length alone, never on alignment:
//     every sum has its order fixed per level;
//   - levels may differ from each other in the last bits of sums and of exp,
//     not in elementwise arithmetic;
//   - NaN and Inf go through as IEEE 754 has it; denormals are neither flushed
//     nor avoided;
//   - the length of a loop is that of its first slice; the others must be at
//     least as long, or it panics;
//   - dst may be one of the inputs (the same elements) unless a comment forbids.
//
// The build tag noasm leaves the Go twins only.
package simd

import "fmt"

// Level is an instruction set that kernels exist for.
type Level uint8

// The levels, each better than those before it on a machine that has it.
const (
	Generic Level = iota // plain Go
	NEON                 // arm64
	AVX2                 // amd64 with AVX2, FMA and F16C
	AVX512               // amd64 with AVX-512 F, VL, BW and DQ as well; what has no kernel of its own runs AVX2's
)

// String returns the lower-case name, as backends report it.
func (l Level) String() string { return [...]string{"generic", "neon", "avx2", "avx512"}[l] }

// level is the one in use. Nothing but Set changes it.
var level = best()

// Levels returns the levels this machine can run, Generic first.
func Levels() []Level {
	switch b := best(); b {
	case Generic:
		return []Level{Generic}
	case AVX512:
		return []Level{Generic, AVX2, AVX512}
	default:
		return []Level{Generic, b}
	}
}

// Active returns the level in use: the best one unless Set chose another.
func Active() Level { return level }

// Set chooses the level. It is for tests and benchmarks, and not for use while
// kernels run. It panics on a level that the machine has not.
func Set(l Level) {
	for _, have := range Levels() {
		if l == have {
			level = l
			return
		}
	}
	panic(fmt.Sprintf("simd: Set: this machine or build has no %v", l))
}
