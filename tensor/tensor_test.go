package tensor_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"lamina/kernels/ref"
	"lamina/tensor"
)

func Example() {
	dev := ref.New()
	x := tensor.MustFromFloats(dev, tensor.F32, []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	fmt.Println(x, x.Rows(), x.Cols(), x.Bytes())
	fmt.Println(x.Slice(1, 2).Floats(), x.Reshape(6))
	x.Slice(0, 1).SetFloats([]float64{7, 8, 9}) // the same memory
	fmt.Println(x.Floats())
	// Output:
	// F32[2 3] 2 3 24
	// [4 5 6] F32[6]
	// [7 8 9 4 5 6]
}

func TestShape(t *testing.T) {
	dev := ref.New()
	x := tensor.MustNew(dev, tensor.F32, 2, 3, 4)
	if x.Rank() != 3 || x.Dim(0) != 2 || x.Dim(-1) != 4 || x.Len() != 24 || x.Rows() != 6 || x.Cols() != 4 || x.Device() != tensor.Device(dev) {
		t.Errorf("%v: rank %d, len %d, rows %d, cols %d", x, x.Rank(), x.Len(), x.Rows(), x.Cols())
	}
	shape := x.Shape()
	shape[0] = 9 // a copy
	if !x.HasShape(2, 3, 4) || x.HasShape(2, 3) || x.HasShape(2, 3, 5) || !x.SameShape(tensor.MustNew(dev, tensor.F16, 2, 3, 4)) || x.SameShape(x.Reshape(24)) {
		t.Error("HasShape or SameShape is wrong")
	}
	scalar := tensor.MustFromFloats(dev, tensor.F64, []float64{3})
	if scalar.Rank() != 0 || scalar.Len() != 1 || scalar.Cols() != 1 || scalar.Rows() != 1 || scalar.String() != "F64[]" {
		t.Errorf("scalar %v: len %d", scalar, scalar.Len())
	}
	empty := tensor.MustNew(dev, tensor.F32, 0, 5)
	if empty.Len() != 0 || len(empty.Floats()) != 0 || empty.Cols() != 5 {
		t.Errorf("empty %v has %d elements", empty, empty.Len())
	}
	var none tensor.Tensor
	if !none.IsNone() || x.IsNone() || none.String() != "none" || tensor.HostBytes(none) != nil {
		t.Errorf("none is %v", none)
	}
}

func TestViewsShareMemory(t *testing.T) {
	dev := ref.New()
	x := tensor.MustFromFloats(dev, tensor.F32, []float64{0, 1, 2, 3, 4, 5, 6, 7}, 4, 2)
	s := x.Slice(1, 3)
	r := s.Reshape(4)
	r.SetFloats([]float64{-2, -3, -4, -5})
	if got, want := x.Floats(), []float64{0, 1, -2, -3, -4, -5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, c := range []struct {
		name           string
		a, b           tensor.Tensor
		overlaps, same bool
	}{
		{"a view with other axes", s, r, true, true},
		{"a slice of the whole", s, x, true, false},
		{"the first row of the whole", x.Slice(0, 1), x, true, false},
		{"slices with a row in common", x.Slice(0, 2), s, true, false},
		{"neighbours", x.Slice(0, 1), s, false, false},
		{"nothing of the whole", x.Slice(0, 0), x, false, false},
		{"another memory", x, tensor.MustNew(dev, tensor.F32, 4, 2), false, false},
		{"an absent operand", x, tensor.Tensor{}, false, false},
	} {
		if c.a.Overlaps(c.b) != c.overlaps || c.b.Overlaps(c.a) != c.overlaps {
			t.Errorf("%s: Overlaps is not %t", c.name, c.overlaps)
		}
		if c.a.SameMemory(c.b) != c.same || c.b.SameMemory(c.a) != c.same {
			t.Errorf("%s: SameMemory is not %t", c.name, c.same)
		}
	}
	if mem, off := s.Memory(); off != 8 || mem.Len() != 32 {
		t.Errorf("a slice at byte %d of %d", off, mem.Len())
	}
	q := tensor.MustNew(dev, tensor.Q8_0, 3, 64) // rows of whole blocks
	if _, off := q.Slice(2, 3).Memory(); off != 2*2*34 || q.Slice(1, 3).Bytes() != 2*2*34 {
		t.Errorf("row 2 of %v at byte %d", q, off)
	}
}

func TestCopiesRoundToTheStorageType(t *testing.T) {
	dev := ref.New()
	values := []float64{1 + 0x1p-30, -0x1p-3, 65504, 3.14159265358979}
	for d, ulp := range map[tensor.DType]float64{tensor.F64: 0, tensor.F32: 0x1p-24, tensor.F16: 0x1p-11, tensor.BF16: 0x1p-8} {
		x := tensor.MustFromFloats(dev, d, values, 2, 2)
		wide, narrow := x.Floats(), x.Float32s()
		for i, v := range values {
			if math.Abs(wide[i]-v) > ulp*math.Abs(v) || narrow[i] != float32(wide[i]) {
				t.Errorf("%v: element %d is %v (%v as float32), want %v", d, i, wide[i], narrow[i], v)
			}
		}
		y := tensor.MustNew(dev, d, 4)
		y.SetRaw(x.Raw())
		if !slices.Equal(y.Floats(), wide) {
			t.Errorf("%v: raw bytes give %v, want %v", d, y.Floats(), wide)
		}
	}
	ids := tensor.MustFromInts(dev, []int32{-1, 1 << 30}, 2)
	if got := ids.Ints(); !slices.Equal(got, []int32{-1, 1 << 30}) || !slices.Equal(tensor.HostInts(ids), got) {
		t.Errorf("ints %v", got)
	}
}

func TestWrapReadsInPlace(t *testing.T) {
	words := []float32{1, 2, 3, 4}
	x := tensor.MustWrap(ref.New(), tensor.F32, tensor.Bytes(words), 2, 2)
	words[3] = 9
	if got := x.Floats(); got[3] != 9 {
		t.Errorf("%v does not read the bytes in place", got)
	}
	if got := tensor.HostFloats[float32](x); &got[0] != &words[0] {
		t.Error("HostFloats copies")
	}
}

func TestHostMemory(t *testing.T) {
	var h tensor.Host
	for _, n := range []int{0, 1, 63, 64, 65, 4097} {
		m := tensor.Must(h.Alloc(n)).(*tensor.HostMemory)
		if m.Len() != n {
			t.Errorf("%d bytes, want %d", m.Len(), n)
		}
		if n > 0 && uintptr(unsafe.Pointer(&m.Data[0]))%64 != 0 {
			t.Errorf("%d bytes are not aligned to 64", n)
		}
	}
	m := tensor.Must(h.Alloc(8))
	h.Upload(m, 2, []byte{1, 2, 3})
	back := make([]byte, 4)
	h.Download(back, m, 1)
	if !slices.Equal(back, []byte{0, 1, 2, 3}) || h.Sync() != nil {
		t.Errorf("%v", back)
	}
}

func TestMisusePanicsWithShapes(t *testing.T) {
	dev := ref.New()
	x := tensor.MustNew(dev, tensor.F32, 2, 3)
	for want, misuse := range map[string]func(){
		"tensor: New: rank 5":                   func() { tensor.MustNew(dev, tensor.F32, 1, 1, 1, 1, 1) },
		"tensor: New: impossible shape [-1]":    func() { tensor.MustNew(dev, tensor.F32, -1) },
		"tensor: New: impossible shape [21474":  func() { tensor.MustNew(dev, tensor.F32, 1<<31, 1<<31) },
		"tensor: Bytes: 33 elements":            func() { tensor.MustNew(dev, tensor.Q4_0, 33) },
		"tensor: Wrap: F32 [2] takes 8 bytes":   func() { tensor.MustWrap(dev, tensor.F32, make([]byte, 7), 2) },
		"tensor: Dim: axis 2 of F32[2 3]":       func() { x.Dim(2) },
		"tensor: Reshape: F32[2 3] has 6":       func() { x.Reshape(4) },
		"tensor: Slice: [1:3] of F32[2 3]":      func() { x.Slice(1, 3) },
		"tensor: Slice: [2:1] of F32[2 3]":      func() { x.Slice(2, 1) },
		"tensor: SetFloats: 5 values":           func() { x.SetFloats(make([]float64, 5)) },
		"tensor: SetFloat32s: 7 values":         func() { x.SetFloat32s(make([]float32, 7)) },
		"tensor: CopyFloat32s: F32[2 3] into 1": func() { x.CopyFloat32s(make([]float32, 1)) },
		"tensor: As: F32[2 3] has 24 bytes":     func() { x.As(tensor.F64, 4) },
		"tensor: HostBytes: F32[1] lies on no":  func() { tensor.HostBytes(tensor.NoMemory(nil, tensor.F32, 1)) },
		"tensor: SetRaw: 4 bytes":               func() { x.SetRaw(make([]byte, 4)) },
		"tensor: Ints: F32[2 3] is not I32":     func() { x.Ints() },
		"tensor: SetInts: 6 values for F32":     func() { x.SetInts(make([]int32, 6)) },
		"tensor: View: 6 bytes":                 func() { tensor.View[float32](make([]byte, 6)) },
		"tensor: Alloc: negative size -1":       func() { dev.Alloc(-1) },
	} {
		mustPanic(t, want, misuse)
	}
}

func mustPanic(t *testing.T, want string, misuse func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
			t.Errorf("panic %q, want %q…", got, want)
		}
	}()
	misuse()
}

func TestDTypes(t *testing.T) {
	for d := tensor.F32; d <= tensor.Q8_0; d++ {
		if back, ok := tensor.ParseDType(d.String()); !ok || back != d {
			t.Errorf("%v parses as %v, %t", d, back, ok)
		}
		if d.IsBlock() != (d.BlockLen() == 32) || d.Bytes(64) != 64/d.BlockLen()*d.BlockBytes() {
			t.Errorf("%v: block of %d elements in %d bytes, 64 take %d", d, d.BlockLen(), d.BlockBytes(), d.Bytes(64))
		}
		integer := d == tensor.I8 || d == tensor.I16 || d == tensor.I32 || d == tensor.I64 || d == tensor.U8 || d == tensor.Bool
		if d.IsFloat() == integer {
			t.Errorf("%v: IsFloat %t", d, d.IsFloat())
		}
	}
	if _, ok := tensor.ParseDType("invalid"); ok || tensor.DType(99).String() != "DType(99)" {
		t.Error("invalid types have names")
	}
}

// kept is a form that counts what is freed.
type kept struct{ freed *int }

func (k kept) Free() { *k.freed++ }

func TestFixedTensors(t *testing.T) {
	w := tensor.MustFromFloats(ref.New(), tensor.F32, []float64{1, 2, 3, 4}, 2, 2)
	if w.Fixed() != nil {
		t.Error("fixed before Fix")
	}
	w.Fixed().Free() // of nothing
	freed := 0
	one, two := w.Fix(), w
	if one.Fix().Fixed() != one.Fixed() || two.Fixed() != nil || one.Slice(0, 1).Fixed() != nil || one.Reshape(4).Fixed() != nil {
		t.Error("Fix is of one tensor, not of its views")
	}
	none := func() tensor.Form { return nil }
	if form, created := one.Fixed().Form("key", none); form != nil || created {
		t.Errorf("%v, created %v, where nothing could be made", form, created)
	}
	if form, created := one.Fixed().Form("key", func() tensor.Form { return kept{&freed} }); form == nil || !created {
		t.Errorf("%v, created %v: not kept", form, created)
	}
	if form, created := one.Fixed().Form("key", none); form == nil || created {
		t.Errorf("%v, created %v: made twice or lost", form, created)
	}
	mustPanic(t, "tensor: SetFloats: elements of F32[2 2] are fixed", func() { one.SetFloats(make([]float64, 4)) })
	mustPanic(t, "tensor: SetRaw: elements of F32[2 2] are fixed", func() { one.SetRaw(make([]byte, 16)) })
	one.Free()
	one.Free()
	if freed != 1 {
		t.Errorf("freed %d times", freed)
	}
}
