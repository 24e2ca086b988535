package lt

import (
	"testing"
	"unsafe"

	"lamina/kernels/cuda/internal/header"
)

// TestHeader holds what this package writes down of cublasLt.h against it.
func TestHeader(t *testing.T) {
	in := header.Find(t, "cublasLt.h")
	var r result
	in.Equal(t, map[string]int64{
		"CUDA_R_32F": int64(F32), "CUDA_R_16F": int64(F16), "CUDA_R_16BF": int64(BF16),
		"CUBLAS_COMPUTE_32F": int64(ComputeF32), "CUBLAS_COMPUTE_32F_FAST_TF32": int64(ComputeTF32), "CUBLAS_OP_N": opN, "CUBLAS_OP_T": opT,

		"CUBLASLT_EPILOGUE_DEFAULT": int64(Default), "CUBLASLT_EPILOGUE_RELU": int64(ReLU), "CUBLASLT_EPILOGUE_BIAS": int64(Bias),
		"CUBLASLT_EPILOGUE_RELU_BIAS": int64(ReLU.With(Bias)), "CUBLASLT_EPILOGUE_GELU": int64(GELU), "CUBLASLT_EPILOGUE_GELU_BIAS": int64(GELU.With(Bias)),

		"CUBLASLT_MATMUL_DESC_TRANSA": descTransA, "CUBLASLT_MATMUL_DESC_TRANSB": descTransB,
		"CUBLASLT_MATMUL_DESC_EPILOGUE": descEpilogue, "CUBLASLT_MATMUL_DESC_BIAS_POINTER": descBiasPointer,
		"CUBLASLT_MATRIX_LAYOUT_COLS":                layoutCols,
		"CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES":   preferWorkspace,
		"CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK": preferReduction, "CUBLASLT_REDUCTION_SCHEME_NONE": 0,
		"CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES": preferAlignmentA, "CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES": preferAlignmentA + 1,
		"CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES": preferAlignmentA + 2, "CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES": preferAlignmentA + 3,
		"CUBLASLT_ALGO_CONFIG_SPLITK_NUM": algoSplitK, "CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME": algoReduction,

		"sizeof(cublasLtMatmulAlgo_t)": int64(unsafe.Sizeof(r.algo)), "sizeof(cublasLtMatmulHeuristicResult_t)": int64(unsafe.Sizeof(r)),
		"offsetof(cublasLtMatmulHeuristicResult_t, algo)":          int64(unsafe.Offsetof(r.algo)),
		"offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize)": int64(unsafe.Offsetof(r.workspace)),
		"offsetof(cublasLtMatmulHeuristicResult_t, state)":         int64(unsafe.Offsetof(r.state)),
	})
	names := map[string]int64{}
	for number, s := range statuses {
		names[s.name] = int64(number)
	}
	in.Equal(t, names)
}

// TestHeaderPrototypes: the functions take what they are given, in this order.
func TestHeaderPrototypes(t *testing.T) {
	const (
		desc, layout, prefer = "cublasLtMatmulDesc_t", "cublasLtMatrixLayout_t", "cublasLtMatmulPreference_t"
		set, get             = ", const void*, size_t)", ", void*, size_t, size_t*)"
	)
	attribute := func(object, numbers, rest string) string { return "cublasStatus_t(" + object + ", " + numbers + rest }
	header.Find(t, "cublasLt.h").Prototypes(t, map[string]string{
		"cublasLtCreate": "cublasStatus_t(cublasLtHandle_t*)", "cublasLtDestroy": "cublasStatus_t(cublasLtHandle_t)",
		"cublasLtGetVersion": "size_t(void)",
		"cublasLtMatmul": "cublasStatus_t(cublasLtHandle_t, " + desc + ", const void*, const void*, " + layout + ", const void*, " + layout +
			", const void*, const void*, " + layout + ", void*, " + layout + ", const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t)",
		"cublasLtMatmulDescCreate": "cublasStatus_t(" + desc + "*, cublasComputeType_t, cudaDataType_t)", "cublasLtMatmulDescDestroy": "cublasStatus_t(" + desc + ")",
		"cublasLtMatrixLayoutCreate":     "cublasStatus_t(" + layout + "*, cudaDataType, uint64_t, uint64_t, int64_t)",
		"cublasLtMatrixLayoutDestroy":    "cublasStatus_t(" + layout + ")",
		"cublasLtMatmulPreferenceCreate": "cublasStatus_t(" + prefer + "*)", "cublasLtMatmulPreferenceDestroy": "cublasStatus_t(" + prefer + ")",
		"cublasLtMatmulDescSetAttribute":       attribute(desc, "cublasLtMatmulDescAttributes_t", set),
		"cublasLtMatrixLayoutSetAttribute":     attribute(layout, "cublasLtMatrixLayoutAttribute_t", set),
		"cublasLtMatmulPreferenceSetAttribute": attribute(prefer, "cublasLtMatmulPreferenceAttributes_t", set),
		"cublasLtMatmulAlgoConfigGetAttribute": attribute("const cublasLtMatmulAlgo_t*", "cublasLtMatmulAlgoConfigAttributes_t", get),
		"cublasLtMatmulAlgoGetHeuristic": "cublasStatus_t(cublasLtHandle_t, " + desc + ", " + layout + ", " + layout + ", " + layout + ", " + layout + ", " +
			prefer + ", int, cublasLtMatmulHeuristicResult_t*, int*)",
		"cublasLtMatmulAlgoCheck": "cublasStatus_t(cublasLtHandle_t, " + desc + ", " + layout + ", " + layout + ", " + layout + ", " + layout +
			", const cublasLtMatmulAlgo_t*, cublasLtMatmulHeuristicResult_t*)",
	})
}
