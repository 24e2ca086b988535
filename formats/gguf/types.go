package gguf

import (
	"fmt"

	"lamina/tensor"
)

// ggmlType is a storage type as numbered in ggml.h.
type ggmlType struct {
	name       string
	block      int // elements in a block; 0: no such type, or removed
	blockBytes int
	dtype      tensor.DType // Invalid: listed, not readable
}

// ggmlTypes has every type that files may hold, so that the layout of a file is
// checked even around tensors whose type cannot be decoded.
var ggmlTypes = [...]ggmlType{
	0:  {"F32", 1, 4, tensor.F32},
	1:  {"F16", 1, 2, tensor.F16},
	2:  {"Q4_0", 32, 18, tensor.Q4_0},
	3:  {"Q4_1", 32, 20, tensor.Q4_1},
	6:  {"Q5_0", 32, 22, tensor.Q5_0},
	7:  {"Q5_1", 32, 24, tensor.Q5_1},
	8:  {"Q8_0", 32, 34, tensor.Q8_0},
	9:  {"Q8_1", 32, 36, tensor.Invalid},
	10: {"Q2_K", 256, 84, tensor.Invalid},
	11: {"Q3_K", 256, 110, tensor.Invalid},
	12: {"Q4_K", 256, 144, tensor.Q4_K},
	13: {"Q5_K", 256, 176, tensor.Q5_K},
	14: {"Q6_K", 256, 210, tensor.Q6_K},
	15: {"Q8_K", 256, 292, tensor.Invalid},
	16: {"IQ2_XXS", 256, 66, tensor.Invalid},
	17: {"IQ2_XS", 256, 74, tensor.Invalid},
	18: {"IQ3_XXS", 256, 98, tensor.Invalid},
	19: {"IQ1_S", 256, 50, tensor.Invalid},
	20: {"IQ4_NL", 32, 18, tensor.Invalid},
	21: {"IQ3_S", 256, 110, tensor.Invalid},
	22: {"IQ2_S", 256, 82, tensor.Invalid},
	23: {"IQ4_XS", 256, 136, tensor.Invalid},
	24: {"I8", 1, 1, tensor.I8},
	25: {"I16", 1, 2, tensor.I16},
	26: {"I32", 1, 4, tensor.I32},
	27: {"I64", 1, 8, tensor.I64},
	28: {"F64", 1, 8, tensor.F64},
	29: {"IQ1_M", 256, 56, tensor.Invalid},
	30: {"BF16", 1, 2, tensor.BF16},
	34: {"TQ1_0", 256, 54, tensor.Invalid},
	35: {"TQ2_0", 256, 66, tensor.Invalid},
	39: {"MXFP4", 32, 17, tensor.Invalid},
	40: {"NVFP4", 64, 36, tensor.Invalid},
	41: {"Q1_0", 128, 18, tensor.Invalid},
}

func lookupType(id uint32) (*ggmlType, error) {
	if int64(id) < int64(len(ggmlTypes)) && ggmlTypes[id].block > 0 {
		return &ggmlTypes[id], nil
	}
	return nil, fmt.Errorf("unknown or removed tensor type %d", id)
}
