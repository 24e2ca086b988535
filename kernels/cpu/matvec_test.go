package cpu

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var weightTypes = []tensor.DType{
	tensor.F32, tensor.BF16, tensor.F16,
	tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
}

// storedWeight returns a weight of type d of small values, and those values. Scales
// of block types are set to 2^-6, so that no element is Inf or NaN.
func storedWeight(be *Backend, r *noise, d tensor.DType, rows, cols int) (tensor.Tensor, []float32) {
	t := tensor.MustNew(be, d, rows, cols)
	if !d.IsBlock() {
		t.SetFloat32s(r.slice(rows * cols))
		return t, t.Float32s()
	}
	raw := make([]byte, t.Bytes())
	for i := range raw {
		raw[i] = byte(math.Float32bits(r.next()) >> 8)
	}
	for b := 0; b < len(raw); b += d.BlockBytes() {
		block := raw[b:]
		switch d {
		case tensor.Q4_1, tensor.Q5_1:
			block[2], block[3] = 0x00, 0xa8
		case tensor.Q4_K, tensor.Q5_K:
			block[2], block[3] = 0x00, 0x28
		case tensor.Q6_K:
			block = block[208:]
		}
		block[0], block[1] = 0x00, 0x24
	}
	t.SetRaw(raw)
	return t, t.Float32s()
}

func TestMatVecIsWithinTheBoundAndIndependentOfRows(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		for _, d := range weightTypes {
			for _, s := range []struct{ r, n, p int }{{1, 1, 32}, {1, 70, 64}, {3, 33, 576}, {2, 5, 1024 + 64}, {1, 3, 2*1024 + 32}, {2, 9, 33}, {1, 70, 256}, {2, 5, 2304}} {
				if s.p%d.BlockLen() != 0 {
					continue
				}
				r := noise(s.n + s.p)
				w, values := storedWeight(be, &r, d, s.n, s.p)
				xs, bs := r.slice(s.r*s.p), r.slice(s.n)
				x, bias := tensorOf(be, xs, s.r, s.p), tensorOf(be, bs, s.n)
				y := tensor.MustNew(be, tensor.F32, s.r, s.n)
				be.MatVec(kernels.MatMulArgs{C: y, A: x, B: w, TransB: true, Bias: bias})
				got := y.Float32s()
				for i := range s.r {
					for j := range s.n {
						want, bound := dotBound(xs[i*s.p:][:s.p], values[j*s.p:][:s.p], float64(bs[j]))
						if g := float64(got[i*s.n+j]); !(math.Abs(g-want) <= bound) {
							t.Fatalf("%v %v: y[%d %d] = %v, want %v ± %.2g", d, s, i, j, g, want, bound)
						}
					}
					alone := tensor.MustNew(be, tensor.F32, 1, s.n)
					be.MatVec(kernels.MatMulArgs{C: alone, A: x.Slice(i, i+1), B: w, TransB: true, Bias: bias})
					sameFloats(t, alone.Float32s(), got[i*s.n:][:s.n], "a row alone")
				}
			}
		}
	})
}

func TestVecRowsOf(t *testing.T) {
	for _, c := range []struct{ n, bytes, want int }{
		{0, 4, 1}, {1, 1 << 20, 1}, {64, 360, 64}, {192, 360, 96}, {576, 360, 144}, {1536, 360, 192}, {49152, 1152, 96},
	} {
		if got := vecRowsOf(c.n, c.bytes); got != c.want {
			t.Errorf("of %d rows of %d bytes a chunk takes %d, want %d", c.n, c.bytes, got, c.want)
		}
	}
}

func TestMatMulWidensEveryWeightType(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		for _, d := range weightTypes {
			const m, n, k = 9, 256, 512
			r := noise(d)
			a := tensorOf(be, r.slice(m*k), m, k)
			for _, transB := range []bool{false, true} {
				rows, cols := k, n
				if transB {
					rows, cols = n, k
				}
				w, values := storedWeight(be, &r, d, rows, cols)
				wide := tensorOf(be, values, rows, cols)
				got, want := tensor.MustNew(be, tensor.F32, m, n), tensor.MustNew(be, tensor.F32, m, n)
				be.MatMul(kernels.MatMulArgs{C: got, A: a, B: w, TransB: transB})
				be.MatMul(kernels.MatMulArgs{C: want, A: a, B: wide, TransB: transB})
				sameFloats(t, got.Float32s(), want.Float32s(), d.String())
			}
		}
	})
}

func sameFloats(t *testing.T, got, want []float32, what string) {
	t.Helper()
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want[i])
		}
	}
}
