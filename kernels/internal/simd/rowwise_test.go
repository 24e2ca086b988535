package simd

import (
	"math"
	"testing"
)

func wave(n int, f float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(f*float64(i+1)) * 3)
	}
	return x
}

// Elementwise row kernels round after every operation, so every level has the
// bits of the Go twin.
func TestRowKernelsHaveTheBitsOfTheirTwins(t *testing.T) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for n := range 70 {
			a, b, c, d := wave(n, 0.7), wave(n, 1.3), wave(n, 2.1), wave(n, 0.2)
			got, got2 := wave(n+1, 5), wave(n+1, 6)
			want, want2 := wave(n+1, 5), wave(n+1, 6)
			check := func(name string) {
				t.Helper()
				for i := range want {
					if got[i] != want[i] || got2[i] != want2[i] {
						t.Fatalf("%v %s n=%d: [%d] = %v %v, want %v %v", l, name, n, i, got[i], got2[i], want[i], want2[i])
					}
				}
			}
			SoftmaxBackward(got[:n], a, b, 0.3)
			softmaxBackwardGeneric(want[:n], a, b, 0.3)
			check("SoftmaxBackward")
			NormBackward(got[:n], a, b, c, 0.1, 1.7, 0.2, -0.4)
			normBackwardGeneric(want[:n], a, b, c, 0.1, 1.7, 0.2, -0.4)
			check("NormBackward")
			NormBackwardAdd(got[:n], a, b, c, 0.1, 1.7, 0.2, -0.4)
			normBackwardAddGeneric(want[:n], a, b, c, 0.1, 1.7, 0.2, -0.4)
			check("NormBackwardAdd")
			NormAccumulate(got[:n], got2[:n], a, b, 0.1, 1.7)
			normAccumulateGeneric(want[:n], want2[:n], a, b, 0.1, 1.7)
			check("NormAccumulate")
			Rotate(got[:n], got2[:n], a, b, c, d, -1)
			rotateGeneric(want[:n], want2[:n], a, b, c, d, -1)
			check("Rotate")
		}
	}
}

func TestNormSumsAgainstFloat64(t *testing.T) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for n := range 140 {
			dy, x, gain := wave(n, 0.7), wave(n, 1.3), wave(n, 2.1)
			const mean, rstd = 0.25, 1.5
			var g, gx, absG, absGX float64
			for i := range n {
				d := float64(dy[i]) * float64(gain[i])
				u := (float64(x[i]) - mean) * rstd
				g, absG = g+d, absG+math.Abs(d)
				gx, absGX = gx+d*u, absGX+math.Abs(d*u)
			}
			gotG, gotGX := NormSums(dy, x, gain, mean, rstd)
			k := float64(n + 4)
			if math.Abs(float64(gotG)-g) > k*0x1p-24*absG || math.Abs(float64(gotGX)-gx) > k*0x1p-24*absGX {
				t.Errorf("%v NormSums n=%d = %v %v, want %v %v", l, n, gotG, gotGX, g, gx)
			}
		}
	}
}
