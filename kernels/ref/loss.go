package ref

import (
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// logSumExp returns the two terms of log Σ exp(x) = top + rest, the first of which is
// the maximum: as one number large ones would lose the rest.
func logSumExp[T real](x []T) (top, rest float64) {
	top = math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	if math.IsInf(top, -1) {
		return top, top // of nothing but -Inf
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top, math.Log(sum)
}

// Softmax implements kernels.Softmax.
func (*Backend) Softmax(y, x tensor.Tensor) {
	if isF64(y) {
		softmax[float64](y, x)
	} else {
		softmax[float32](y, x)
	}
}

func softmax[T real](y, x tensor.Tensor) {
	out, in, n := floats[T](y), floats[T](x), x.Cols()
	for r := range x.Rows() {
		softmaxRow(out[r*n:(r+1)*n], in[r*n:(r+1)*n])
	}
}

// softmaxRow writes exp(x - max)/Σ exp(x - max) to out, which may be x.
func softmaxRow[T real](out, x []T) {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	e, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		e[i] = math.Exp(float64(v) - top)
		sum += e[i]
	}
	for i, v := range e {
		out[i] = T(v / sum)
	}
}

// SoftmaxBackward implements kernels.SoftmaxBackward.
func (*Backend) SoftmaxBackward(dX, dY, y tensor.Tensor) {
	if isF64(dX) {
		softmaxBackward[float64](dX, dY, y)
	} else {
		softmaxBackward[float32](dX, dY, y)
	}
}

func softmaxBackward[T real](dX, dY, y tensor.Tensor) {
	out, n := floats[T](dX), y.Cols()
	for r := range y.Rows() {
		g, p := floats[T](dY)[r*n:(r+1)*n], floats[T](y)[r*n:(r+1)*n]
		sum := dot(g, p)
		for i, v := range p {
			out[r*n+i] = T(float64(v) * (float64(g[i]) - sum))
		}
	}
}

// LogSoftmax implements kernels.LogSoftmax.
func (*Backend) LogSoftmax(y, x tensor.Tensor) {
	if isF64(y) {
		logSoftmax[float64](y, x)
	} else {
		logSoftmax[float32](y, x)
	}
}

func logSoftmax[T real](y, x tensor.Tensor) {
	out, in, n := floats[T](y), floats[T](x), x.Cols()
	for r := range x.Rows() {
		row := in[r*n : (r+1)*n]
		top, rest := logSumExp(row)
		for i, v := range row {
			out[r*n+i] = T(float64(v) - top - rest)
		}
	}
}

// LogSoftmaxBackward implements kernels.LogSoftmaxBackward.
func (*Backend) LogSoftmaxBackward(dX, dY, y tensor.Tensor) {
	if isF64(dX) {
		logSoftmaxBackward[float64](dX, dY, y)
	} else {
		logSoftmaxBackward[float32](dX, dY, y)
	}
}

func logSoftmaxBackward[T real](dX, dY, y tensor.Tensor) {
	out, n := floats[T](dX), y.Cols()
	for r := range y.Rows() {
		g, sum := floats[T](dY)[r*n:(r+1)*n], 0.0
		for _, v := range g {
			sum += float64(v)
		}
		for i, v := range floats[T](y)[r*n : (r+1)*n] {
			out[r*n+i] = T(float64(g[i]) - math.Exp(float64(v))*sum)
		}
	}
}

// CrossEntropy implements kernels.CrossEntropy.
func (*Backend) CrossEntropy(loss, lse, logits, targets tensor.Tensor) {
	if isF64(logits) {
		crossEntropy[float64](loss, lse, logits, targets)
	} else {
		crossEntropy[float32](loss, lse, logits, targets)
	}
}

func crossEntropy[T real](loss, lse, logits, targets tensor.Tensor) {
	losses, sums, x, v := floats[T](loss), floats[T](lse), floats[T](logits), logits.Cols()
	for r, id := range tensor.HostInts(targets) {
		kernels.WantID("CrossEntropy", r, id, v)
		row := x[r*v : (r+1)*v]
		top, rest := logSumExp(row)
		sums[r] = T(top + rest)
		losses[r] = T(top - float64(row[id]) + rest)
	}
}

// CrossEntropyGrad implements kernels.CrossEntropyGrad.
func (*Backend) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	if isF64(logits) {
		crossEntropyGrad[float64](loss, dLogits, logits, targets, dLoss)
	} else {
		crossEntropyGrad[float32](loss, dLogits, logits, targets, dLoss)
	}
}

func crossEntropyGrad[T real](loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	losses, out, x, g, n := floats[T](loss), floats[T](dLogits), floats[T](logits), floats[T](dLoss), logits.Cols()
	for r, id := range tensor.HostInts(targets) {
		kernels.WantID("CrossEntropyGrad", r, id, n)
		row := x[r*n : (r+1)*n]
		top, rest := logSumExp(row)
		losses[r] = T(top - float64(row[id]) + rest)
		for i, v := range row {
			p := math.Exp(float64(v) - top - rest)
			if i == int(id) {
				p--
			}
			out[r*n+i] = T(p * float64(g[r]))
		}
	}
}

// ArgMax implements kernels.ArgMax.
func (*Backend) ArgMax(ids, x tensor.Tensor) {
	if isF64(x) {
		argMax[float64](ids, x)
	} else {
		argMax[float32](ids, x)
	}
}

func argMax[T real](ids, x tensor.Tensor) {
	out, in, n := tensor.HostInts(ids), floats[T](x), x.Cols()
	for r := range out {
		row, best := in[r*n:(r+1)*n], -1
		for i, v := range row {
			if v == v && (best < 0 || v > row[best]) {
				best = i
			}
		}
		out[r] = int32(max(best, 0))
	}
}
