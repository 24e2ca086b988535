package lt

import (
	"fmt"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sys"
)

// Product describes D [M N] = Func(op(A)·op(B) + Bias) + Beta·C.
type Product struct {
	M, N, K        int
	TransA, TransB bool // A is stored [K M], B [N K]
	LDA, LDB, LDC  int  // elements from row to row, as stored; LDC is that of C and D
	Operands       Type // of A and B; C, D and Bias are F32
	Compute        Compute
	Epilogue       Epilogue
}

// String says what a log needs.
func (p Product) String() string {
	return fmt.Sprintf("[%d %d]·[%d %d] %v transA=%v transB=%v compute %d epilogue %d", p.M, p.K, p.K, p.N, p.Operands, p.TransA, p.TransB, p.Compute, p.Epilogue)
}

// Operands are the addresses of a product; all are multiples of [Alignment].
type Operands struct {
	A, B, C, D, Bias drv.Ptr
	Beta             float32
	Workspace        drv.Ptr
	Bytes            int64 // of the workspace
}

const (
	// Reference is the number of rows that algorithms are chosen for.
	Reference = 4096
	// Alignment is what the addresses of operands are multiples of, in bytes.
	Alignment = 16

	candidates = 8    // algorithms that the heuristic is asked for
	mostPlans  = 1024 // kept; the lengths of the passes of a training are in their keys
)

// key is what a plan is for: a product for any M, or, with TransA, for one.
type key Product

func keyOf(p Product) key {
	if !p.TransA {
		p.M = 0
	}
	return key(p)
}

// result is a cublasLtMatmulHeuristicResult_t.
type result struct {
	algo      [8]uint64
	workspace uint64
	state     int32
	_         float32 // wavesCount
	_         [4]int32
}

// plan is a product with its descriptors and its algorithm.
type plan struct {
	desc    uintptr
	a, b, c uintptr // layouts, by the roles that they have for us; c is D's too
	algo    [8]uint64
	rows    int    // M that the layouts are for
	need    uint64 // bytes of workspace at rows
	bias    uint64 // in desc
	refused *Refused
	odd     map[int]*Refused // numbers of rows that the algorithm does not take
}

// Prepare returns how many bytes of workspace Run of p needs. Where the library has no
// algorithm the error is a [*Refused].
func (l *Library) Prepare(on Stream, p Product) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	plan, err := l.ready(on, p)
	if err != nil {
		return 0, err
	}
	return int64(plan.need), nil
}

// Run enqueues p.
func (l *Library) Run(on Stream, p Product, o Operands) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	plan, err := l.ready(on, p)
	if err != nil {
		return err
	}
	if uint64(o.Bytes) < plan.need {
		return fmt.Errorf("cuBLASLt: %v: %d bytes of workspace, needs %d", p, o.Bytes, plan.need)
	}
	h := l.h
	if p.Epilogue&Bias != 0 && plan.bias != uint64(o.Bias) {
		plan.bias = 0
		if err := l.setDesc(plan.desc, descBiasPointer, uint64(o.Bias), 8); err != nil {
			return err
		}
		plan.bias = uint64(o.Bias)
	}
	h.beta = o.Beta
	h.results[0].algo = plan.algo
	h.args = [16]uintptr{
		h.handle, plan.desc, address(&h.alpha), uintptr(o.B), plan.b, uintptr(o.A), plan.a, address(&h.beta),
		uintptr(o.C), plan.c, uintptr(o.D), plan.c, address(&h.results[0].algo),
		uintptr(o.Workspace), uintptr(o.Bytes), on.Handle(),
	}
	return l.do(on, "cublasLtMatmul", l.procs.Matmul, h.args[:]...)
}

// ready returns the plan of p, its layouts set to p.M rows. The lock is held.
func (l *Library) ready(on Stream, p Product) (*plan, error) {
	k := keyOf(p)
	n := l.plans[k]
	if n == nil {
		if len(l.plans) >= mostPlans {
			l.dropPlans()
		}
		var err error
		if n, err = l.newPlan(on, p); err != nil {
			return nil, err
		}
		l.plans[k] = n
	}
	switch {
	case n.refused != nil:
		return nil, n.refused
	case n.odd[p.M] != nil:
		return nil, n.odd[p.M]
	case n.rows == p.M:
		return n, nil
	}
	return n, l.setRows(on, n, p)
}

// newPlan makes descriptors and chooses an algorithm. What the library refuses is a plan
// too, so that it is asked once.
func (l *Library) newPlan(on Stream, p Product) (n *plan, err error) {
	if !p.TransA {
		p.M = Reference
	}
	n = &plan{rows: p.M}
	defer func() {
		if err != nil {
			l.drop(n)
		}
	}()
	if n.desc, err = l.newDesc(p); err != nil {
		return nil, err
	}
	if n.a, err = l.newLayout(p.Operands, p.M, p.K, p.TransA, p.LDA); err != nil {
		return nil, err
	}
	if n.b, err = l.newLayout(p.Operands, p.K, p.N, p.TransB, p.LDB); err != nil {
		return nil, err
	}
	if n.c, err = l.newLayout(F32, p.M, p.N, false, p.LDC); err != nil {
		return nil, err
	}
	return n, l.choose(on, n, p)
}

// choose fills in the first algorithm that does not cut the inner axis.
func (l *Library) choose(on Stream, n *plan, p Product) error {
	prefer, err := l.newPreference()
	if err != nil {
		return err
	}
	defer l.procs.MatmulPreferenceDestroy(prefer)
	h := l.h
	h.value[0] = 0
	err = l.do(on, "cublasLtMatmulAlgoGetHeuristic", l.procs.MatmulAlgoGetHeuristic,
		h.handle, n.desc, n.b, n.a, n.c, n.c, prefer, candidates, address(&h.results[0]), address(&h.value[0]))
	if no(err) {
		n.refused = &Refused{p, err.Error()}
		return nil
	}
	if err != nil {
		return err
	}
	for i := range min(int(int32(h.value[0])), candidates) {
		r := &h.results[i]
		if r.state != 0 || r.workspace > uint64(l.most) {
			continue
		}
		split, err := l.algoValue(&r.algo, algoSplitK)
		if err != nil {
			return err
		}
		reduction, err := l.algoValue(&r.algo, algoReduction)
		if err != nil {
			return err
		}
		if int32(split) <= 1 && reduction == 0 {
			n.algo, n.need = r.algo, r.workspace
			return nil
		}
	}
	n.refused = &Refused{p, "the heuristic names no algorithm that leaves the inner axis whole"}
	return nil
}

// setRows makes the layouts those of p.M rows, if the algorithm takes so many.
func (l *Library) setRows(on Stream, n *plan, p Product) error {
	n.rows = -1
	for _, layout := range [...]uintptr{n.a, n.c} {
		if err := l.setLayout(layout, layoutCols, uint64(p.M)); err != nil {
			return err
		}
	}
	h := l.h
	r := &h.results[0]
	err := l.do(on, "cublasLtMatmulAlgoCheck", l.procs.MatmulAlgoCheck, h.handle, n.desc, n.b, n.a, n.c, n.c, address(&n.algo), address(r))
	switch {
	case no(err):
		return n.refuse(p, err.Error())
	case err != nil:
		return err
	case r.workspace > uint64(l.most):
		return n.refuse(p, fmt.Sprintf("%d bytes of workspace", r.workspace))
	}
	n.rows, n.need = p.M, r.workspace
	return nil
}

// refuse keeps that the algorithm does not take p.M rows.
func (n *plan) refuse(p Product, why string) error {
	if n.odd == nil {
		n.odd = map[int]*Refused{}
	}
	n.odd[p.M] = &Refused{p, "the algorithm chosen for all numbers of rows does not take this one: " + why}
	return n.odd[p.M]
}

// no reports whether the library says no to one product.
func no(err error) bool {
	const invalidValue, mismatch, notSupported = 7, 8, 15
	e, ok := err.(*Error)
	return ok && (e.Status == invalidValue || e.Status == mismatch || e.Status == notSupported)
}

// dropPlans gives all plans back.
func (l *Library) dropPlans() {
	for _, n := range l.plans {
		l.drop(n)
	}
	clear(l.plans)
}

// drop gives a plan's descriptors back: what could fail in it would not be mended.
func (l *Library) drop(n *plan) {
	destroy := func(p sys.Proc, descriptor uintptr) {
		if descriptor != 0 {
			p(descriptor)
		}
	}
	destroy(l.procs.MatmulDescDestroy, n.desc)
	for _, layout := range [...]uintptr{n.a, n.b, n.c} {
		destroy(l.procs.MatrixLayoutDestroy, layout)
	}
}
