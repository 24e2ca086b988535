package lt

// Type is a cudaDataType_t.
type Type int32

// The types of operands and results.
const (
	F32  Type = 0
	F16  Type = 2
	BF16 Type = 14
)

func (t Type) String() string {
	switch t {
	case F32:
		return "f32"
	case F16:
		return "f16"
	}
	return "bf16"
}

// Compute is a cublasComputeType_t: how products are multiplied and summed.
type Compute int32

// The arithmetic of products; sums are F32 in both.
const (
	ComputeF32  Compute = 68 // CUBLAS_COMPUTE_32F
	ComputeTF32 Compute = 77 // CUBLAS_COMPUTE_32F_FAST_TF32
)

// Epilogue is a cublasLtEpilogue_t: what becomes of the sums.
type Epilogue uint32

// The epilogues that are used. ReLU and GELU, the tanh form, may stand together with Bias.
const (
	Default Epilogue = 1
	ReLU    Epilogue = 2
	Bias    Epilogue = 4
	GELU    Epilogue = 32
)

// With adds b to e; Default stands for nothing.
func (e Epilogue) With(b Epilogue) Epilogue {
	switch {
	case e == Default:
		return b
	case b == Default:
		return e
	}
	return e | b
}

// Attributes of a cublasLtMatmulDesc_t, and their sizes in bytes.
const (
	descTransA      = 3 // 4
	descTransB      = 4 // 4
	descEpilogue    = 7 // 4
	descBiasPointer = 8 // 8
)

// Attributes of a cublasLtMatrixLayout_t.
const (
	layoutCols = 3 // 8
)

// Attributes of a cublasLtMatmulPreference_t.
const (
	preferWorkspace  = 1 // 8: most bytes
	preferReduction  = 3 // 4: mask of the ways of adding up an inner axis that was cut; 0 for none
	preferAlignmentA = 5 // 4, and B, C, D behind it
)

// Attributes of a cublasLtMatmulAlgo_t.
const (
	algoSplitK    = 2 // 4: parts of the inner axis
	algoReduction = 3 // 4
)

const (
	opN = 0 // CUBLAS_OP_N
	opT = 1 // CUBLAS_OP_T
)
