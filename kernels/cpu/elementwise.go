package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Unary implements kernels.Backend.
func (be *Backend) Unary(f kernels.Func, y, x tensor.Tensor) {
	mustF32("Unary", y)
	out, in, apply := f32(y), f32(x), functionOf(f)
	be.eachRun(len(out), costOf(f), func(from, to int) {
		apply(out[from:to], in[from:to])
	})
}

// UnaryBackward implements kernels.Backend.
func (be *Backend) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor) {
	mustF32("UnaryBackward", dX)
	out, grad, in, slope := f32(dX), f32(dY), f32(x), slopeOf(f)
	be.eachRun(len(out), costOf(f), func(from, to int) {
		slope(out[from:to], grad[from:to], in[from:to])
	})
}

// Gated implements kernels.Backend.
func (be *Backend) Gated(f kernels.Func, y, gate, up tensor.Tensor) {
	mustF32("Gated", y)
	out, g, u := f32(y), f32(gate), f32(up)
	if f == kernels.SiLU {
		be.eachRun(len(out), expensive, func(from, to int) {
			simd.SiLUMul(out[from:to], g[from:to], u[from:to])
		})
		return
	}
	apply := functionOf(f)
	be.eachRun(len(out), costOf(f), func(from, to int) {
		apply(out[from:to], g[from:to])
		simd.Mul(out[from:to], out[from:to], u[from:to])
	})
}

// GatedBackward implements kernels.Backend.
func (be *Backend) GatedBackward(f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	mustF32("GatedBackward", dGate)
	dg, du, dy, g, u := f32(dGate), f32(dUp), f32(dY), f32(gate), f32(up)
	if f == kernels.SiLU {
		be.eachRun(len(dy), expensive, func(from, to int) {
			simd.SiLUMulBackward(dg[from:to], du[from:to], dy[from:to], g[from:to], u[from:to])
		})
		return
	}
	apply, slope := functionOf(f), slopeOf(f)
	be.eachRun(len(dy), costOf(f), func(from, to int) {
		apply(du[from:to], g[from:to])
		simd.Mul(du[from:to], du[from:to], dy[from:to])
		simd.Mul(dg[from:to], dy[from:to], u[from:to])
		slope(dg[from:to], dg[from:to], g[from:to])
	})
}

// AddScaled implements kernels.Backend.
func (be *Backend) AddScaled(y, x tensor.Tensor, s float64) {
	mustF32("AddScaled", y)
	out, in, a := f32(y), f32(x), float32(s)
	be.eachRun(len(out), cheap, func(from, to int) {
		simd.Axpy(out[from:to], in[from:to], a)
	})
}

// Fill implements kernels.Backend.
func (be *Backend) Fill(y tensor.Tensor, v float64) {
	mustF32("Fill", y)
	out, a := f32(y), float32(v)
	be.eachRun(len(out), cheap, func(from, to int) { fill(out[from:to], a) })
}

func fill(dst []float32, v float32) {
	if math.Float32bits(v) == 0 {
		clear(dst)
		return
	}
	for i := range dst {
		dst[i] = v
	}
}

// Convert implements kernels.Backend.
func (be *Backend) Convert(y, x tensor.Tensor) {
	if y.DType() == tensor.F64 {
		mustF32("Convert", y)
	}
	d, raw := x.DType(), tensor.HostBytes(x)
	if y.DType() == tensor.F32 {
		out := f32(y)
		be.eachRun(len(out), cheap, func(from, to int) {
			simd.Decode(out[from:to], raw[d.Bytes(from):d.Bytes(to)], d)
		})
		return
	}
	in, to16, out := f32(x), y.DType(), tensor.HostBytes(y)
	be.eachRun(len(in), expensive, func(from, to int) {
		tensor.EncodeF32(out[to16.Bytes(from):to16.Bytes(to)], in[from:to], to16)
	})
}

func costOf(f kernels.Func) int {
	switch f {
	case kernels.Identity, kernels.ReLU, kernels.Square, kernels.Neg:
		return cheap
	}
	return expensive
}

// functionOf returns the loop dst[i] = f(x[i]).
func functionOf(f kernels.Func) func(dst, x []float32) {
	return [kernels.NumFuncs]func(dst, x []float32){
		kernels.Identity: func(dst, x []float32) { copy(dst, x) },
		kernels.ReLU:     simd.ReLU,
		kernels.GELU:     simd.GELU,
		kernels.GELUTanh: simd.GELUTanh,
		kernels.SiLU:     simd.SiLU,
		kernels.Tanh:     simd.Tanh,
		kernels.Sigmoid:  simd.Sigmoid,
		kernels.Exp:      simd.Exp,
		kernels.Log: func(dst, x []float32) {
			for i, v := range x {
				dst[i] = float32(math.Log(float64(v)))
			}
		},
		kernels.Sqrt: func(dst, x []float32) {
			for i, v := range x {
				dst[i] = float32(math.Sqrt(float64(v)))
			}
		},
		kernels.Square: func(dst, x []float32) { simd.Mul(dst, x, x) },
		kernels.Neg:    func(dst, x []float32) { simd.Scale(dst, x, -1) },
	}[f]
}

// slopeOf returns the loop dst[i] = dy[i]·f'(x[i]). dst may be dy.
func slopeOf(f kernels.Func) func(dst, dy, x []float32) {
	return [kernels.NumFuncs]func(dst, dy, x []float32){
		kernels.Identity: func(dst, dy, _ []float32) { copy(dst, dy) },
		kernels.ReLU:     simd.ReLUBackward,
		kernels.GELU:     simd.GELUBackward,
		kernels.GELUTanh: simd.GELUTanhBackward,
		kernels.SiLU:     simd.SiLUBackward,
		kernels.Tanh:     simd.TanhBackward,
		kernels.Sigmoid:  simd.SigmoidBackward,
		kernels.Exp:      expSlope,
		kernels.Log: func(dst, dy, x []float32) {
			for i, v := range x {
				dst[i] = dy[i] / v
			}
		},
		kernels.Sqrt: func(dst, dy, x []float32) {
			for i, v := range x {
				dst[i] = dy[i] * (0.5 / float32(math.Sqrt(float64(v))))
			}
		},
		kernels.Square: func(dst, dy, x []float32) {
			for i, v := range x {
				dst[i] = dy[i] * (v + v)
			}
		},
		kernels.Neg: func(dst, dy, _ []float32) { simd.Scale(dst, dy, -1) },
	}[f]
}

// expSlope keeps e^x aside piece by piece, because dst may be dy.
func expSlope(dst, dy, x []float32) {
	var e [256]float32
	for len(x) > 0 {
		n := min(len(x), len(e))
		simd.Exp(e[:n], x[:n])
		simd.Mul(dst[:n], dy[:n], e[:n])
		dst, dy, x = dst[n:], dy[n:], x[n:]
	}
}
