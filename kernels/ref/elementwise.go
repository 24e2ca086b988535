package ref

import (
	"fmt"
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// Constants of the tanh approximation of GELU (Hendrycks and Gimpel, 2016).
const (
	sqrt2OverPi = 0.7978845608028654
	geluCubic   = 0.044715
)

// apply returns f(x).
func apply(f kernels.Func, x float64) float64 {
	switch f {
	case kernels.Identity:
		return x
	case kernels.ReLU:
		if x <= 0 {
			return 0
		}
		return x // NaN stays
	case kernels.GELU:
		return x * 0.5 * math.Erfc(-x/math.Sqrt2)
	case kernels.GELUTanh:
		return x * sigmoid(2*sqrt2OverPi*(x+geluCubic*x*x*x))
	case kernels.SiLU:
		return x * sigmoid(x)
	case kernels.Tanh:
		return math.Tanh(x)
	case kernels.Sigmoid:
		return sigmoid(x)
	case kernels.Exp:
		return math.Exp(x)
	case kernels.Log:
		return math.Log(x)
	case kernels.Sqrt:
		return math.Sqrt(x)
	case kernels.Square:
		return x * x
	case kernels.Neg:
		return -x
	}
	panic(fmt.Sprintf("ref: no function %d", f))
}

// slope returns f'(x).
func slope(f kernels.Func, x float64) float64 {
	switch f {
	case kernels.Identity:
		return 1
	case kernels.ReLU:
		if x <= 0 {
			return 0
		}
		return 1
	case kernels.GELU:
		density := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
		return 0.5*math.Erfc(-x/math.Sqrt2) + x*density
	case kernels.GELUTanh:
		u := 2 * sqrt2OverPi * (x + geluCubic*x*x*x)
		return sigmoid(u) + x*sigmoid(u)*sigmoid(-u)*2*sqrt2OverPi*(1+3*geluCubic*x*x)
	case kernels.SiLU:
		return sigmoid(x) * (1 + x*sigmoid(-x))
	case kernels.Tanh:
		return 4 * sigmoid(2*x) * sigmoid(-2*x)
	case kernels.Sigmoid:
		return sigmoid(x) * sigmoid(-x)
	case kernels.Exp:
		return math.Exp(x)
	case kernels.Log:
		return 1 / x
	case kernels.Sqrt:
		return 0.5 / math.Sqrt(x)
	case kernels.Square:
		return 2 * x
	case kernels.Neg:
		return -1
	}
	panic(fmt.Sprintf("ref: no function %d", f))
}

// times returns g·f'(x): 0 where ReLU is 0, whatever g is.
func times(g float64, f kernels.Func, x float64) float64 {
	if f == kernels.ReLU && x <= 0 {
		return 0
	}
	return g * slope(f, x)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Unary implements kernels.Unary.
func (*Backend) Unary(f kernels.Func, y, x tensor.Tensor) {
	if isF64(y) {
		unary[float64](f, y, x)
	} else {
		unary[float32](f, y, x)
	}
}

func unary[T real](f kernels.Func, y, x tensor.Tensor) {
	out := floats[T](y)
	for i, v := range floats[T](x) {
		out[i] = T(apply(f, float64(v)))
	}
}

// UnaryBackward implements kernels.UnaryBackward.
func (*Backend) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor) {
	if isF64(dX) {
		unaryBackward[float64](f, dX, dY, x)
	} else {
		unaryBackward[float32](f, dX, dY, x)
	}
}

func unaryBackward[T real](f kernels.Func, dX, dY, x tensor.Tensor) {
	out, g := floats[T](dX), floats[T](dY)
	for i, v := range floats[T](x) {
		out[i] = T(times(float64(g[i]), f, float64(v)))
	}
}

// Gated implements kernels.Gated.
func (*Backend) Gated(f kernels.Func, y, gate, up tensor.Tensor) {
	if isF64(y) {
		gated[float64](f, y, gate, up)
	} else {
		gated[float32](f, y, gate, up)
	}
}

func gated[T real](f kernels.Func, y, gate, up tensor.Tensor) {
	out, u := floats[T](y), floats[T](up)
	for i, v := range floats[T](gate) {
		out[i] = T(apply(f, float64(v)) * float64(u[i]))
	}
}

// GatedBackward implements kernels.GatedBackward.
func (*Backend) GatedBackward(f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	if isF64(dGate) {
		gatedBackward[float64](f, dGate, dUp, dY, gate, up)
	} else {
		gatedBackward[float32](f, dGate, dUp, dY, gate, up)
	}
}

func gatedBackward[T real](f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	dg, du := floats[T](dGate), floats[T](dUp)
	d, u := floats[T](dY), floats[T](up)
	for i, v := range floats[T](gate) {
		dg[i] = T(times(float64(d[i])*float64(u[i]), f, float64(v)))
		du[i] = T(float64(d[i]) * apply(f, float64(v)))
	}
}

// AddScaled implements kernels.AddScaled.
func (*Backend) AddScaled(y, x tensor.Tensor, s float64) {
	if isF64(y) {
		addScaled[float64](y, x, s)
	} else {
		addScaled[float32](y, x, s)
	}
}

func addScaled[T real](y, x tensor.Tensor, s float64) {
	out := floats[T](y)
	for i, v := range floats[T](x) {
		out[i] = T(float64(out[i]) + s*float64(v))
	}
}

// Fill implements kernels.Fill.
func (*Backend) Fill(y tensor.Tensor, v float64) {
	if isF64(y) {
		fill[float64](y, v)
	} else {
		fill[float32](y, v)
	}
}

func fill[T real](y tensor.Tensor, v float64) {
	out := floats[T](y)
	for i := range out {
		out[i] = T(v)
	}
}

// Convert implements kernels.Convert.
func (*Backend) Convert(y, x tensor.Tensor) {
	if y.DType() == tensor.F64 {
		copy(floats[float64](y), weightVector[float64](x))
		return
	}
	tensor.EncodeF32(tensor.HostBytes(y), weightVector[float32](x), y.DType())
}
