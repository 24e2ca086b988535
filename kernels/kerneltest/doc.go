// Package kerneltest is the conformance suite of kernels.Backend: every
// implementation runs it and is held against the oracle of package ref in
// float64, products against gonum.
//
//	func TestConformance(t *testing.T) {
//		one := cpu.New(cpu.Options{Threads: 1})
//		kerneltest.Run(t, cpu.New(cpu.Options{}), kerneltest.Options{Same: []kernels.Backend{one}})
//	}
//	func FuzzShapes(f *testing.F) { kerneltest.Fuzz(f, cpu.New(cpu.Options{}), kerneltest.Options{}) }
//
// Each case is run with operands at two alignments and guard words around every
// one; inputs must stay as they were, allowed aliasing must not change a bit,
// rows must come out alike alone and in company, and a NaN or an infinity in one row
// must not reach another. At all magnitudes and special values results are held to
// those of torch in float32. Tolerances are formulas of the rounding unit u (2⁻²⁴ for F32)
// and of sums of absolute values computed in float64; beside them products of
// small integers, which any order of sums gives exactly, are compared exactly.
//
// It is for tests only. It knows the Backend interface and nothing above it.
package kerneltest
