package tensor

import (
	"fmt"
	"math"
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
	fixed *Fixed // nil where elements may change
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

// As returns the same bytes as elements of another type: what one upload brought
// may be ids and angles, one behind the other.
func (t Tensor) As(d DType, shape ...int) Tensor {
	u := header("As", d, shape)
	if u.Bytes() != t.Bytes() {
		panic(fmt.Sprintf("tensor: As: %v has %d bytes, %s%v has %d", t, t.Bytes(), d, shape, u.Bytes()))
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
	t.dims[0], t.fixed = to-from, nil
	return t
}

// String prints type and shape, as panics and logs show tensors: "F32[2 3]".
func (t Tensor) String() string {
	if t.IsNone() {
		return "none"
	}
	return t.dtype.String() + fmt.Sprint(t.dims[:t.rank])
}
