package dry

import (
	"lamina/kernels"
	"lamina/tensor"
)

// The methods of kernels.Backend compute nothing.

func (*Backend) MatMul(kernels.MatMulArgs)                                      {}
func (*Backend) MatMuls([]kernels.MatMulArgs)                                   {}
func (*Backend) MatVec(kernels.MatMulArgs)                                      {}
func (*Backend) MatVecs([]kernels.MatMulArgs)                                   {}
func (*Backend) Unary(f kernels.Func, y, x tensor.Tensor)                       {}
func (*Backend) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor)          {}
func (*Backend) Gated(f kernels.Func, y, gate, up tensor.Tensor)                {}
func (*Backend) Binary(op kernels.BinaryOp, y, a, b tensor.Tensor)              {}
func (*Backend) AddScaled(y, x tensor.Tensor, s float64)                        {}
func (*Backend) Reduce(op kernels.ReduceOp, y, x tensor.Tensor)                 {}
func (*Backend) Fill(y tensor.Tensor, v float64)                                {}
func (*Backend) Convert(y, x tensor.Tensor)                                     {}
func (*Backend) Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int)         {}
func (*Backend) CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, a bool) {}
func (*Backend) Gather(y, table, ids tensor.Tensor)                             {}
func (*Backend) ScatterAdd(dTable, ids, dY tensor.Tensor)                       {}
func (*Backend) Dropout(kernels.DropoutArgs)                                    {}
func (*Backend) Softmax(y, x tensor.Tensor)                                     {}
func (*Backend) SoftmaxBackward(dX, dY, y tensor.Tensor)                        {}
func (*Backend) CrossEntropy(loss, lse, logits, targets tensor.Tensor)          {}
func (*Backend) ArgMax(ids, x tensor.Tensor)                                    {}
func (*Backend) LayerNorm(kernels.NormArgs)                                     {}
func (*Backend) LayerNormBackward(kernels.NormGrads)                            {}
func (*Backend) RMSNorm(kernels.NormArgs)                                       {}
func (*Backend) RMSNormBackward(kernels.NormGrads)                              {}
func (*Backend) RoPE(kernels.RoPEArgs)                                          {}
func (*Backend) Attention(kernels.AttentionArgs)                                {}
func (*Backend) AttentionBackward(kernels.AttentionGrads)                       {}
func (*Backend) AttentionDecode(kernels.AttentionArgs)                          {}
func (*Backend) SumSquares(sum, x tensor.Tensor)                                {}
func (*Backend) ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64)       {}
func (*Backend) AdamW(kernels.AdamWArgs)                                        {}

func (*Backend) GatedBackward(f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor)    {}
func (*Backend) CrossEntropyBackward(dLogits, logits, lse, targets, dLoss tensor.Tensor) {}
func (*Backend) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor)    {}
