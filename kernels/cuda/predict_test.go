package cuda_test

import (
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/dry"
	"lamina/tensor"
)

// TestScratchIsForeseen: what a dry run says that calls take for themselves is what they
// take, but for the workspace, of which it counts the most that the library may ask for.
func TestScratchIsForeseen(t *testing.T) {
	const workspace = 32 << 20
	for _, p := range []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionBF16} {
		for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.Q8_0} {
			be := cudatest.Open(t, cudatest.Options{Precision: p})
			foreseen := dry.New(be)
			product := func(on kernels.Backend, transB bool) {
				const m, n, k = 33, 64, 96
				c, a, b := tensor.MustNew(on, tensor.F32, m, n), tensor.MustNew(on, tensor.F32, m, k), tensor.MustNew(on, d, n, k)
				if !transB {
					c, a = tensor.MustNew(on, tensor.F32, m, k), tensor.MustNew(on, tensor.F32, m, n)
				}
				kernels.MatMul(on, kernels.MatMulArgs{C: c, A: a, B: b, TransB: transB})
				kernels.MatMuls(on, []kernels.MatMulArgs{{C: c, A: a, B: b, TransB: transB}})
			}
			for _, transB := range []bool{true, false} {
				product(be, transB)
				product(foreseen, transB)
			}
			if err := be.Sync(); err != nil {
				t.Fatal(err)
			}
			took, said := int(be.Overhead()), foreseen.Scratch-workspace
			if over := took - said; over < 0 || over > 16<<10 { // the simulated library's workspace is small
				t.Errorf("%v, weights %v: took %d bytes of scratch, foreseen were %d and a workspace", p, d, took, said)
			}
		}
	}
}
