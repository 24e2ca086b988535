//go:build !noasm

package simd

// tanhTable holds the constants of tanhAVX2.
var tanhTable = [...]float32{tanhSmall, tanh4, tanh3, tanh2, tanh1, tanh0}

//go:noescape
func expSumAVX2(dst, x *float32, n int, shift float32) float32

//go:noescape
func expSumAVX512(dst, x *float32, n int, shift float32) float32

//go:noescape
func sigmoidAVX2(dst, x *float32, n int)

//go:noescape
func siluAVX2(dst, x *float32, n int)

//go:noescape
func siluBackwardAVX2(dst, dy, x *float32, n int)

//go:noescape
func tanhAVX2(dst, x *float32, n int)

func expSumVector(dst, x []float32, shift float32) float32 {
	if len(dst) == 0 {
		return 0
	}
	if level == AVX512 {
		return expSumAVX512(&dst[0], &x[0], len(dst), shift)
	}
	return expSumAVX2(&dst[0], &x[0], len(dst), shift)
}

func sigmoidVector(dst, x []float32) {
	if len(dst) > 0 {
		sigmoidAVX2(&dst[0], &x[0], len(dst))
	}
}

func siluVector(dst, x []float32) {
	if len(dst) > 0 {
		siluAVX2(&dst[0], &x[0], len(dst))
	}
}

func siluBackwardVector(dst, dy, x []float32) {
	if len(dst) > 0 {
		siluBackwardAVX2(&dst[0], &dy[0], &x[0], len(dst))
	}
}

func tanhVector(dst, x []float32) {
	if len(dst) > 0 {
		tanhAVX2(&dst[0], &x[0], len(dst))
	}
}
