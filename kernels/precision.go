package kernels

import (
	"fmt"
	"strings"
)

// Precision is the arithmetic of a device's matrix products. Operands are rounded as it
// says while they are packed; sums, results and everything that is no product are F32. A
// device is opened with one, and refuses those it has not.
type Precision uint8

const (
	// PrecisionF32 multiplies F32 numbers.
	PrecisionF32 Precision = iota
	// PrecisionTF32 rounds both operands to TF32, with 11 bits of significand: NVIDIA's GPUs.
	PrecisionTF32
	// PrecisionBF16 rounds both operands to BF16, to nearest even.
	PrecisionBF16
	// PrecisionBF16x3 splits each operand x into two BF16 parts, x₁ = BF16(x) and
	// x₂ = BF16(x - x₁), and sums the products a₁b₁ + a₁b₂ + a₂b₁: some 16 bits of
	// significand.
	PrecisionBF16x3
	// PrecisionBF16x6 splits into three parts, which together are x but for what falls
	// below BF16's smallest numbers, and sums the six products aᵢbⱼ with i+j ≤ 4: the
	// accuracy of F32.
	PrecisionBF16x6
	// PrecisionQ8 rounds the left operand to 8 bits in blocks of 32 along the inner axis, each
	// with a scale, where the right one is stored [N P] in a block type, so that products
	// within blocks are sums of integers; all other products are F32. It is for MatVec too,
	// which other precisions leave in F32.
	PrecisionQ8
)

// precisionNames are what --precision calls them, and PyTorch's words for the same.
var precisionNames = [...][]string{
	PrecisionF32:    {"f32", "highest"},
	PrecisionTF32:   {"tf32"},
	PrecisionBF16:   {"bf16", "medium"},
	PrecisionBF16x3: {"bf16x3", "high"},
	PrecisionBF16x6: {"bf16x6"},
	PrecisionQ8:     {"q8"},
}

// String returns the name: f32, tf32, bf16, bf16x3, bf16x6 or q8.
func (p Precision) String() string {
	if int(p) < len(precisionNames) {
		return precisionNames[p][0]
	}
	return fmt.Sprintf("Precision(%d)", uint8(p))
}

// ParsePrecision is the inverse of [Precision.String]; it also knows the words of
// torch.set_float32_matmul_precision: highest for f32, high for bf16x3, medium for bf16.
func ParsePrecision(name string) (Precision, error) {
	for p, names := range precisionNames {
		for _, n := range names {
			if n == name {
				return Precision(p), nil
			}
		}
	}
	return 0, fmt.Errorf("no precision %.32q: want %s", name, strings.Join(PrecisionNames(), ", "))
}

// PrecisionNames returns every name that [ParsePrecision] knows.
func PrecisionNames() (all []string) {
	for _, names := range precisionNames {
		all = append(all, names...)
	}
	return all
}
