package kernels

import "lamina/tensor"

// Losses are softmax, what is built on it, and the place of the largest element; the functions of the same names say what each computes.
type Losses interface {
	Softmax(y, x tensor.Tensor)
	SoftmaxBackward(dX, dY, y tensor.Tensor)
	LogSoftmax(y, x tensor.Tensor)
	LogSoftmaxBackward(dX, dY, y tensor.Tensor)
	CrossEntropy(loss, lse, logits, targets tensor.Tensor)
	CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor)
	ArgMax(ids, x tensor.Tensor)
}

// Softmax computes y = exp(x - max) / Σ exp(x - max) over the last axis. y may
// alias x. A row with a NaN or +Inf becomes NaN, and so does a row of -Inf only.
func Softmax(be Backend, y, x tensor.Tensor) {
	const op = "Softmax"
	wantReal(op, "y", y)
	wantLike(op, "x", x, "y", y)
	wantWhole(op, "y", y, "x", x)
	be.Softmax(y, x)
}

// SoftmaxBackward computes dX = y·(dY - Σ dY·y) over the last axis, y being the
// result of [Softmax]. dX may alias dY.
func SoftmaxBackward(be Backend, dX, dY, y tensor.Tensor) {
	const op = "SoftmaxBackward"
	wantReal(op, "dX", dX)
	wantLike(op, "dY", dY, "dX", dX)
	wantLike(op, "y", y, "dX", dX)
	wantWhole(op, "dX", dX, "dY", dY)
	wantApart(op, "dX", dX, "y", y)
	be.SoftmaxBackward(dX, dY, y)
}

// LogSoftmax computes y = x - log Σ exp(x) over the last axis. y may alias x. A row with
// a NaN or +Inf becomes NaN, and so does a row of -Inf only.
func LogSoftmax(be Backend, y, x tensor.Tensor) {
	const op = "LogSoftmax"
	wantReal(op, "y", y)
	wantLike(op, "x", x, "y", y)
	wantWhole(op, "y", y, "x", x)
	be.LogSoftmax(y, x)
}

// LogSoftmaxBackward computes dX = dY - exp(y)·Σ dY over the last axis, y being the
// result of [LogSoftmax]. dX may alias dY.
func LogSoftmaxBackward(be Backend, dX, dY, y tensor.Tensor) {
	const op = "LogSoftmaxBackward"
	wantReal(op, "dX", dX)
	wantLike(op, "dY", dY, "dX", dX)
	wantLike(op, "y", y, "dX", dX)
	wantWhole(op, "dX", dX, "dY", dY)
	wantApart(op, "dX", dX, "y", y)
	be.LogSoftmaxBackward(dX, dY, y)
}

// CrossEntropy computes for each row of logits [R V]
//
//	lse[r] = log Σ_v exp(logits[r,v]);  loss[r] = lse[r] - logits[r,targets[r]]
//
// the negative log-probability of the target. targets is I32 [R]; an id outside
// [0, V) panics, or is an error at Sync. loss and lse are [R].
func CrossEntropy(be Backend, loss, lse, logits, targets tensor.Tensor) {
	const op = "CrossEntropy"
	wantReal(op, "logits", logits)
	rows := logits.Rows()
	wantVector(op, "loss", loss, logits.DType(), rows)
	wantVector(op, "lse", lse, logits.DType(), rows)
	wantVector(op, "targets", targets, tensor.I32, rows)
	wantApart(op, "loss", loss, "lse", lse)
	wantApart(op, "loss", loss, "logits", logits)
	wantApart(op, "lse", lse, "logits", logits)
	wantApart(op, "loss", loss, "targets", targets)
	wantApart(op, "lse", lse, "targets", targets)
	be.CrossEntropy(loss, lse, logits, targets)
}

// CrossEntropyGrad computes the loss of [CrossEntropy] and its gradient at once: one
// exponential a logit, where the gradient of the loss is known before the loss. From
// a stored lse, rounded, a common offset of the logits would cost the gradient digits.
//
//	loss[r] = log Σ_v exp(logits[r,v]) - logits[r,targets[r]]
//	dLogits[r,v] = (exp(logits[r,v])/Σ exp(logits[r]) - [v = targets[r]])·dLoss[r]
//
// dLogits may alias logits. A target outside [0, V) panics, or is an error at Sync.
func CrossEntropyGrad(be Backend, loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	const op = "CrossEntropyGrad"
	wantReal(op, "dLogits", dLogits)
	wantLike(op, "logits", logits, "dLogits", dLogits)
	rows := logits.Rows()
	wantVector(op, "loss", loss, logits.DType(), rows)
	wantVector(op, "targets", targets, tensor.I32, rows)
	wantVector(op, "dLoss", dLoss, logits.DType(), rows)
	wantWhole(op, "dLogits", dLogits, "logits", logits)
	for _, o := range [...]struct {
		name string
		t    tensor.Tensor
	}{{"dLogits", dLogits}, {"logits", logits}, {"targets", targets}, {"dLoss", dLoss}} {
		wantApart(op, "loss", loss, o.name, o.t)
	}
	wantApart(op, "dLogits", dLogits, "targets", targets)
	wantApart(op, "dLogits", dLogits, "dLoss", dLoss)
	be.CrossEntropyGrad(loss, dLogits, logits, targets, dLoss)
}

// ArgMax writes the place of each row's first maximum to ids, I32 [N]. NaN
// never wins; a row of NaN only gives 0.
func ArgMax(be Backend, ids, x tensor.Tensor) {
	const op = "ArgMax"
	wantReal(op, "x", x)
	wantVector(op, "ids", ids, tensor.I32, x.Rows())
	if x.Cols() == 0 && x.Rows() > 0 {
		fail(op, "rows are empty", "x", x)
	}
	wantApart(op, "ids", ids, "x", x)
	be.ArgMax(ids, x)
}
