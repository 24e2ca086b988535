package tensor

import "fmt"

// DType is how an element is stored. Activations, gradients and trainable
// weights are F32 (F64 in gradient checks); the other types are how files keep
// weights, and frozen weights stay that way in memory.
type DType uint8

// The storage types. Block types (Q…) store a run of elements together; see
// [DType.BlockLen].
const (
	Invalid DType = iota
	F32           // IEEE 754 binary32
	F64           // IEEE 754 binary64: gradient checks only
	F16           // IEEE 754 binary16
	BF16          // upper half of a binary32
	I8
	I16
	I32
	I64
	U8
	Bool
	Q4_0 // 32 elements: F16 scale d, 32 4-bit q; x = d·(q-8)
	Q4_1 // 32 elements: F16 scale d, F16 min m, 32 4-bit q; x = d·q+m
	Q5_0 // 32 elements: F16 scale d, 32 high bits, 32 4-bit q; x = d·(q-16)
	Q5_1 // 32 elements: F16 scale d, F16 min m, 32 high bits, 32 4-bit q; x = d·q+m
	Q8_0 // 32 elements: F16 scale d, 32 int8 q; x = d·q
	Q4_K // 256 elements: F16 d, dmin, 8 6-bit s and m, 256 4-bit q; x = (d·s)·q-dmin·m, s and m of 32 elements
	Q5_K // 256 elements: F16 d, dmin, 8 6-bit s and m, 256 high bits, 256 4-bit q; x as of Q4_K
	Q6_K // 256 elements: 256 4-bit q, 256 pairs of high bits, 16 int8 s, F16 d; x = (d·s)·(q-32), s of 16 elements
	numDTypes
)

var dtypes = [numDTypes]struct {
	name       string
	block      int // elements in one block
	blockBytes int // bytes of one block
}{
	Invalid: {"invalid", 1, 0},
	F32:     {"F32", 1, 4},
	F64:     {"F64", 1, 8},
	F16:     {"F16", 1, 2},
	BF16:    {"BF16", 1, 2},
	I8:      {"I8", 1, 1},
	I16:     {"I16", 1, 2},
	I32:     {"I32", 1, 4},
	I64:     {"I64", 1, 8},
	U8:      {"U8", 1, 1},
	Bool:    {"BOOL", 1, 1},
	Q4_0:    {"Q4_0", 32, 18},
	Q4_1:    {"Q4_1", 32, 20},
	Q5_0:    {"Q5_0", 32, 22},
	Q5_1:    {"Q5_1", 32, 24},
	Q8_0:    {"Q8_0", 32, 34},
	Q4_K:    {"Q4_K", 256, 144},
	Q5_K:    {"Q5_K", 256, 176},
	Q6_K:    {"Q6_K", 256, 210},
}

// String returns the name the file formats use: "F32", "BF16", "Q4_1", ….
func (d DType) String() string {
	if d >= numDTypes {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// BlockLen returns how many consecutive elements are stored as one unit: 1 for
// plain types, 32 or 256 for the quantised ones. Rows are whole blocks.
func (d DType) BlockLen() int { return dtypes[d].block }

// BlockBytes returns the size of one block in bytes.
func (d DType) BlockBytes() int { return dtypes[d].blockBytes }

// Bytes returns the storage size of n elements. n must be whole blocks.
func (d DType) Bytes(n int) int {
	b := &dtypes[d]
	if b.block == 1 {
		return n * b.blockBytes
	}
	if n%b.block != 0 {
		panic(fmt.Sprintf("tensor: Bytes: %d elements are not whole blocks of %s (%d)", n, d, b.block))
	}
	return n / b.block * b.blockBytes
}

// IsBlock reports whether d stores elements in quantised blocks.
func (d DType) IsBlock() bool { return dtypes[d].block > 1 }

// IsFloat reports whether d holds real numbers, quantised ones included.
func (d DType) IsFloat() bool { return d >= F32 && d <= BF16 || d >= Q4_0 && d < numDTypes }

// ParseDType is the inverse of [DType.String].
func ParseDType(name string) (DType, bool) {
	for d := F32; d < numDTypes; d++ {
		if dtypes[d].name == name {
			return d, true
		}
	}
	return Invalid, false
}
