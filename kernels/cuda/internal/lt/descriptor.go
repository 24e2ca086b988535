package lt

// newDesc makes the descriptor of a product. The library's first operand is our B.
func (l *Library) newDesc(p Product) (uintptr, error) {
	h := l.h
	h.out = 0
	if err := l.call("cublasLtMatmulDescCreate", l.procs.MatmulDescCreate, address(&h.out), uintptr(p.Compute), uintptr(F32)); err != nil {
		return 0, err
	}
	desc := h.out
	op := map[bool]uint64{false: opN, true: opT}
	for _, set := range [...]struct {
		attribute uintptr
		value     uint64
	}{{descTransA, op[p.TransB]}, {descTransB, op[p.TransA]}, {descEpilogue, uint64(p.Epilogue)}} {
		if err := l.setDesc(desc, set.attribute, set.value, 4); err != nil {
			l.procs.MatmulDescDestroy(desc)
			return 0, err
		}
	}
	if p.Epilogue&Bias != 0 {
		// Some versions name no algorithm with this epilogue while there is no address, and
		// the heuristic takes the address for as aligned as any to come. It is not read
		// before Run, which sets another.
		const somewhere = 0x7F00_0000_0000 + Alignment
		if err := l.setDesc(desc, descBiasPointer, somewhere, 8); err != nil {
			l.procs.MatmulDescDestroy(desc)
			return 0, err
		}
	}
	return desc, nil
}

func (l *Library) setDesc(desc, attribute uintptr, value uint64, size uintptr) error {
	l.h.value[0] = value
	return l.call("cublasLtMatmulDescSetAttribute", l.procs.MatmulDescSetAttribute, desc, attribute, address(&l.h.value[0]), size)
}

// newLayout makes the layout of a matrix [rows cols], stored transposed if so said, with
// rows as stored ld elements apart: to the library, whose matrices are column-major, it has
// as many rows as one of ours as stored has elements.
func (l *Library) newLayout(t Type, rows, cols int, transposed bool, ld int) (uintptr, error) {
	if transposed {
		rows, cols = cols, rows
	}
	l.h.out = 0
	err := l.call("cublasLtMatrixLayoutCreate", l.procs.MatrixLayoutCreate, address(&l.h.out), uintptr(t), uintptr(cols), uintptr(rows), uintptr(ld))
	return l.h.out, err
}

func (l *Library) setLayout(layout, attribute uintptr, value uint64) error {
	l.h.value[0] = value
	return l.call("cublasLtMatrixLayoutSetAttribute", l.procs.MatrixLayoutSetAttribute, layout, attribute, address(&l.h.value[0]), 8)
}

// newPreference says what the heuristic may name: algorithms that leave the inner axis
// whole, with so much workspace, for operands at multiples of Alignment.
func (l *Library) newPreference() (uintptr, error) {
	h := l.h
	h.out = 0
	if err := l.call("cublasLtMatmulPreferenceCreate", l.procs.MatmulPreferenceCreate, address(&h.out)); err != nil {
		return 0, err
	}
	prefer := h.out
	type setting struct {
		attribute uintptr
		value     uint64
		size      uintptr
	}
	settings := [...]setting{
		{preferWorkspace, uint64(l.most), 8}, {preferReduction, 0, 4},
		{preferAlignmentA, Alignment, 4}, {preferAlignmentA + 1, Alignment, 4}, {preferAlignmentA + 2, Alignment, 4}, {preferAlignmentA + 3, Alignment, 4},
	}
	for _, s := range settings {
		h.value[0] = s.value
		if err := l.call("cublasLtMatmulPreferenceSetAttribute", l.procs.MatmulPreferenceSetAttribute, prefer, s.attribute, address(&h.value[0]), s.size); err != nil {
			l.procs.MatmulPreferenceDestroy(prefer)
			return 0, err
		}
	}
	return prefer, nil
}

// algoValue reads a 4-byte setting of an algorithm.
func (l *Library) algoValue(algo *[8]uint64, attribute uintptr) (uint32, error) {
	h := l.h
	h.value[0], h.value[1] = 0, 0
	err := l.call("cublasLtMatmulAlgoConfigGetAttribute", l.procs.MatmulAlgoConfigGetAttribute, address(algo), attribute, address(&h.value[0]), 4, address(&h.value[1]))
	return uint32(h.value[0]), err
}
