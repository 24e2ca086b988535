package cpu

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// Rows longer than one call of assembly agree with float64.
func TestRowsLongerThanAPiece(t *testing.T) {
	const n = rowPiece + 7
	be := New(Options{Threads: 2})
	defer be.Close()
	values := noise(7)
	x, y, sum := tensor.MustNew(be, tensor.F32, 2, n), tensor.MustNew(be, tensor.F32, 2, n), tensor.MustNew(be, tensor.F32, 2, 1)
	copy(f32(x), values.slice(2*n))
	f32(x)[n-1] = 9 // the maximum of the first row, beyond the piece
	kernels.Softmax(be, y, x)
	kernels.Reduce(be, kernels.Sum, sum, x)
	for r := range 2 {
		row, p := f32(x)[r*n:(r+1)*n], f32(y)[r*n:(r+1)*n]
		total, plain, size := 0.0, 0.0, 0.0
		for _, v := range row {
			total += math.Exp(float64(v) - 9)
			plain += float64(v)
			size += math.Abs(float64(v))
		}
		for i, v := range row {
			want := math.Exp(float64(v)-9) / total
			if d := math.Abs(float64(p[i]) - want); d > 1e-4*want {
				t.Fatalf("row %d: y[%d] = %v, want %v", r, i, p[i], want)
			}
		}
		if d := math.Abs(float64(f32(sum)[r]) - plain); d > 0x1p-23*size {
			t.Fatalf("row %d: sum = %v, want %v", r, f32(sum)[r], plain)
		}
	}
	dX := tensor.MustNew(be, tensor.F32, 2, n)
	kernels.SoftmaxBackward(be, dX, x, y)
	for r := range 2 {
		g, p, d := f32(x)[r*n:(r+1)*n], f32(y)[r*n:(r+1)*n], f32(dX)[r*n:(r+1)*n]
		mean := 0.0
		for i, v := range g {
			mean += float64(v) * float64(p[i])
		}
		for i, v := range g {
			want := float64(p[i]) * (float64(v) - mean)
			if off := math.Abs(float64(d[i]) - want); off > 1e-4*float64(p[i]) {
				t.Fatalf("row %d: dX[%d] = %v, want %v", r, i, d[i], want)
			}
		}
	}
}
