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

// Convert implements kernels.Backend. It is the one place where F64 is written:
// a conversion computes nothing.
func (be *Backend) Convert(y, x tensor.Tensor) {
	d, raw := x.DType(), tensor.HostBytes(x)
	to, out := y.DType(), tensor.HostBytes(y)
	be.eachRun(y.Len(), costOfConvert(to), func(i, j int) {
		src, dst := raw[d.Bytes(i):d.Bytes(j)], out[to.Bytes(i):to.Bytes(j)]
		switch {
		case to == tensor.F32:
			simd.Decode(tensor.View[float32](dst), src, d)
		case to != tensor.F64:
			tensor.EncodeF32(dst, tensor.View[float32](src), to)
		case d == tensor.F64:
			copy(dst, src)
		default:
			widen(tensor.View[float64](dst), src, d)
		}
	})
}

func costOfConvert(to tensor.DType) int {
	if to == tensor.F32 {
		return cheap
	}
	return expensive
}

// widen decodes src to float64 through float32, which holds every other type.
func widen(dst []float64, src []byte, d tensor.DType) {
	var piece [256]float32
	for len(dst) > 0 {
		n := min(len(dst), len(piece))
		simd.Decode(piece[:n], src[:d.Bytes(n)], d)
		for i, v := range piece[:n] {
			dst[i] = float64(v)
		}
		dst, src = dst[n:], src[d.Bytes(n):]
	}
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
				half := dy[i] * v // 2·v may be infinite
				dst[i] = half + half
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
