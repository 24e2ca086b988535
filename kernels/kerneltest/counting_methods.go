package kerneltest

import (
	"lamina/kernels"
	"lamina/tensor"
)

// Unary implements kernels.Backend.
func (c *Counting) Unary(f kernels.Func, y, x tensor.Tensor) {
	c.count("Unary")
	c.Backend.Unary(f, y, x)
}

// UnaryBackward implements kernels.Backend.
func (c *Counting) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor) {
	c.count("UnaryBackward")
	c.Backend.UnaryBackward(f, dX, dY, x)
}

// Gated implements kernels.Backend.
func (c *Counting) Gated(f kernels.Func, y, gate, up tensor.Tensor) {
	c.count("Gated")
	c.Backend.Gated(f, y, gate, up)
}

// GatedBackward implements kernels.Backend.
func (c *Counting) GatedBackward(f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	c.count("GatedBackward")
	c.Backend.GatedBackward(f, dGate, dUp, dY, gate, up)
}

// Binary implements kernels.Backend.
func (c *Counting) Binary(op kernels.BinaryOp, y, a, b tensor.Tensor) {
	c.count("Binary")
	c.Backend.Binary(op, y, a, b)
}

// AddScaled implements kernels.Backend.
func (c *Counting) AddScaled(y, x tensor.Tensor, s float64) {
	c.count("AddScaled")
	c.Backend.AddScaled(y, x, s)
}

// Reduce implements kernels.Backend.
func (c *Counting) Reduce(op kernels.ReduceOp, y, x tensor.Tensor) {
	c.count("Reduce")
	c.Backend.Reduce(op, y, x)
}

// Fill implements kernels.Backend.
func (c *Counting) Fill(y tensor.Tensor, v float64) {
	c.count("Fill")
	c.Backend.Fill(y, v)
}

// Convert implements kernels.Backend.
func (c *Counting) Convert(y, x tensor.Tensor) {
	c.count("Convert")
	c.Backend.Convert(y, x)
}

// Transpose implements kernels.Backend.
func (c *Counting) Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int) {
	c.count("Transpose")
	c.Backend.Transpose(y, x, perm)
}

// CopyAxis implements kernels.Backend.
func (c *Counting) CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	c.count("CopyAxis")
	c.Backend.CopyAxis(y, x, axis, yFrom, xFrom, n, add)
}

// Gather implements kernels.Backend.
func (c *Counting) Gather(y, table, ids tensor.Tensor) {
	c.count("Gather")
	c.Backend.Gather(y, table, ids)
}

// ScatterAdd implements kernels.Backend.
func (c *Counting) ScatterAdd(dTable, ids, dY tensor.Tensor) {
	c.count("ScatterAdd")
	c.Backend.ScatterAdd(dTable, ids, dY)
}

// Dropout implements kernels.Backend.
func (c *Counting) Dropout(a kernels.DropoutArgs) {
	c.count("Dropout")
	c.Backend.Dropout(a)
}

// Softmax implements kernels.Backend.
func (c *Counting) Softmax(y, x tensor.Tensor) {
	c.count("Softmax")
	c.Backend.Softmax(y, x)
}

// SoftmaxBackward implements kernels.Backend.
func (c *Counting) SoftmaxBackward(dX, dY, y tensor.Tensor) {
	c.count("SoftmaxBackward")
	c.Backend.SoftmaxBackward(dX, dY, y)
}

// CrossEntropy implements kernels.Backend.
func (c *Counting) CrossEntropy(loss, lse, logits, targets tensor.Tensor) {
	c.count("CrossEntropy")
	c.Backend.CrossEntropy(loss, lse, logits, targets)
}

// CrossEntropyBackward implements kernels.Backend.
func (c *Counting) CrossEntropyBackward(dLogits, logits, lse, targets, dLoss tensor.Tensor) {
	c.count("CrossEntropyBackward")
	c.Backend.CrossEntropyBackward(dLogits, logits, lse, targets, dLoss)
}

// CrossEntropyGrad implements kernels.Backend.
func (c *Counting) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	c.count("CrossEntropyGrad")
	c.Backend.CrossEntropyGrad(loss, dLogits, logits, targets, dLoss)
}

// ArgMax implements kernels.Backend.
func (c *Counting) ArgMax(ids, x tensor.Tensor) {
	c.count("ArgMax")
	c.Backend.ArgMax(ids, x)
}

// LayerNorm implements kernels.Backend.
func (c *Counting) LayerNorm(a kernels.NormArgs) {
	c.count("LayerNorm")
	c.Backend.LayerNorm(a)
}

// LayerNormBackward implements kernels.Backend.
func (c *Counting) LayerNormBackward(a kernels.NormGrads) {
	c.count("LayerNormBackward")
	c.Backend.LayerNormBackward(a)
}

// RMSNorm implements kernels.Backend.
func (c *Counting) RMSNorm(a kernels.NormArgs) {
	c.count("RMSNorm")
	c.Backend.RMSNorm(a)
}

// RMSNormBackward implements kernels.Backend.
func (c *Counting) RMSNormBackward(a kernels.NormGrads) {
	c.count("RMSNormBackward")
	c.Backend.RMSNormBackward(a)
}

// RoPE implements kernels.Backend.
func (c *Counting) RoPE(a kernels.RoPEArgs) {
	c.count("RoPE")
	c.Backend.RoPE(a)
}

// SumSquares implements kernels.Backend.
func (c *Counting) SumSquares(sum, x tensor.Tensor) {
	c.count("SumSquares")
	c.Backend.SumSquares(sum, x)
}

// ClipCoefficient implements kernels.Backend.
func (c *Counting) ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64) {
	c.count("ClipCoefficient")
	c.Backend.ClipCoefficient(coef, sum, maxNorm)
}

// AdamW implements kernels.Backend.
func (c *Counting) AdamW(a kernels.AdamWArgs) {
	c.count("AdamW")
	c.Backend.AdamW(a)
}
