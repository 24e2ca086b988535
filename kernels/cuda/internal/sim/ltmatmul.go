package sim

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// ltAlgo is a cublasLtMatmulAlgo_t.
type ltAlgo struct {
	magic     uint64
	chunk     uint64 // inner indices that are added up before they go to the sum
	splitK    uint64
	reduction uint64
	aligned   uint64 // what a bias must be a multiple of
	_         [3]uint64
}

const ltMagic = 0x6C616D696E61

// ltResult is a cublasLtMatmulHeuristicResult_t.
type ltResult struct {
	algo      ltAlgo
	workspace uint64
	state     int32
	_         float32 // wavesCount
	_         [4]int32
}

// ltCall is a product with all that it is computed from.
type ltCall struct {
	LtProduct
	transA, transB bool
	lda, ldb, ldd  int
	bias           uint64
	alpha, beta    float32
	chunk          int
	dropNaN        bool
}

// describe reads descriptor and layouts: (desc, A, B, C, D) are a.
func (l *Lt) describe(call string, a []uintptr) (c ltCall, ok bool) {
	desc, ok := get[*ltDesc](l.m, call, a[0])
	if !ok {
		return c, false
	}
	var layouts [4]*ltLayout
	for i := range layouts {
		if layouts[i], ok = get[*ltLayout](l.m, call, a[1+i]); !ok {
			return c, false
		}
	}
	c.transA, c.transB = desc.value(ltDescTransA) == 1, desc.value(ltDescTransB) == 1
	c.Compute, c.Epilogue, c.bias = int32(desc.value(ltDescCompute)), uint32(desc.value(ltDescEpilogue)), desc.value(ltDescBias)
	size := func(o *ltLayout, transposed bool) (rows, cols, ld int) {
		rows, cols, ld = int(o.value(ltLayoutRows)), int(o.value(ltLayoutCols)), int(o.value(ltLayoutLD))
		if ld < rows {
			l.m.fault("%s: a leading dimension of %d for %d rows", call, ld, rows)
		}
		if transposed {
			rows, cols = cols, rows
		}
		return rows, cols, ld
	}
	var inner int
	c.Rows, c.Inner, c.lda = size(layouts[0], c.transA)
	inner, c.Cols, c.ldb = size(layouts[1], c.transB)
	rows, cols, ldc := size(layouts[2], false)
	c.Type, c.ldd = int32(layouts[0].value(ltLayoutType)), ldc
	fits := inner == c.Inner && rows == c.Rows && cols == c.Cols && c.Rows > 0 && c.Cols > 0 && c.Inner > 0
	if !fits || layouts[1].value(ltLayoutType) != uint64(c.Type) || layouts[2].value(ltLayoutType) != 0 || desc.value(ltDescScale) != 0 {
		l.m.fault("%s: layouts do not fit: %+v", call, c)
		return c, false
	}
	return c, true
}

// supported reports whether the library has such a product at all.
func (c ltCall) supported() bool {
	epilogues := []uint32{1, 2, 4, 6, 32, 36}
	f32 := c.Type == 0 && (c.Compute == 68 || c.Compute == 77)
	return (f32 || c.Type == 14 && c.Compute == 68) && slices.Contains(epilogues, c.Epilogue)
}

// need is what an algorithm asks for as workspace.
func (c ltCall) need() uint64 { return uint64(min(c.Cols, 64)) * 256 }

// ltHeuristic: (handle, desc, A, B, C, D, preference, count, results, written). The first
// that it names is another one for few columns than for many.
func ltHeuristic(l *Lt, a []uintptr) int {
	const call = "cublasLtMatmulAlgoGetHeuristic"
	if _, ok := get[*ltHandle](l.m, call, a[0]); !ok {
		return ltNotInitialized
	}
	c, ok := l.describe(call, a[1:6])
	prefer, ok2 := get[*ltPreference](l.m, call, a[6])
	if !ok || !ok2 {
		return ltInvalidValue
	}
	*at[int32](a[9]) = 0
	if !c.supported() || c.Epilogue&4 != 0 && c.bias == 0 || l.o.Refuse != nil && l.o.Refuse(c.LtProduct) {
		return ltNotSupported
	}
	var all []ltAlgo
	if l.o.SplitK || prefer.value(ltPreferReduction) != 0 {
		all = append(all, ltAlgo{magic: ltMagic, chunk: uint64((c.Inner + 3) / 4), splitK: 4, reduction: 2})
	}
	chunk := uint64(32)
	if c.Cols < 64 {
		chunk = uint64(8 + c.Cols%8)
	}
	all = append(all, ltAlgo{magic: ltMagic, chunk: chunk, splitK: 1})
	all = all[:min(len(all), int(a[7]))]
	for i, algo := range all {
		// As with the real one, algorithms may rely on the address that the bias has now.
		algo.aligned = min(c.bias&-c.bias, 256)
		r := at[ltResult](a[8] + uintptr(i)*unsafe.Sizeof(ltResult{}))
		*r = ltResult{algo: algo, workspace: c.need()}
	}
	*at[int32](a[9]) = int32(len(all))
	return 0
}

// ltCheck: (handle, desc, A, B, C, D, algo, result).
func ltCheck(l *Lt, a []uintptr) int {
	c, ok := l.describe("cublasLtMatmulAlgoCheck", a[1:6])
	if !ok || at[ltAlgo](a[6]).magic != ltMagic {
		return ltInvalidValue
	}
	if !c.supported() || l.o.RefuseRows != nil && l.o.RefuseRows(c.Cols) {
		return ltNotSupported
	}
	r := at[ltResult](a[7])
	r.workspace, r.state = c.need(), 0
	return 0
}

// ltAlgoGet is cublasLtMatmulAlgoConfigGetAttribute(algo, attribute, value, bytes, written).
func ltAlgoGet(l *Lt, a []uintptr) int {
	algo := at[ltAlgo](a[0])
	values := map[uintptr]uint64{2: algo.splitK, 3: algo.reduction}
	v, ok := values[a[1]]
	if !ok || a[3] != 4 || algo.magic != ltMagic {
		return ltInvalidValue
	}
	*at[uint32](a[2]), *at[uint64](a[4]) = uint32(v), 4
	return 0
}

// ltMatmul: (handle, desc, alpha, A, layout, B, layout, beta, C, layout, D, layout, algo,
// workspace, bytes, stream).
func ltMatmul(l *Lt, a []uintptr) int {
	const call = "cublasLtMatmul"
	h, ok := get[*ltHandle](l.m, call, a[0])
	s, ok2 := l.m.stream(call, a[15])
	if !ok || !ok2 || h.dev != s.dev {
		return ltNotInitialized
	}
	c, ok := l.describe(call, []uintptr{a[1], a[4], a[6], a[9], a[11]})
	algo := *at[ltAlgo](a[12])
	if !ok || algo.magic != ltMagic || uint64(a[14]) < c.need() {
		return ltInvalidValue
	}
	if !c.supported() {
		return ltNotSupported
	}
	c.alpha, c.beta, c.chunk, c.dropNaN = *at[float32](a[2]), *at[float32](a[7]), int(algo.chunk), l.o.DropNaN
	p := ltPlaces{uint64(a[3]), uint64(a[5]), uint64(a[8]), uint64(a[10])}
	if s.capture != nil {
		l.m.fault("%s: in a capture", call)
		return ltNotSupported
	}
	if c.Epilogue&4 != 0 && c.bias%algo.aligned != 0 {
		l.m.fault("%s: a bias at %#x for an algorithm of one that is aligned to %d bytes", call, c.bias, algo.aligned)
		return ltInvalidValue
	}
	workspace, bytes := uint64(a[13]), int(a[14])
	if err := c.check(s.dev, p, workspace, bytes); err != nil {
		l.m.fault("%s: %w", call, err)
		return ltInvalidValue
	}
	l.products[c.Epilogue]++
	if algo.splitK > 1 {
		l.split++
	}
	l.m.push(s, work{what: call, run: func() error {
		if err := scribble(s.dev, workspace, bytes); err != nil {
			return err
		}
		return c.run(s.dev, p)
	}})
	return 0
}

// scribble uses a workspace as a real library does: what else lies there is lost.
func scribble(dev *device, workspace uint64, bytes int) error {
	if bytes == 0 {
		return nil
	}
	all, err := dev.memory.Bytes(workspace, bytes)
	for i := range all {
		all[i] = 0xEE
	}
	return err
}

// ltPlaces are the addresses of the operands.
type ltPlaces struct{ a, b, c, d uint64 }

// check holds addresses against memory and what was promised of their alignment.
func (c ltCall) check(dev *device, p ltPlaces, workspace uint64, bytes int) error {
	for name, q := range map[string]uint64{"A": p.a, "B": p.b, "C": p.c, "D": p.d, "workspace": workspace} {
		if q%16 != 0 {
			return fmt.Errorf("%s at %#x is not aligned to 16 bytes", name, q)
		}
	}
	if _, err := c.operands(dev, p); err != nil {
		return err
	}
	if c.Epilogue&4 != 0 {
		if _, err := dev.memory.Bytes(c.bias, 4*c.Rows); err != nil {
			return fmt.Errorf("bias: %w", err)
		}
	}
	if bytes > 0 {
		if _, err := dev.memory.Bytes(workspace, bytes); err != nil {
			return fmt.Errorf("workspace: %w", err)
		}
	}
	return nil
}

// operands returns the bytes of A, B, C and D.
func (c ltCall) operands(dev *device, p ltPlaces) (all [4][]byte, err error) {
	size := 4
	if c.Type != 0 {
		size = 2
	}
	span := func(rows, cols, ld, size int, transposed bool) int {
		if transposed {
			rows, cols = cols, rows
		}
		return ((cols-1)*ld + rows) * size
	}
	for i, o := range [4]struct {
		name string
		p    uint64
		n    int
	}{
		{"A", p.a, span(c.Rows, c.Inner, c.lda, size, c.transA)},
		{"B", p.b, span(c.Inner, c.Cols, c.ldb, size, c.transB)},
		{"C", p.c, span(c.Rows, c.Cols, c.ldd, 4, false)},
		{"D", p.d, span(c.Rows, c.Cols, c.ldd, 4, false)},
	} {
		if all[i], err = dev.memory.Bytes(o.p, o.n); err != nil {
			return all, fmt.Errorf("%s: %w", o.name, err)
		}
	}
	return all, nil
}

// run computes D.
func (c ltCall) run(dev *device, p ltPlaces) error {
	all, err := c.operands(dev, p)
	if err != nil {
		return err
	}
	left := c.gather(all[0], c.Inner, c.Rows, c.lda, !c.transA)
	right := c.gather(all[1], c.Cols, c.Inner, c.ldb, !c.transB)
	var bias []float32
	if c.Epilogue&4 != 0 {
		b, err := dev.memory.Bytes(c.bias, 4*c.Rows)
		if err != nil {
			return err
		}
		bias = floatsAt(b)
	}
	from, to := floatsAt(all[2]), floatsAt(all[3])
	sums, part := make([]float32, c.Rows), make([]float32, c.Rows)
	for j := range c.Cols {
		clear(sums)
		for k := 0; k < c.Inner; k += c.chunk {
			clear(part)
			for l := k; l < min(k+c.chunk, c.Inner); l++ {
				x := right[j*c.Inner+l]
				for i, y := range left[l*c.Rows : (l+1)*c.Rows] {
					part[i] += x * y
				}
			}
			for i, v := range part {
				sums[i] += v
			}
		}
		for i, v := range sums {
			v *= c.alpha
			if c.beta != 0 {
				v += c.beta * from[j*c.ldd+i]
			}
			if bias != nil {
				v += bias[i]
			}
			to[j*c.ldd+i] = c.activate(v)
		}
		if err := dev.memory.Written(p.d+4*uint64(j*c.ldd), 4*c.Rows); err != nil {
			return err
		}
	}
	return nil
}

// gather returns an operand as floats [rows cols], row-major, from one that is stored
// column-major: as [cols rows], or, if flipped, as [rows cols].
func (c ltCall) gather(b []byte, rows, cols, ld int, flipped bool) []float32 {
	x := make([]float32, rows*cols)
	for i := range rows {
		for j := range cols {
			at := i*ld + j
			if !flipped {
				at = j*ld + i
			}
			x[i*cols+j] = c.number(b, at)
		}
	}
	return x
}

// number reads element i of an operand, rounded as the arithmetic does.
func (c ltCall) number(b []byte, i int) float32 {
	if c.Type != 0 {
		return math.Float32frombits(uint32(b[2*i])<<16 | uint32(b[2*i+1])<<24)
	}
	v := floatsAt(b)[i]
	if c.Compute != 77 || v != v {
		return v
	}
	const dropped = 13 // bits that TF32 has not
	bits := math.Float32bits(v)
	return math.Float32frombits((bits + 1<<(dropped-1) - 1 + bits>>dropped&1) &^ (1<<dropped - 1))
}

// activate is the epilogue's function of a finished sum.
func (c ltCall) activate(v float32) float32 {
	switch {
	case c.Epilogue&2 != 0:
		if v <= 0 || c.dropNaN && v != v {
			return 0
		}
	case c.Epilogue&32 != 0:
		x := float64(v)
		return float32(0.5 * x * (1 + math.Tanh(0.7978845608028654*(x+0.044715*x*x*x))))
	}
	return v
}

// floatsAt returns memory of the device as numbers.
func floatsAt(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
