package cuda

import (
	"encoding/binary"
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// squaresRun is how many elements one partial sum of SumSquares covers, as optim.cu has it.
const squaresRun = 16384

// SumSquares implements kernels.Backend: runs of constant length, then a tree over them.
func (be *Backend) SumSquares(sum, x tensor.Tensor) {
	mustF32("SumSquares", x)
	if x.Len() == 0 {
		return
	}
	const threads = 256
	count := ceilDiv(x.Len(), squaresRun)
	parts := be.scratch(8 * count)
	l := be.start("lamina_squares")
	l.ptr(parts.Ptr)
	l.tensor(x)
	l.u64(uint64(x.Len()))
	l.launch(count, threads)

	l = be.start("lamina_squares_sum")
	l.tensor(sum)
	l.ptr(parts.Ptr)
	l.u32(count)
	l.launch(1, threads)
	parts.free()
}

// ClipCoefficient implements kernels.Backend.
func (be *Backend) ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64) {
	mustF32("ClipCoefficient", coef)
	l := be.start("lamina_clip_coefficient")
	l.tensor(coef)
	l.tensor(sum)
	l.f64(maxNorm)
	l.launch(1, 1)
}

// AdamW implements kernels.Backend: with the constants, and the roundings, of the host's.
func (be *Backend) AdamW(a kernels.AdamWArgs) {
	mustF32("AdamW", a.W)
	const threads, each = 256, 4
	step := adamWStep(a)
	l := be.start("lamina_adamw")
	l.tensor(a.W)
	l.tensor(a.Grad)
	l.tensor(a.M)
	l.tensor(a.V)
	l.tensor(a.Coef)
	l.u64(uint64(a.W.Len()))
	l.bytes(step[:])
	l.launch(ceilDiv(a.W.Len(), threads*each), threads)
}

// adamWStep returns the struct AdamWStep of optim.cu.
func adamWStep(a kernels.AdamWArgs) (step [32]byte) {
	t := float64(a.Step)
	for i, v := range [...]float64{
		1 - a.LR*a.WeightDecay,                // decay
		a.Beta2,                               // beta2
		1 - a.Beta1,                           // rest1
		1 - a.Beta2,                           // rest2
		a.LR / (1 - math.Pow(a.Beta1, t)),     // size
		1 / math.Sqrt(1-math.Pow(a.Beta2, t)), // correction
		a.Eps,
	} {
		binary.LittleEndian.PutUint32(step[4*i:], math.Float32bits(float32(v)))
	}
	binary.LittleEndian.PutUint32(step[28:], uint32(number(a.ZeroGrad)))
	return step
}
