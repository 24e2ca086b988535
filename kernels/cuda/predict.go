package cuda

import (
	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Scratch returns about how many bytes of the device a call takes for itself while it
// runs, by the shapes of its operands: what products and the gradients of attention do. The
// rest takes little and is left out: partial sums, at most 520 bytes a column for a norm's
// gains and 8 for every 16,384 numbers of SumSquares, say. It is for a dry run of what is to come ([dry.Scratcher]); what there
// was is [Backend.Overhead].
func (be *Backend) Scratch(c intercept.Call) int {
	switch a := c.Args[0].(type) {
	case kernels.MatMulArgs:
		return be.productScratch([]kernels.MatMulArgs{a})
	case []kernels.MatMulArgs:
		return be.productScratch(a)
	case kernels.AttentionGrads:
		return softmaxBytes * a.Fwd.Q.Rows() * a.Fwd.Heads
	}
	return 0
}

// productScratch is that of products of one op(A): A as the library takes it, and of the
// one that takes most a panel of B, sums that lie apart from C, and the workspace.
func (be *Backend) productScratch(all []kernels.MatMulArgs) int {
	most := 0
	for _, a := range all {
		w := right{dtype: a.B.DType(), n: a.C.Cols(), k: a.A.Cols(), trans: a.TransB}
		if a.TransA {
			w.k = a.A.Rows()
		}
		one := 0
		if be.converts(w) {
			one = be.operandType().Bytes(min(w.n*w.k, mostPanel/4+256*w.k))
		}
		if !a.Residual.IsNone() && a.Func != kernels.Identity {
			one += a.C.Bytes()
		}
		most = max(most, one)
	}
	if be.dev.products.lt == nil {
		return most
	}
	if be.operandType() != tensor.F32 && len(all) > 0 {
		most += be.operandType().Bytes(all[0].A.Len())
	}
	return most + int(workspaceOf(be.dev.info))
}
