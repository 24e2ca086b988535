package profile

import (
	"lamina/kernels"
	"lamina/tensor"
)

// MatMul implements kernels.Backend.
func (p *Backend) MatMul(a kernels.MatMulArgs) {
	defer p.measure("MatMul")()
	p.Backend.MatMul(a)
}

// MatMuls implements kernels.Backend.
func (p *Backend) MatMuls(products []kernels.MatMulArgs) {
	defer p.measure("MatMuls")()
	p.Backend.MatMuls(products)
}

// MatVec implements kernels.Backend.
func (p *Backend) MatVec(a kernels.MatMulArgs) {
	defer p.measure("MatVec")()
	p.Backend.MatVec(a)
}

// MatVecs implements kernels.Backend.
func (p *Backend) MatVecs(products []kernels.MatMulArgs) {
	defer p.measure("MatVecs")()
	p.Backend.MatVecs(products)
}

// Unary implements kernels.Backend.
func (p *Backend) Unary(f kernels.Func, y, x tensor.Tensor) {
	defer p.measure("Unary")()
	p.Backend.Unary(f, y, x)
}

// UnaryBackward implements kernels.Backend.
func (p *Backend) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor) {
	defer p.measure("UnaryBackward")()
	p.Backend.UnaryBackward(f, dX, dY, x)
}

// Gated implements kernels.Backend.
func (p *Backend) Gated(f kernels.Func, y, gate, up tensor.Tensor) {
	defer p.measure("Gated")()
	p.Backend.Gated(f, y, gate, up)
}

// GatedBackward implements kernels.Backend.
func (p *Backend) GatedBackward(f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	defer p.measure("GatedBackward")()
	p.Backend.GatedBackward(f, dGate, dUp, dY, gate, up)
}

// Binary implements kernels.Backend.
func (p *Backend) Binary(op kernels.BinaryOp, y, a, b tensor.Tensor) {
	defer p.measure("Binary")()
	p.Backend.Binary(op, y, a, b)
}

// AddScaled implements kernels.Backend.
func (p *Backend) AddScaled(y, x tensor.Tensor, s float64) {
	defer p.measure("AddScaled")()
	p.Backend.AddScaled(y, x, s)
}

// Reduce implements kernels.Backend.
func (p *Backend) Reduce(op kernels.ReduceOp, y, x tensor.Tensor) {
	defer p.measure("Reduce")()
	p.Backend.Reduce(op, y, x)
}

// Fill implements kernels.Backend.
func (p *Backend) Fill(y tensor.Tensor, v float64) {
	defer p.measure("Fill")()
	p.Backend.Fill(y, v)
}

// Convert implements kernels.Backend.
func (p *Backend) Convert(y, x tensor.Tensor) {
	defer p.measure("Convert")()
	p.Backend.Convert(y, x)
}

// Transpose implements kernels.Backend.
func (p *Backend) Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int) {
	defer p.measure("Transpose")()
	p.Backend.Transpose(y, x, perm)
}

// CopyAxis implements kernels.Backend.
func (p *Backend) CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	defer p.measure("CopyAxis")()
	p.Backend.CopyAxis(y, x, axis, yFrom, xFrom, n, add)
}

// Gather implements kernels.Backend.
func (p *Backend) Gather(y, table, ids tensor.Tensor) {
	defer p.measure("Gather")()
	p.Backend.Gather(y, table, ids)
}

// ScatterAdd implements kernels.Backend.
func (p *Backend) ScatterAdd(dTable, ids, dY tensor.Tensor) {
	defer p.measure("ScatterAdd")()
	p.Backend.ScatterAdd(dTable, ids, dY)
}

// Dropout implements kernels.Backend.
func (p *Backend) Dropout(a kernels.DropoutArgs) {
	defer p.measure("Dropout")()
	p.Backend.Dropout(a)
}

// Softmax implements kernels.Backend.
func (p *Backend) Softmax(y, x tensor.Tensor) {
	defer p.measure("Softmax")()
	p.Backend.Softmax(y, x)
}

// SoftmaxBackward implements kernels.Backend.
func (p *Backend) SoftmaxBackward(dX, dY, y tensor.Tensor) {
	defer p.measure("SoftmaxBackward")()
	p.Backend.SoftmaxBackward(dX, dY, y)
}

// CrossEntropy implements kernels.Backend.
func (p *Backend) CrossEntropy(loss, lse, logits, targets tensor.Tensor) {
	defer p.measure("CrossEntropy")()
	p.Backend.CrossEntropy(loss, lse, logits, targets)
}

// CrossEntropyBackward implements kernels.Backend.
func (p *Backend) CrossEntropyBackward(dLogits, logits, lse, targets, dLoss tensor.Tensor) {
	defer p.measure("CrossEntropyBackward")()
	p.Backend.CrossEntropyBackward(dLogits, logits, lse, targets, dLoss)
}

// CrossEntropyGrad implements kernels.Backend.
func (p *Backend) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	defer p.measure("CrossEntropyGrad")()
	p.Backend.CrossEntropyGrad(loss, dLogits, logits, targets, dLoss)
}

// ArgMax implements kernels.Backend.
func (p *Backend) ArgMax(ids, x tensor.Tensor) {
	defer p.measure("ArgMax")()
	p.Backend.ArgMax(ids, x)
}

// LayerNorm implements kernels.Backend.
func (p *Backend) LayerNorm(a kernels.NormArgs) {
	defer p.measure("LayerNorm")()
	p.Backend.LayerNorm(a)
}

// LayerNormBackward implements kernels.Backend.
func (p *Backend) LayerNormBackward(a kernels.NormGrads) {
	defer p.measure("LayerNormBackward")()
	p.Backend.LayerNormBackward(a)
}

// RMSNorm implements kernels.Backend.
func (p *Backend) RMSNorm(a kernels.NormArgs) {
	defer p.measure("RMSNorm")()
	p.Backend.RMSNorm(a)
}

// RMSNormBackward implements kernels.Backend.
func (p *Backend) RMSNormBackward(a kernels.NormGrads) {
	defer p.measure("RMSNormBackward")()
	p.Backend.RMSNormBackward(a)
}

// RoPE implements kernels.Backend.
func (p *Backend) RoPE(a kernels.RoPEArgs) {
	defer p.measure("RoPE")()
	p.Backend.RoPE(a)
}

// Attention implements kernels.Backend.
func (p *Backend) Attention(a kernels.AttentionArgs) {
	defer p.measure("Attention")()
	p.Backend.Attention(a)
}

// AttentionBackward implements kernels.Backend.
func (p *Backend) AttentionBackward(a kernels.AttentionGrads) {
	defer p.measure("AttentionBackward")()
	p.Backend.AttentionBackward(a)
}

// AttentionDecode implements kernels.Backend.
func (p *Backend) AttentionDecode(a kernels.AttentionArgs) {
	defer p.measure("AttentionDecode")()
	p.Backend.AttentionDecode(a)
}

// SumSquares implements kernels.Backend.
func (p *Backend) SumSquares(sum, x tensor.Tensor) {
	defer p.measure("SumSquares")()
	p.Backend.SumSquares(sum, x)
}

// ClipCoefficient implements kernels.Backend.
func (p *Backend) ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64) {
	defer p.measure("ClipCoefficient")()
	p.Backend.ClipCoefficient(coef, sum, maxNorm)
}

// AdamW implements kernels.Backend.
func (p *Backend) AdamW(a kernels.AdamWArgs) {
	defer p.measure("AdamW")()
	p.Backend.AdamW(a)
}
