// Package tensor holds arrays of numbers on a device: a storage type, a shape
// and a place in the device's memory. It knows no arithmetic; package kernels
// computes, package autograd differentiates.
//
//	dev := ref.New()
//	x := tensor.MustFromFloats(dev, tensor.F32, []float64{1, 2, 3, 4, 5, 6}, 2, 3)
//	row := x.Slice(1, 2)        // [1 3], the same memory
//	flat := x.Reshape(6)        // [6], the same memory
//	fmt.Println(row.Floats())   // an explicit copy to the host
//
// Invariants: a tensor is contiguous and row-major, outermost axis first; it is
// a small value, copied freely; what it points to belongs to its device. Host
// access is always an explicit copy ([Tensor.Floats], [Tensor.SetFloats]), so that
// the same program runs where memory is not the host's.
package tensor
