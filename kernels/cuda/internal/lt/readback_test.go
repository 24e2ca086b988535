//go:build cuda

package lt

import (
	"encoding/binary"
	"testing"

	"lamina/kernels/cuda/internal/sys"
)

// realLibrary returns the cuBLASLt of this machine. Descriptors need no GPU.
func realLibrary(t *testing.T) *Library {
	t.Helper()
	const anyDriver = 1 << 30
	want, _ := sys.Products(anyDriver)
	lib, _, err := sys.System().Find(want)
	if err != nil {
		t.Skipf("descriptors are not read back: %v (%s names a folder that has it)", err, sys.PathVariable)
	}
	procs, err := sys.BindCublasLt(lib)
	if err != nil {
		t.Fatal(err)
	}
	l := newLibrary(procs, lib.Path(), 32<<20)
	t.Logf("cuBLASLt %s, %s", l.Version(), l.Path())
	return l
}

// read returns an attribute of a descriptor as a number, and fails if it has another size.
func read(t *testing.T, l *Library, get sys.Proc, object, attribute uintptr, size int) uint64 {
	t.Helper()
	h := l.h
	h.value = [2]uint64{0, 0}
	if err := l.call("GetAttribute", get, object, attribute, address(&h.value[0]), uintptr(size), address(&h.value[1])); err != nil {
		t.Fatalf("attribute %d in %d bytes: %v", attribute, size, err)
	}
	if h.value[1] != uint64(size) {
		t.Fatalf("attribute %d: %d bytes written, want %d", attribute, h.value[1], size)
	}
	// A size that is not the attribute's is refused, so that a right answer means more.
	if status := int32(get(object, attribute, address(&h.value[0]), uintptr(size+1), address(&h.value[1]))); status == 0 {
		t.Fatalf("attribute %d is read in %d bytes too", attribute, size+1)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], h.value[0])
	clear(b[size:])
	return binary.LittleEndian.Uint64(b[:])
}

func TestDescriptorsReadBack(t *testing.T) {
	l := realLibrary(t)
	p := Product{M: 5, N: 7, K: 11, TransA: true, TransB: false, LDA: 6, LDB: 8, LDC: 9, Operands: BF16, Compute: ComputeF32, Epilogue: ReLU | Bias}
	desc, err := l.newDesc(p)
	if err != nil {
		t.Fatal(err)
	}
	defer l.procs.MatmulDescDestroy(desc)
	const compute, scale = 0, 1
	if err := l.setDesc(desc, descBiasPointer, 0x7F00DEADBE00, 8); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		name      string
		attribute uintptr
		size      int
		value     uint64
	}{
		{"compute type", compute, 4, 68}, {"scale type", scale, 4, 0},
		{"transposition of the first operand, our B", descTransA, 4, opN}, {"of the second, our A", descTransB, 4, opT},
		{"epilogue", descEpilogue, 4, 6}, {"bias", descBiasPointer, 8, 0x7F00DEADBE00},
	} {
		if got := read(t, l, l.procs.MatmulDescGetAttribute, desc, want.attribute, want.size); got != want.value {
			t.Errorf("%s: %#x, want %#x", want.name, got, want.value)
		}
	}
}

func TestLayoutsReadBack(t *testing.T) {
	l := realLibrary(t)
	layout, err := l.newLayout(BF16, 5, 7, true, 6) // [5 7] stored [7 5], 6 apart
	if err != nil {
		t.Fatal(err)
	}
	defer l.procs.MatrixLayoutDestroy(layout)
	const dtype, order, rows, ld = 0, 1, 2, 4
	for _, want := range []struct {
		name      string
		attribute uintptr
		size      int
		value     uint64
	}{{"type", dtype, 4, 14}, {"order", order, 4, 0}, {"rows", rows, 8, 5}, {"columns", layoutCols, 8, 7}, {"leading dimension", ld, 8, 6}} {
		if got := read(t, l, l.procs.MatrixLayoutGetAttribute, layout, want.attribute, want.size); got != want.value {
			t.Errorf("%s: %d, want %d", want.name, got, want.value)
		}
	}
	if err := l.setLayout(layout, layoutCols, 123); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, l.procs.MatrixLayoutGetAttribute, layout, layoutCols, 8); got != 123 {
		t.Errorf("columns: %d, want 123", got)
	}
}

func TestPreferencesReadBack(t *testing.T) {
	l := realLibrary(t)
	prefer, err := l.newPreference()
	if err != nil {
		t.Fatal(err)
	}
	defer l.procs.MatmulPreferenceDestroy(prefer)
	for _, want := range []struct {
		name      string
		attribute uintptr
		size      int
		value     uint64
	}{
		{"workspace", preferWorkspace, 8, 32 << 20}, {"reduction schemes", preferReduction, 4, 0},
		{"alignment of A", preferAlignmentA, 4, 16}, {"B", preferAlignmentA + 1, 4, 16}, {"C", preferAlignmentA + 2, 4, 16}, {"D", preferAlignmentA + 3, 4, 16},
	} {
		if got := read(t, l, l.procs.MatmulPreferenceGetAttribute, prefer, want.attribute, want.size); got != want.value {
			t.Errorf("%s: %d, want %d", want.name, got, want.value)
		}
	}
}

// Without a driver the library makes no handle, and says so by a status that has a name.
func TestStatusOfARealLibrary(t *testing.T) {
	l := realLibrary(t)
	status := int32(l.procs.Create(address(&l.h.handle)))
	if status == 0 {
		l.procs.Destroy(l.h.handle)
		t.Skip("there is a device")
	}
	if _, ok := statuses[int(status)]; !ok {
		t.Errorf("status %d has no name", status)
	}
}
