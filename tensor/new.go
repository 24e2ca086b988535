package tensor

import "fmt"

// New returns a zeroed tensor in memory of its own, to be given back with
// [Tensor.Free]. The error is the device's: see [OutOfMemory].
func New(dev Device, d DType, shape ...int) (Tensor, error) {
	t := header("New", d, shape)
	mem, err := dev.Alloc(d.Bytes(t.Len()))
	if err != nil {
		return Tensor{}, err
	}
	t.dev, t.mem = dev, mem
	return t, nil
}

// Wrap returns a tensor over bytes in storage type d that stay valid and
// constant, such as a mapped file: a host device reads them in place.
func Wrap(dev Device, d DType, data []byte, shape ...int) (Tensor, error) {
	t := header("Wrap", d, shape)
	if want := d.Bytes(t.Len()); len(data) != want {
		panic(fmt.Sprintf("tensor: Wrap: %s %v takes %d bytes, got %d", d, shape, want, len(data)))
	}
	mem, err := dev.Wrap(data)
	if err != nil {
		return Tensor{}, err
	}
	t.dev, t.mem = dev, mem
	return t, nil
}

// FromFloats returns a tensor of a plain type (F32, F64, F16, BF16) holding values.
func FromFloats(dev Device, d DType, values []float64, shape ...int) (Tensor, error) {
	t, err := New(dev, d, shape...)
	if err == nil {
		t.SetFloats(values)
	}
	return t, err
}

// FromFloat32s is FromFloats from float32.
func FromFloat32s(dev Device, d DType, values []float32, shape ...int) (Tensor, error) {
	t, err := New(dev, d, shape...)
	if err == nil {
		t.SetFloat32s(values)
	}
	return t, err
}

// FromInts returns an I32 tensor holding values.
func FromInts(dev Device, values []int32, shape ...int) (Tensor, error) {
	t, err := New(dev, I32, shape...)
	if err == nil {
		t.SetInts(values)
	}
	return t, err
}

// Free gives memory from [New], [Wrap] or a From… back to the device: t and every
// view of it are invalid then. It does nothing for the zero Tensor and for one of an
// arena, which frees its own.
func (t Tensor) Free() {
	if t.mem != nil && t.block == nil {
		t.fixed.Free()
		t.mem.Free()
	}
}

// Must returns v, and panics if there is an error: for tests, examples and programs of
// a few lines, as are the functions below.
//
//	trained := tensor.Must(nn.Trainable(be, params))
func Must[T any](v T, err error) T {
	if err != nil {
		panic("tensor: Must: " + err.Error())
	}
	return v
}

// MustNew is [New], and panics if there is no memory.
func MustNew(dev Device, d DType, shape ...int) Tensor { return Must(New(dev, d, shape...)) }

// MustWrap is [Wrap], and panics if there is no memory.
func MustWrap(dev Device, d DType, data []byte, shape ...int) Tensor {
	return Must(Wrap(dev, d, data, shape...))
}

// MustFromFloats is [FromFloats], and panics if there is no memory.
func MustFromFloats(dev Device, d DType, values []float64, shape ...int) Tensor {
	return Must(FromFloats(dev, d, values, shape...))
}

// MustFromFloat32s is [FromFloat32s], and panics if there is no memory.
func MustFromFloat32s(dev Device, d DType, values []float32, shape ...int) Tensor {
	return Must(FromFloat32s(dev, d, values, shape...))
}

// MustFromInts is [FromInts], and panics if there is no memory.
func MustFromInts(dev Device, values []int32, shape ...int) Tensor {
	return Must(FromInts(dev, values, shape...))
}
