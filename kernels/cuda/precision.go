package cuda

import "fmt"

// Precision is the arithmetic of MatMul and MatMuls, and with BF16 of attention, forward and
// backward, in heads of up to 128 columns. Sums are F32 in all of them, and so are MatVec,
// decoding, softmax and all else.
type Precision uint8

const (
	// F32 multiplies F32 numbers.
	F32 Precision = iota
	// TF32 rounds both operands to TF32, with 11 bits of significand, in the tensor
	// cores. Without cuBLASLt it is F32.
	TF32
	// BF16 rounds both operands to BF16, to nearest even.
	BF16
)

// precisionNames are what --precision calls them.
var precisionNames = [...]string{F32: "f32", TF32: "tf32", BF16: "bf16"}

// String returns "f32", "tf32" or "bf16".
func (p Precision) String() string {
	if int(p) < len(precisionNames) {
		return precisionNames[p]
	}
	return fmt.Sprintf("Precision(%d)", uint8(p))
}

// ParsePrecision is the inverse of [Precision.String].
func ParsePrecision(name string) (Precision, error) {
	for p, n := range precisionNames {
		if n == name {
			return Precision(p), nil
		}
	}
	return 0, fmt.Errorf("no precision %q on CUDA: f32, tf32 or bf16", name)
}
