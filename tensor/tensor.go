package tensor

import (
	"fmt"
	"io"
	"math"
	"unsafe"
)

// MaxRank is the largest number of axes a tensor has.
const MaxRank = 4

// Tensor is a contiguous row-major array. The zero value is "none" (see
// [Tensor.IsNone]) and stands for an absent optional operand.
type Tensor struct {
	dtype DType
	rank  int
	dims  [MaxRank]int
	dev   Device
	mem   Memory
	off   int    // byte offset of the first element in mem
	block *Block // the arena's bookkeeping; nil for memory that is not an arena's
}

// New returns a zeroed tensor in memory of its own.
func New(dev Device, d DType, shape ...int) Tensor {
	t := header("New", d, shape)
	t.dev, t.mem = dev, dev.Alloc(d.Bytes(t.Len()))
	return t
}

// Wrap returns a tensor over bytes in storage type d that stay valid and
// constant, such as a mapped file: a host device reads them in place.
func Wrap(dev Device, d DType, data []byte, shape ...int) Tensor {
	t := header("Wrap", d, shape)
	if want := d.Bytes(t.Len()); len(data) != want {
		panic(fmt.Sprintf("tensor: Wrap: %s %v takes %d bytes, got %d", d, shape, want, len(data)))
	}
	t.dev, t.mem = dev, dev.Wrap(data)
	return t
}

// FromFloats returns a tensor of a plain type (F32, F64, F16, BF16) holding values.
func FromFloats(dev Device, d DType, values []float64, shape ...int) Tensor {
	t := New(dev, d, shape...)
	t.SetFloats(values)
	return t
}

// FromInts returns an I32 tensor holding values.
func FromInts(dev Device, values []int32, shape ...int) Tensor {
	t := New(dev, I32, shape...)
	t.SetInts(values)
	return t
}

func header(op string, d DType, shape []int) Tensor {
	if len(shape) > MaxRank {
		panic(fmt.Sprintf("tensor: %s: rank %d exceeds %d: %v", op, len(shape), MaxRank, shape))
	}
	t := Tensor{dtype: d, rank: len(shape)}
	n := 1
	for i, s := range shape {
		if s < 0 || s > 0 && n > math.MaxInt/8/s {
			panic(fmt.Sprintf("tensor: %s: impossible shape %v", op, shape))
		}
		t.dims[i] = s
		n *= s
	}
	return t
}

// IsNone reports whether t is the zero Tensor, an absent operand.
func (t Tensor) IsNone() bool { return t.dtype == Invalid }

// DType returns the storage type.
func (t Tensor) DType() DType { return t.dtype }

// Rank returns the number of axes; a scalar has none.
func (t Tensor) Rank() int { return t.rank }

// Dim returns the size of axis i; negative i counts from the last axis.
func (t Tensor) Dim(i int) int {
	if i < 0 {
		i += t.rank
	}
	if i < 0 || i >= t.rank {
		panic(fmt.Sprintf("tensor: Dim: axis %d of %v", i, t))
	}
	return t.dims[i]
}

// Shape returns a copy of the axis sizes.
func (t Tensor) Shape() []int { return append([]int(nil), t.dims[:t.rank]...) }

// Len returns the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, s := range t.dims[:t.rank] {
		n *= s
	}
	return n
}

// Bytes returns the storage size.
func (t Tensor) Bytes() int { return t.dtype.Bytes(t.Len()) }

// Rows returns the product of all axes but the last: a tensor seen as a matrix
// [Rows Cols].
func (t Tensor) Rows() int {
	n := 1
	for i := 0; i < t.rank-1; i++ {
		n *= t.dims[i]
	}
	return n
}

// Cols returns the size of the last axis (1 for a scalar).
func (t Tensor) Cols() int {
	if t.rank == 0 {
		return 1
	}
	return t.dims[t.rank-1]
}

// Device returns the device that owns the memory.
func (t Tensor) Device() Device { return t.dev }

// Memory returns the device memory and the byte offset of the first element:
// for backends.
func (t Tensor) Memory() (Memory, int) { return t.mem, t.off }

// SameShape reports whether t and u have equal axes.
func (t Tensor) SameShape(u Tensor) bool {
	return t.rank == u.rank && t.dims == u.dims
}

// HasShape reports whether t's axes are exactly shape.
func (t Tensor) HasShape(shape ...int) bool {
	if len(shape) != t.rank {
		return false
	}
	for i, s := range shape {
		if t.dims[i] != s {
			return false
		}
	}
	return true
}

// Overlaps reports whether t and u have bytes in common.
func (t Tensor) Overlaps(u Tensor) bool {
	return t.mem != nil && t.mem == u.mem && max(t.off, u.off) < min(t.off+t.Bytes(), u.off+u.Bytes())
}

// SameMemory reports whether t and u are the same bytes, all of them, whatever their
// axes: the one kind of overlap that kernels allow.
func (t Tensor) SameMemory(u Tensor) bool {
	return t.mem == u.mem && t.off == u.off && t.Bytes() == u.Bytes()
}

// Reshape returns the same memory with other axes of equal product.
func (t Tensor) Reshape(shape ...int) Tensor {
	u := header("Reshape", t.dtype, shape)
	if u.Len() != t.Len() {
		panic(fmt.Sprintf("tensor: Reshape: %v has %d elements, %v has %d", t, t.Len(), shape, u.Len()))
	}
	u.dev, u.mem, u.off, u.block = t.dev, t.mem, t.off, t.block
	return u
}

// Slice returns rows [from, to) of the first axis, the same memory.
func (t Tensor) Slice(from, to int) Tensor {
	if t.rank == 0 || from < 0 || to < from || to > t.dims[0] {
		panic(fmt.Sprintf("tensor: Slice: [%d:%d] of %v", from, to, t))
	}
	row := t
	row.dims[0] = 1
	t.off += from * t.dtype.Bytes(row.Len())
	t.dims[0] = to - from
	return t
}

// String prints type and shape, as panics and logs show tensors: "F32[2 3]".
func (t Tensor) String() string {
	if t.IsNone() {
		return "none"
	}
	return t.dtype.String() + fmt.Sprint(t.dims[:t.rank])
}

// Floats copies the elements to the host as float64, decoding any float type.
func (t Tensor) Floats() []float64 {
	out := make([]float64, t.Len())
	raw := t.download()
	switch t.dtype {
	case F64:
		copy(out, View[float64](raw))
	case F32:
		for i, v := range View[float32](raw) {
			out[i] = float64(v)
		}
	default:
		wide := make([]float32, len(out))
		DecodeF32(wide, raw, t.dtype)
		for i, v := range wide {
			out[i] = float64(v)
		}
	}
	return out
}

// Float32s copies the elements to the host as float32, decoding any float type.
func (t Tensor) Float32s() []float32 {
	out := make([]float32, t.Len())
	t.CopyFloat32s(out)
	return out
}

// CopyFloat32s copies the elements into dst, which has length t.Len().
func (t Tensor) CopyFloat32s(dst []float32) {
	if len(dst) != t.Len() {
		panic(fmt.Sprintf("tensor: CopyFloat32s: %v into %d elements", t, len(dst)))
	}
	switch t.dtype {
	case F32:
		t.dev.Download(Bytes(dst), t.mem, t.off)
	case F64:
		for i, v := range View[float64](t.download()) {
			dst[i] = float32(v)
		}
	default:
		DecodeF32(dst, t.download(), t.dtype)
	}
}

// SetFloats copies values from the host, rounding to the storage type
// (F32, F64, F16, BF16).
func (t Tensor) SetFloats(values []float64) {
	if len(values) != t.Len() {
		panic(fmt.Sprintf("tensor: SetFloats: %d values for %v", len(values), t))
	}
	if t.dtype == F64 {
		t.dev.Upload(t.mem, t.off, Bytes(values))
		return
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	t.SetFloat32s(narrow)
}

// SetFloat32s is SetFloats from float32.
func (t Tensor) SetFloat32s(values []float32) {
	if len(values) != t.Len() {
		panic(fmt.Sprintf("tensor: SetFloat32s: %d values for %v", len(values), t))
	}
	switch t.dtype {
	case F32:
		t.dev.Upload(t.mem, t.off, Bytes(values))
	case F64:
		wide := make([]float64, len(values))
		for i, v := range values {
			wide[i] = float64(v)
		}
		t.dev.Upload(t.mem, t.off, Bytes(wide))
	default:
		raw := make([]byte, t.Bytes())
		EncodeF32(raw, values, t.dtype)
		t.dev.Upload(t.mem, t.off, raw)
	}
}

// Ints copies the elements of an I32 tensor to the host.
func (t Tensor) Ints() []int32 {
	if t.dtype != I32 {
		panic(fmt.Sprintf("tensor: Ints: %v is not I32", t))
	}
	return append([]int32(nil), View[int32](t.download())...)
}

// SetInts copies values into an I32 tensor.
func (t Tensor) SetInts(values []int32) {
	if t.dtype != I32 || len(values) != t.Len() {
		panic(fmt.Sprintf("tensor: SetInts: %d values for %v", len(values), t))
	}
	t.dev.Upload(t.mem, t.off, Bytes(values))
}

// Raw copies the storage bytes to the host.
func (t Tensor) Raw() []byte { return t.download() }

// WriteTo writes the storage bytes to w, a piece at a time, so that a tensor of
// any size costs the host a megabyte, or nothing if it lies there.
func (t Tensor) WriteTo(w io.Writer) (n int64, err error) {
	const most = 1 << 20
	m, host := t.mem.(*HostMemory)
	var piece []byte
	if !host {
		piece = make([]byte, min(t.Bytes(), most))
	}
	for from := 0; from < t.Bytes(); from += len(piece) {
		length := min(most, t.Bytes()-from)
		if host {
			piece = m.Data[t.off+from:][:length]
		} else {
			piece = piece[:length]
			t.dev.Download(piece, t.mem, t.off+from)
		}
		written, err := w.Write(piece)
		n += int64(written)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// SetRaw copies storage bytes from the host.
func (t Tensor) SetRaw(data []byte) {
	if len(data) != t.Bytes() {
		panic(fmt.Sprintf("tensor: SetRaw: %d bytes for %v", len(data), t))
	}
	t.dev.Upload(t.mem, t.off, data)
}

func (t Tensor) download() []byte {
	// Eight-byte words keep the buffer aligned for View.
	words := make([]uint64, (t.Bytes()+7)/8)
	raw := Bytes(words)[:t.Bytes()]
	t.dev.Download(raw, t.mem, t.off)
	return raw
}

// number is what View and Bytes reinterpret.
type number interface {
	~float32 | ~float64 | ~int32 | ~uint16 | ~uint32 | ~uint64 | ~int8
}

// Bytes returns the memory of s as bytes: for copies between host and device,
// little-endian hosts only (all that Go's assembly here supports).
func Bytes[T number](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// View returns bytes as numbers. b must be a whole number of aligned elements.
func View[T number](b []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(b) == 0 {
		return nil
	}
	p := unsafe.Pointer(&b[0])
	if len(b)%size != 0 || uintptr(p)%unsafe.Alignof(zero) != 0 {
		panic(fmt.Sprintf("tensor: View: %d bytes at %% %d = %d are no aligned %T values", len(b), size, uintptr(p)%uintptr(size), zero))
	}
	return unsafe.Slice((*T)(p), len(b)/size)
}

// HostFloats returns t's elements in place, as T (float32 for F32, float64 for
// F64). It is for host backends: t must live in [*HostMemory].
func HostFloats[T float32 | float64](t Tensor) []T { return View[T](HostBytes(t)) }

// HostInts returns an I32 tensor's elements in place, for host backends.
func HostInts(t Tensor) []int32 { return View[int32](HostBytes(t)) }

// HostBytes returns t's storage in place, for host backends.
func HostBytes(t Tensor) []byte {
	if t.IsNone() {
		return nil
	}
	return t.mem.(*HostMemory).Data[t.off : t.off+t.Bytes()]
}
