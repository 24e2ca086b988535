package lt

import "fmt"

// Error is a status of the library that is not success.
type Error struct {
	Status int
	Call   string // the function that returned it
}

// statuses are the names of cublasStatus_t, and what can be done.
var statuses = map[int]struct{ name, remedy string }{
	1:  {"CUBLAS_STATUS_NOT_INITIALIZED", "the driver is too old for this cuBLASLt, or its files are of different versions: update the driver or install cuBLAS of its CUDA version"},
	3:  {"CUBLAS_STATUS_ALLOC_FAILED", "the library found no memory for itself: free some on the device"},
	7:  {"CUBLAS_STATUS_INVALID_VALUE", "a descriptor does not fit this version of the library: report it with the library's version"},
	8:  {"CUBLAS_STATUS_ARCH_MISMATCH", "this version has nothing for this GPU: install a newer cuBLAS"},
	11: {"CUBLAS_STATUS_MAPPING_ERROR", "the device's memory could not be reached"},
	13: {"CUBLAS_STATUS_EXECUTION_FAILED", "a kernel failed on the device: the driver's next error names the cause"},
	14: {"CUBLAS_STATUS_INTERNAL_ERROR", "the library failed: try another version of cuBLAS"},
	15: {"CUBLAS_STATUS_NOT_SUPPORTED", "the library has no such product for this GPU"},
	16: {"CUBLAS_STATUS_LICENSE_ERROR", "the library asks for a licence"},
}

// Error names function, status and remedy.
func (e *Error) Error() string {
	s, ok := statuses[e.Status]
	if !ok {
		return fmt.Sprintf("%s: cublasStatus_t %d", e.Call, e.Status)
	}
	return fmt.Sprintf("%s: %s (%d): %s", e.Call, s.name, e.Status, s.remedy)
}

// Refused says that the library does not compute a product: another way has to.
type Refused struct {
	Product Product
	Why     string
}

// Error names the product and the reason.
func (r *Refused) Error() string { return fmt.Sprintf("cuBLASLt: %v: %s", r.Product, r.Why) }
