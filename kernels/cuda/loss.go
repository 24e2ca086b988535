package cuda

import "lamina/tensor"

// rowwise launches a kernel of one block a row on tensors and the length of a row.
func (be *Backend) rowwise(kernel string, rows, cols int, operands ...tensor.Tensor) {
	l := be.start(kernel)
	for _, t := range operands {
		l.tensor(t)
	}
	l.u32(cols)
	l.launch(rows, rowThreads(cols))
}

// Softmax implements kernels.Backend.
func (be *Backend) Softmax(y, x tensor.Tensor) {
	mustF32("Softmax", y)
	be.rowwise("lamina_softmax", x.Rows(), x.Cols(), y, x)
}

// SoftmaxBackward implements kernels.Backend.
func (be *Backend) SoftmaxBackward(dX, dY, y tensor.Tensor) {
	mustF32("SoftmaxBackward", dX)
	be.rowwise("lamina_softmax_backward", y.Rows(), y.Cols(), dX, dY, y)
}

// LogSoftmax implements kernels.Backend.
func (be *Backend) LogSoftmax(y, x tensor.Tensor) {
	mustF32("LogSoftmax", y)
	be.rowwise("lamina_log_softmax", x.Rows(), x.Cols(), y, x)
}

// LogSoftmaxBackward implements kernels.Backend.
func (be *Backend) LogSoftmaxBackward(dX, dY, y tensor.Tensor) {
	mustF32("LogSoftmaxBackward", dX)
	be.rowwise("lamina_log_softmax_backward", y.Rows(), y.Cols(), dX, dY, y)
}

// ArgMax implements kernels.Backend.
func (be *Backend) ArgMax(ids, x tensor.Tensor) {
	mustF32("ArgMax", x)
	be.rowwise("lamina_arg_max", x.Rows(), x.Cols(), ids, x)
}

// CrossEntropy implements kernels.Backend. A target that is none is an error at Sync.
func (be *Backend) CrossEntropy(loss, lse, logits, targets tensor.Tensor) {
	mustF32("CrossEntropy", logits)
	l := be.start("lamina_cross_entropy")
	l.tensor(loss)
	l.tensor(lse)
	l.tensor(logits)
	l.tensor(targets)
	l.ptr(be.faultPtr())
	l.u32(logits.Cols())
	l.launch(logits.Rows(), rowThreads(logits.Cols()))
}

// CrossEntropyGrad implements kernels.Backend. A target that is none is an error at Sync.
func (be *Backend) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	mustF32("CrossEntropyGrad", dLogits)
	l := be.start("lamina_cross_entropy_grad")
	l.tensor(loss)
	l.tensor(dLogits)
	l.tensor(logits)
	l.tensor(targets)
	l.tensor(dLoss)
	l.ptr(be.faultPtr())
	l.u32(logits.Cols())
	l.launch(logits.Rows(), rowThreads(logits.Cols()))
}

// LogitBytes is what [kernels.LogitBytes] says: 512 MiB, two thousand rows of a vocabulary
// of 65,536, which keep all of a large GPU busy, and at most a 64th of its memory.
func (be *Backend) LogitBytes() int {
	const most, part = 512 << 20, 64
	return int(min(most, be.dev.info.Memory/part))
}
