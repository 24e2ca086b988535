package cuda

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/lt"
	"lamina/tensor"
)

// mostPanel is how many bytes of a weight are widened at once. A weight of more goes
// through in panels of columns of op(B), which changes no bit: every column is its own sum.
var mostPanel = 256 << 20

// MatMul implements kernels.Backend.
func (be *Backend) MatMul(a kernels.MatMulArgs) {
	in := be.left(a)
	be.product(a, &in)
	in.free()
}

// MatMuls implements kernels.Backend: what the products need of A is made once.
func (be *Backend) MatMuls(all []kernels.MatMulArgs) {
	if len(all) == 0 {
		return
	}
	in := be.left(all[0])
	for _, a := range all {
		be.product(a, &in)
	}
	in.free()
}

// left is the operand A of products, and what was made of it.
type left struct {
	at          drv.Ptr // as it lies
	rows, cols  int
	trans       bool
	ready       drv.Ptr // as leftReady returns it; 0 before
	held        scratch
	m, k, pitch int
}

func (be *Backend) left(a kernels.MatMulArgs) left {
	mustF32("MatMul", a.A)
	in := left{at: be.at(a.A), rows: a.A.Rows(), cols: a.A.Cols(), trans: a.TransA}
	in.m, in.k, in.pitch = in.rows, in.cols, in.cols
	if in.trans {
		in.m, in.k = in.k, in.m
	}
	return in
}

func (in *left) free() { in.held.free() }

// at returns the address of t's first element for work on be, 0 for the zero Tensor.
func (be *Backend) at(t tensor.Tensor) drv.Ptr {
	if t.IsNone() {
		return 0
	}
	be.mu.Lock()
	defer be.mu.Unlock()
	if be.failed() {
		return 0
	}
	p, here, err := be.locate(t)
	if !here {
		panic("cuda: " + be.elsewhere(t))
	}
	if err != nil {
		be.fail(fmt.Errorf("%v: %w", t, err))
		return 0
	}
	return p
}

// right is the operand B: a weight as it is stored.
type right struct {
	at    drv.Ptr
	dtype tensor.DType
	n, k  int
	trans bool // stored [n k]
}

// panel is the part of a product that is computed at once: columns [j, j+n) of C.
type panel struct {
	m, n, k  int
	j        int
	c        drv.Ptr // its first column, in the result
	sums     drv.Ptr // where the library or the kernel puts its sums; may be c
	from     drv.Ptr // what the sums begin with; 0 for nothing
	bias     drv.Ptr
	residual drv.Ptr // that is added after f; 0 for nothing
	f        kernels.Func
	ld       int // of c, sums, from and residual
}

// residualFirst reports whether the residual is added to sums that lie apart before the
// bias, as it is where they begin with it.
func (p *panel) residualFirst() bool { return p.f == kernels.Identity && p.residual != 0 }

// product computes C = f(op(A)·op(B) + Bias) + Residual, or adds to C.
func (be *Backend) product(a kernels.MatMulArgs, in *left) {
	mustF32("MatMul", a.C)
	m, n, k := a.C.Rows(), a.C.Cols(), in.k
	if m == 0 || n == 0 || a.Accumulate && k == 0 || be.failed() {
		return
	}
	p := panel{m: m, n: n, k: k, c: be.at(a.C), bias: be.at(a.Bias), residual: be.at(a.Residual), f: a.Func, ld: n}
	p.sums = p.c
	if k == 0 {
		p.sums = 0
		be.epilogue(&p, p.f, p.bias)
		return
	}
	if a.Accumulate {
		p.residual = p.c
	}
	// Sums grow elsewhere where C holds what is wanted after them, or begins at no address
	// that the library takes.
	library := be.dev.products.lt != nil
	apart := p.residual == p.c && p.f != kernels.Identity || library && (unaligned(p.c) || unaligned(p.residual))
	var sums scratch
	if apart {
		sums = be.scratch(4 * m * n)
		p.sums = sums.Ptr
	} else if p.f == kernels.Identity {
		p.from, p.residual = p.residual, 0
	}
	w := right{at: be.at(a.B), dtype: a.B.DType(), n: n, k: k, trans: a.TransB}
	var bias scratch
	if library && p.bias != 0 && unaligned(p.bias) {
		bias = be.scratch(4 * n)
		be.widenTo(bias.Ptr, tensor.F32, p.bias, tensor.F32, 1, n, 4*n)
		p.bias = bias.Ptr
	}
	be.panels(p, in, w)
	bias.free()
	sums.free()
}

// unaligned reports whether the library does not take an address.
func unaligned(p drv.Ptr) bool { return p%lt.Alignment != 0 }

// panels computes p in panels of columns, if need be.
func (be *Backend) panels(p panel, in *left, w right) {
	width := w.n
	if most := mostPanel / (4 * w.k) / 256 * 256; w.n > most && be.converts(w) {
		width = max(most, 256)
	}
	for j := 0; j < w.n && !be.failed(); j += width {
		q := p
		q.j, q.n = j, min(width, w.n-j)
		for _, at := range [...]*drv.Ptr{&q.c, &q.sums, &q.from, &q.bias, &q.residual} {
			if *at != 0 {
				*at += drv.Ptr(4 * j)
			}
		}
		if be.dev.products.lt == nil || !be.byLibrary(&q, in, w) {
			be.byKernel(&q, in, w)
		}
	}
}

// converts reports whether the weight goes through scratch on its way.
func (be *Backend) converts(w right) bool {
	return w.dtype != be.operandType() || be.dev.products.lt != nil && unaligned(w.at)
}

// operandType is the type that operands are multiplied in.
func (be *Backend) operandType() tensor.DType {
	if be.dev.products.precision == kernels.PrecisionBF16 {
		return tensor.BF16
	}
	return tensor.F32
}

// byLibrary computes a panel by cuBLASLt. It returns false, with nothing done, where that
// has no algorithm.
func (be *Backend) byLibrary(p *panel, in *left, w right) bool {
	pr := be.dev.products
	q := lt.Product{M: p.m, N: p.n, K: p.k, TransA: in.trans, TransB: w.trans, LDA: in.pitch, LDB: w.n, LDC: p.ld, Epilogue: lt.Default}
	q.Operands, q.Compute = pr.arithmetic()
	switch {
	case w.trans:
		q.LDB = w.k
	case be.converts(w):
		q.LDB = p.n
	}
	need, err := be.prepare(p, &q)
	if refused(err) {
		return false
	}
	if err != nil {
		be.call("MatMul", func() error { return err })
		return true
	}
	be.runLibrary(p, in, w, q, need)
	f, bias := p.f, p.bias
	if q.Epilogue&(lt.ReLU|lt.GELU) != 0 {
		f = kernels.Identity
	}
	if q.Epilogue&lt.Bias != 0 {
		bias = 0
	}
	be.epilogueIf(p, f, bias)
	return true
}

func refused(err error) bool {
	_, is := err.(*lt.Refused)
	return is
}

// prepare asks the library for a product that does as much of what comes after the sums as
// it can, and returns the workspace that it needs. What is refused is noted.
func (be *Backend) prepare(p *panel, q *lt.Product) (need int64, err error) {
	ways := [3]lt.Epilogue{} // from all to nothing
	n := 0
	add := func(e lt.Epilogue) { ways[n], n = e, n+1 }
	bias := lt.Default
	if p.bias != 0 && !p.residualFirst() {
		bias = lt.Bias
	}
	if f, ok := be.fused(p.f); ok && p.residual == 0 {
		add(f.With(bias))
	}
	if add(bias); bias != lt.Default {
		add(lt.Default)
	}
	for _, q.Epilogue = range ways[:n] {
		if need, err = be.dev.products.lt.Prepare(be.stream, *q); !refused(err) {
			return need, err
		}
		be.dev.products.note("%v", err)
	}
	return 0, err
}

// runLibrary makes operands ready and enqueues a product that was prepared.
func (be *Backend) runLibrary(p *panel, in *left, w right, q lt.Product, need int64) {
	o := lt.Operands{A: be.leftReady(in), B: w.at, C: p.sums, D: p.sums, Bytes: need}
	if q.Epilogue&lt.Bias != 0 {
		o.Bias = p.bias
	}
	if p.from != 0 {
		o.C, o.Beta = p.from, 1
	}
	var operand scratch
	if be.converts(w) {
		operand = be.widenPanel(w, be.operandType(), p.j, p.n)
		o.B = operand.Ptr
	}
	workspace := be.scratch(int(need))
	o.Workspace = workspace.Ptr
	be.call("MatMul", func() error { return be.dev.products.lt.Run(be.stream, q, o) })
	workspace.free()
	operand.free()
}

// leftReady returns A as it is multiplied, at an address that the library takes.
func (be *Backend) leftReady(in *left) drv.Ptr {
	if in.ready != 0 {
		return in.ready
	}
	to := be.operandType()
	if to == tensor.F32 && !unaligned(in.at) {
		in.ready = in.at
		return in.ready
	}
	in.held = be.scratch(to.Bytes(in.rows * in.cols))
	in.ready = in.held.Ptr
	be.widenTo(in.ready, to, in.at, tensor.F32, in.rows, in.cols, 4*in.cols)
	return in.ready
}

// byKernel computes a panel by the kernels of product.cu and product_bf16.cu.
func (be *Backend) byKernel(p *panel, in *left, w right) {
	const side = 64 // of what a block makes of C
	kernel, threads := "lamina_product", 256
	a, to := in.at, be.operandType()
	if to == tensor.BF16 {
		kernel, threads = "lamina_product_bf16", 128
		a = be.leftReady(in)
	}
	at, ldb := w.at+drv.Ptr(to.Bytes(p.j)), w.n
	if w.trans {
		at, ldb = w.at+drv.Ptr(to.Bytes(p.j*w.k)), w.k
	}
	var operand scratch
	if w.dtype != to {
		operand = be.widenPanel(w, to, p.j, p.n)
		if at = operand.Ptr; !w.trans {
			ldb = p.n
		}
	}
	flags := 0
	if in.trans {
		flags |= 1
	}
	if w.trans {
		flags |= 2
	}
	bias, late := p.bias, drv.Ptr(0)
	if p.residualFirst() {
		bias, late = 0, p.bias
	}
	l := be.start(kernel)
	l.ptr(p.sums)
	l.ptr(a)
	l.ptr(at)
	l.ptr(p.from)
	l.ptr(bias)
	for _, size := range [...]int{p.m, p.n, p.k, in.pitch, ldb, p.ld, flags} {
		l.u32(size)
	}
	l.launch(ceilDiv(p.m, side)*ceilDiv(p.n, side), threads)
	operand.free()
	be.epilogueIf(p, p.f, late)
}

// epilogueIf is epilogue where something is left to do.
func (be *Backend) epilogueIf(p *panel, f kernels.Func, bias drv.Ptr) {
	if f != kernels.Identity || bias != 0 || p.residual != 0 || p.sums != p.c {
		be.epilogue(p, f, bias)
	}
}

// epilogue makes C of sums.
func (be *Backend) epilogue(p *panel, f kernels.Func, bias drv.Ptr) {
	const threads, piece = 256, 1024
	l := be.start("lamina_epilogue")
	l.ptr(p.c)
	l.ptr(p.sums)
	l.ptr(bias)
	l.ptr(p.residual)
	for _, size := range [...]int{p.m, p.n, p.ld, p.ld, int(f)} {
		l.u32(size)
	}
	l.launch(p.m*ceilDiv(p.n, piece), threads)
}
