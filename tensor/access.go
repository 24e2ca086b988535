package tensor

import (
	"fmt"
	"io"
	"unsafe"
)

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
		t.wait()
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
	t.wantFree("SetFloats")
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
	t.wantFree("SetFloat32s")
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
	t.wantFree("SetInts")
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
			if err := t.dev.Sync(); err != nil {
				return n, err
			}
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
	t.wantFree("SetRaw")
	if len(data) != t.Bytes() {
		panic(fmt.Sprintf("tensor: SetRaw: %d bytes for %v", len(data), t))
	}
	t.dev.Upload(t.mem, t.off, data)
}

// wait lets downloads arrive. An error stays with the queue, whose next Sync returns
// it again; what was to be read is NaN then.
func (t Tensor) wait() { _ = t.dev.Sync() }

func (t Tensor) download() []byte {
	// Eight-byte words keep the buffer aligned for View.
	words := make([]uint64, (t.Bytes()+7)/8)
	raw := Bytes(words)[:t.Bytes()]
	t.dev.Download(raw, t.mem, t.off)
	t.wait()
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

// OnHost reports whether t lies in [*HostMemory]: the functions above and below read it.
func (t Tensor) OnHost() bool {
	_, ok := t.mem.(*HostMemory)
	return ok
}

// HostBytes returns t's storage in place, for host backends.
func HostBytes(t Tensor) []byte {
	if t.IsNone() {
		return nil
	}
	m, ok := t.mem.(*HostMemory)
	if !ok {
		panic(fmt.Sprintf("tensor: HostBytes: %v lies on no host device (a tensor of a failed pass has no memory: run its operations on the pass's own backend)", t))
	}
	return m.Data[t.off : t.off+t.Bytes()]
}
