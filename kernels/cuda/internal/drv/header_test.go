package drv

import (
	"fmt"
	"testing"
	"unsafe"

	"lamina/kernels/cuda/internal/header"
)

// TestHeader holds what this package writes down of cuda.h against it: numbers, the layout
// of structs, and, by the stand-in that other tests call in its place, the prototypes of all
// functions as the library exports them.
func TestHeader(t *testing.T) {
	in := header.Find(t, "cuda.h")
	in.Check(t, "testdata/mock.c", "-Werror=missing-prototypes")

	var k kernelParams
	in.Equal(t, map[string]int64{
		"CU_STREAM_NON_BLOCKING": nonBlocking, "CU_EVENT_DISABLE_TIMING": disableTiming, "CU_MEMHOSTALLOC_PORTABLE": portable,
		"CU_STREAM_CAPTURE_MODE_THREAD_LOCAL": threadLocal, "CU_COMPUTEMODE_PROHIBITED": prohibited,
		"(size_t)CU_LAUNCH_PARAM_END": paramEnd, "(size_t)CU_LAUNCH_PARAM_BUFFER_POINTER": paramBuffer, "(size_t)CU_LAUNCH_PARAM_BUFFER_SIZE": paramSize,
		"CU_JIT_ERROR_LOG_BUFFER": jitErrorLog, "CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES": jitErrorLogSize,

		"CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK": funcThreads, "CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES": funcShared,
		"CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES": funcLocal, "CU_FUNC_ATTRIBUTE_NUM_REGS": funcRegisters,
		"CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES": funcDynamicBytes,

		"CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT": attrMultiprocessors, "CU_DEVICE_ATTRIBUTE_COMPUTE_MODE": attrMode,
		"CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE": attrL2, "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR": attrMajor,
		"CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR": attrMinor, "CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN": attrShared,

		"CU_GRAPH_NODE_TYPE_KERNEL": int64(KernelNode), "CU_GRAPH_NODE_TYPE_MEMCPY": int64(CopyNode), "CU_GRAPH_NODE_TYPE_MEMSET": int64(FillNode),

		// Node parameters may be longer here than there, where the library knows more of them.

		"offsetof(CUDA_KERNEL_NODE_PARAMS_v1, func)":                           int64(unsafe.Offsetof(k.function)),
		"offsetof(CUDA_KERNEL_NODE_PARAMS_v1, gridDimX)":                       int64(unsafe.Offsetof(k.grid)),
		"offsetof(CUDA_KERNEL_NODE_PARAMS_v1, gridDimZ)":                       int64(unsafe.Offsetof(k.grid)) + 8,
		"offsetof(CUDA_KERNEL_NODE_PARAMS_v1, blockDimX)":                      int64(unsafe.Offsetof(k.block)),
		"offsetof(CUDA_KERNEL_NODE_PARAMS_v1, sharedMemBytes)":                 int64(unsafe.Offsetof(k.shared)),
		"offsetof(CUDA_KERNEL_NODE_PARAMS_v1, extra)":                          int64(unsafe.Offsetof(k.extra)),
		fmt.Sprintf("sizeof(CUDA_KERNEL_NODE_PARAMS) <= %d", unsafe.Sizeof(k)): 1,

		"sizeof(CUresult)": 4, "sizeof(CUdevice)": 4, "sizeof(CUdeviceptr)": 8, "sizeof(CUjit_option)": 4, "sizeof(CUuuid)": 16,
	})
}

// Every error has the name that the header gives its number; those that it does not know
// are of a later version.
func TestHeaderNamesErrors(t *testing.T) {
	in := header.Find(t, "cuda.h")
	version := in.Values(t, []string{"CUDA_VERSION"})[0]
	later := map[int]int64{226: 12090, 721: 13050} // number: a version that has it
	want := map[string]int64{}
	for number, c := range codes {
		if version >= later[number] {
			want[c.name] = int64(number)
		}
	}
	in.Equal(t, want)
}
