package cuda

import "lamina/tensor"

// convertThreads is a block of the kernels of convert.cu, whose threads have eight
// elements each, or one in float64.
const convertThreads = 256

// converters are the kernels that write a type: F32 and F64 from any, the others from F32.
var converters = map[tensor.DType]string{
	tensor.F32: "lamina_convert_f32", tensor.F64: "lamina_convert_f64", tensor.F16: "lamina_round_f16", tensor.BF16: "lamina_round_bf16",
}

// Convert implements kernels.Backend. It is the one place where F64 is written: a
// conversion computes nothing.
func (be *Backend) Convert(y, x tensor.Tensor) {
	l := be.start(converters[y.DType()])
	l.tensor(y)
	l.tensor(x)
	l.u64(uint64(y.Len()))
	each := 8
	switch y.DType() {
	case tensor.F64:
		each = 1
		fallthrough
	case tensor.F32:
		l.u32(int(x.DType()))
	}
	l.launch(ceilDiv(y.Len(), each*convertThreads), convertThreads)
}
