package cuda

import (
	"lamina/kernels"
	"lamina/tensor"
)

// LayerNorm implements kernels.Backend.
func (be *Backend) LayerNorm(a kernels.NormArgs) {
	mustF32("LayerNorm", a.Y)
	gain, bias := be.affine(a.Gain), be.affine(a.Bias)
	l := be.start("lamina_layer_norm")
	l.tensor(a.Y)
	l.tensor(a.X)
	gain.address(l)
	bias.address(l)
	l.tensor(a.Mean)
	l.tensor(a.Rstd)
	l.u32(a.X.Cols())
	l.u32(gain.stored)
	l.u32(bias.stored)
	l.f64(a.Eps)
	l.launch(a.X.Rows(), rowThreads(a.X.Cols()))
	bias.wide.free()
	gain.wide.free()
}

// RMSNorm implements kernels.Backend.
func (be *Backend) RMSNorm(a kernels.NormArgs) {
	mustF32("RMSNorm", a.Y)
	gain := be.affine(a.Gain)
	l := be.start("lamina_rms_norm")
	l.tensor(a.Y)
	l.tensor(a.X)
	gain.address(l)
	l.tensor(a.Rstd)
	l.u32(a.X.Cols())
	l.u32(gain.stored)
	l.f64(a.Eps)
	l.launch(a.X.Rows(), rowThreads(a.X.Cols()))
	gain.wide.free()
}

// LayerNormBackward implements kernels.Backend.
func (be *Backend) LayerNormBackward(a kernels.NormGrads) {
	mustF32("LayerNormBackward", a.X)
	be.normBackward(a)
}

// RMSNormBackward implements kernels.Backend.
func (be *Backend) RMSNormBackward(a kernels.NormGrads) {
	mustF32("RMSNormBackward", a.X)
	be.normBackward(a)
}

// normBackward serves both norms, as RMSNorm has no Mean. The sums over rows come first,
// for dX may lie where dY does.
func (be *Backend) normBackward(a kernels.NormGrads) {
	if !a.DGain.IsNone() || !a.DBias.IsNone() {
		be.normGains(a)
	}
	if a.DX.IsNone() {
		return
	}
	gain := be.affine(a.Gain)
	l := be.start("lamina_norm_backward")
	l.tensor(a.DX)
	l.tensor(a.DY)
	l.tensor(a.X)
	gain.address(l)
	l.tensor(a.Mean)
	l.tensor(a.Rstd)
	l.u32(a.X.Cols())
	l.u32(gain.stored)
	l.u32(number(a.Accumulate))
	l.launch(a.X.Rows(), rowThreads(a.X.Cols()))
	gain.wide.free()
}

// columnThreads is how many columns a block of the sums over rows has.
const columnThreads = 128

// partialRows returns how many of rows one partial sum over rows covers: 64, or more where
// that would make more than 64 partial sums. It is part of the order of sums.
func partialRows(rows int) int {
	const few = 64
	return max(few, ceilDiv(rows, few))
}

// normGains adds to DGain and DBias: partial sums of runs of rows, then those in order.
func (be *Backend) normGains(a kernels.NormGrads) {
	rows, d := a.X.Rows(), a.X.Cols()
	each, blocks := partialRows(rows), ceilDiv(d, columnThreads)
	count := ceilDiv(rows, each)
	parts := be.scratch(4 * 2 * count * d)
	l := be.start("lamina_norm_partials")
	l.ptr(parts.Ptr)
	l.tensor(a.DY)
	l.tensor(a.X)
	l.tensor(a.Mean)
	l.tensor(a.Rstd)
	l.u32(rows)
	l.u32(d)
	l.u32(each)
	l.launch3([3]int{blocks, count, 1}, [3]int{columnThreads, 1, 1}, 0)

	l = be.start("lamina_norm_gains")
	l.tensor(a.DGain)
	l.tensor(a.DBias)
	l.ptr(parts.Ptr)
	l.u32(count)
	l.u32(d)
	l.launch(blocks, columnThreads)
	parts.free()
}

// affine is a gain or bias of a norm as its kernels read it.
type affine struct {
	t       tensor.Tensor
	widened bool
	wide    scratch // if widened: the numbers in F32
	stored  int     // STORED_… of norm.cu
}

// affine returns t as kernels read it: where it lies for types of which an element can be
// read alone, widened elsewhere. The caller frees what is wide.
func (be *Backend) affine(t tensor.Tensor) affine {
	const f32, f16, bf16 = 0, 1, 2
	switch {
	case t.IsNone() || t.DType() == tensor.F32:
		return affine{t: t, stored: f32}
	case t.DType() == tensor.F16:
		return affine{t: t, stored: f16}
	case t.DType() == tensor.BF16:
		return affine{t: t, stored: bf16}
	}
	g := affine{t: t, widened: true, wide: be.scratch(4 * t.Len()), stored: f32}
	l := be.start("lamina_convert_f32")
	l.ptr(g.wide.Ptr)
	l.tensor(t)
	l.u64(uint64(t.Len()))
	l.u32(int(t.DType()))
	l.launch(ceilDiv(t.Len(), 8*convertThreads), convertThreads)
	return g
}

// address hands over where the numbers are.
func (g affine) address(l *launch) {
	if g.widened {
		l.ptr(g.wide.Ptr)
		return
	}
	l.tensor(g.t)
}

// number returns 1 for true.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
