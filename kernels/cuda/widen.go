package cuda

import (
	"fmt"
	"strings"

	"lamina/kernels/cuda/internal/drv"
	"lamina/tensor"
)

// widenPanel returns columns [j, j+n) of op(B) in type to, in scratch.
func (be *Backend) widenPanel(w right, to tensor.DType, j, n int) scratch {
	s := be.scratch(to.Bytes(n * w.k))
	if w.trans {
		row := w.dtype.Bytes(w.k)
		be.widenTo(s.Ptr, to, w.at+drv.Ptr(j*row), w.dtype, n, w.k, row)
	} else {
		be.widenTo(s.Ptr, to, w.at+drv.Ptr(w.dtype.Bytes(j)), w.dtype, w.k, n, w.dtype.Bytes(w.n))
	}
	return s
}

// wideners are the kernels of widen.cu by the types from and to, and the elements of a
// thread's run.
var wideners = func() map[[2]tensor.DType]widener {
	all := map[[2]tensor.DType]widener{}
	for _, from := range weightTypes {
		for _, to := range [...]tensor.DType{tensor.F32, tensor.BF16} {
			name := strings.ToLower(fmt.Sprintf("lamina_widen_%v_%v", from, to))
			all[[2]tensor.DType{from, to}] = widener{name, runOf(from)}
		}
	}
	return all
}()

type widener struct {
	kernel string
	run    int
}

// weightTypes are the types that a weight may have.
var weightTypes = [...]tensor.DType{
	tensor.F32, tensor.F64, tensor.F16, tensor.BF16,
	tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
}

// runOf is how many neighbours of a row a thread takes at a time (weights.cuh).
func runOf(d tensor.DType) int {
	switch d {
	case tensor.F32:
		return 4
	case tensor.F64:
		return 2
	case tensor.F16, tensor.BF16:
		return 8
	}
	return 32
}

// widenTo writes a matrix [rows cols], whose rows lie rowBytes apart, in another type, whole.
func (be *Backend) widenTo(dst drv.Ptr, to tensor.DType, src drv.Ptr, from tensor.DType, rows, cols, rowBytes int) {
	const threads = 128
	k := wideners[[2]tensor.DType{from, to}]
	l := be.start(k.kernel)
	l.ptr(dst)
	l.ptr(src)
	l.u64(uint64(rowBytes))
	l.u32(rows)
	l.u32(cols)
	l.launch(ceilDiv(rows*ceilDiv(cols, k.run), threads), threads)
}
