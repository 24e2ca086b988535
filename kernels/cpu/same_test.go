package cpu

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// shuffler returns a delay that differs from chunk to chunk.
func shuffler() func() {
	var count atomic.Uint32
	return func() {
		if n := count.Add(1) * 2654435761 >> 28; n < 5 {
			time.Sleep(time.Duration(n*30) * time.Microsecond)
		}
	}
}

func TestMatMulHasTheSameBitsForAnyWorkers(t *testing.T) {
	cases := []matMulCase{
		{m: 300, n: 200, k: 300, transB: true, bias: true},
		{m: 64, n: 65, k: 520, transA: true, add: true},
		{m: 5, n: 700, k: 260},
		// Small ones, which workers share by columns, by rows too, and as they are awake.
		{m: 64, n: 64, k: 64}, {m: 130, n: 20, k: 270, add: true}, {m: 16, n: 300, k: 257, transB: true, bias: true}, {m: 70, n: 100, k: 90, transA: true, transB: true},
	}
	for _, c := range cases {
		a, bt, bias, into := c.operands()
		var want []float32
		for _, workers := range []int{1, 2, 3, 7, 16} {
			be := New(Options{Threads: workers, Delay: shuffler()})
			for range 2 {
				got := c.run(be, a, bt, bias, into)
				if want == nil {
					want = got
				}
				sameFloats(t, got, want, fmt.Sprintf("%v, %d workers", c, workers))
			}
			be.Close()
		}
	}
}

func TestMatVecHasTheSameBitsForAnyWorkers(t *testing.T) {
	const n, p = 900, 576
	r := noise(5)
	xs, ws := r.slice(2*p), r.slice(n*p)
	var want []float32
	for _, workers := range []int{1, 2, 3, 7, 16} {
		be := New(Options{Threads: workers, Delay: shuffler()})
		y := tensor.MustNew(be, tensor.F32, 2, n)
		be.MatVec(kernels.MatMulArgs{C: y, A: tensorOf(be, xs, 2, p), B: tensorOf(be, ws, n, p), TransB: true})
		if want == nil {
			want = y.Float32s()
		}
		sameFloats(t, y.Float32s(), want, fmt.Sprint(workers, " workers"))
		be.Close()
	}
}

// TestMatMulRowsDoNotSeeEachOther compares rows of a large product with the
// products of one and of a few rows.
func TestMatMulRowsDoNotSeeEachOther(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		const m, n, k = 277, 83, 300
		for _, transB := range []bool{false, true} {
			all := matMulCase{m: m, n: n, k: k, transB: transB, bias: true}
			a, bt, bias, into := all.operands()
			want := all.run(be, a, bt, bias, into)
			for _, rows := range [][2]int{{0, 1}, {5, 6}, {276, 277}, {3, 8}, {100, 270}} {
				c := all
				c.m = rows[1] - rows[0]
				got := c.run(be, a[rows[0]*k:rows[1]*k], bt, bias, into[:c.m*n])
				sameFloats(t, got, want[rows[0]*n:rows[1]*n], fmt.Sprintf("transB=%v rows %v", transB, rows))
			}
		}
	})
}

// TestFewRowsHaveTheBitsOfMany: a worker alone leaves the weights of few rows in place.
func TestFewRowsHaveTheBitsOfMany(t *testing.T) {
	one, two := New(Options{Threads: 1}), New(Options{Threads: 2})
	defer one.Close()
	defer two.Close()
	eachLevel(t, func(t *testing.T) {
		const n, k = 1003, 530
		for _, transA := range []bool{false, true} {
			all := matMulCase{m: 70, n: n, k: k, transA: transA, bias: true}
			a, bt, bias, into := all.operands()
			want := all.run(two, a, bt, bias, into)
			for _, m := range []int{15, fewRows, fewRows + 1} {
				c := all
				c.m = m
				for _, be := range []*Backend{one, two} {
					got := c.run(be, a[:m*k], bt, bias, into[:m*n])
					sameFloats(t, got, want[:m*n], fmt.Sprintf("transA=%v, %d rows by %d workers", transA, m, be.Threads()))
				}
			}
		}
	})
}

func TestMatMulPropagatesNaNAndInf(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	inf := float32(math.Inf(1))
	eachLevel(t, func(t *testing.T) {
		c := matMulCase{m: 7, n: 18, k: 9, transB: true}
		a, bt := make([]float32, c.m*c.k), make([]float32, c.n*c.k)
		a[3*c.k+4], bt[11*c.k+2] = inf, inf // 0·Inf is NaN: no zero is skipped
		got := c.run(be, a, bt, nil, make([]float32, c.m*c.n))
		for i := range c.m {
			for j := range c.n {
				if v := got[i*c.n+j]; (v != v) != (i == 3 || j == 11) {
					t.Errorf("C[%d %d] = %v", i, j, v)
				}
			}
		}
	})
}

func TestProductsAllocateNothingOnceWarm(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	r := noise(1)
	const n = 128 // large enough to wake others
	a, w := tensorOf(be, r.slice(n*n), n, n), tensorOf(be, r.slice(n*n), n, n)
	c, x, y := tensor.MustNew(be, tensor.F32, n, n), a.Slice(0, 1), tensor.MustNew(be, tensor.F32, 1, n)
	half := tensor.MustNew(be, tensor.BF16, n, n)
	s := be.scratch.get()
	v := viewOf(a)
	calls := map[string]func(){
		"MatMul":      func() { be.MatMul(kernels.MatMulArgs{C: c, A: a, B: w, TransB: true}) },
		"MatMul/bf16": func() { be.MatMul(kernels.MatMulArgs{C: c, A: a, B: half}) },
		"MatVec":      func() { be.MatVec(kernels.MatMulArgs{C: y, A: x, B: w, TransB: true}) },
		"MatVec/bf16": func() { be.MatVec(kernels.MatMulArgs{C: y, A: x, B: half, TransB: true}) },
		"sgemm":       func() { s.sgemm(viewOf(c), v, false, v, true, false) },
	}
	for name, call := range calls {
		// More workers than one may be caught between two chunks: warm up well.
		for range 20 {
			call()
		}
		if n := testing.AllocsPerRun(50, call); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestSgemmOnStridedViewsAgreesWithMatMul(t *testing.T) {
	be := New(Options{Threads: 1})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		for _, size := range []struct{ m, n, k int }{{1, 1, 1}, {25, 25, 64}, {64, 64, 64}, {7, 100, 33}, {270, 70, 300}, {3, 4, 0}} {
			for bit := range 8 {
				c := matMulCase{m: size.m, n: size.n, k: size.k, transA: bit&1 != 0, transB: bit&2 != 0, add: bit&4 != 0}
				a, bt, _, into := c.operands()
				want := c.run(be, a, bt, nil, into)
				va, vb := strided(a, c.m, c.k), strided(transposed(bt, c.n, c.k), c.k, c.n)
				if c.transA {
					va = strided(transposed(a, c.m, c.k), c.k, c.m)
				}
				if c.transB {
					vb = strided(bt, c.n, c.k)
				}
				vc := strided(into, c.m, c.n)
				s := be.scratch.get()
				s.sgemm(vc, va, c.transA, vb, c.transB, c.add)
				be.scratch.put(s)
				for i := range c.m {
					sameFloats(t, vc.data[i*vc.stride:][:c.n], want[i*c.n:][:c.n], c.String())
					if i+1 < c.m && vc.data[i*vc.stride+c.n] != 7 {
						t.Fatalf("%v: wrote beside row %d", c, i)
					}
				}
			}
		}
	})
}

// strided returns x [rows cols] as a view with three more columns of sevens.
func strided(x []float32, rows, cols int) view {
	v := view{make([]float32, rows*(cols+3)), rows, cols, cols + 3}
	for i := range v.data {
		v.data[i] = 7
	}
	for i := range rows {
		copy(v.data[i*v.stride:], x[i*cols:][:cols])
	}
	return v
}

// TestFewRowsOfALargeProduct: rows that fill no panels are computed in place, the first of
// them alone, which do, from packed ones, to the same bits.
func TestFewRowsOfALargeProduct(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	const m, whole, n, k = 40, 36, 8224, 320
	r := noise(3)
	a, across := r.slice(m*k), make([]float32, m*k)
	for i := range m {
		for p := range k {
			across[p*m+i] = a[i*k+p]
		}
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.Q8_0} {
		for bit := range 4 {
			args := kernels.MatMulArgs{TransA: bit&1 != 0, TransB: bit&2 != 0, A: tensorOf(be, a, m, k), C: tensor.MustNew(be, tensor.F32, m, n)}
			if args.TransA {
				args.A = tensorOf(be, across, k, m)
			}
			args.B = tensor.MustNew(be, d, k, n)
			if args.TransB {
				args.B = tensor.MustNew(be, d, n, k)
			}
			args.B.SetFloat32s(r.slice(n * k))
			be.MatMul(args)
			few := kernels.MatMulArgs{TransB: args.TransB, A: tensorOf(be, a[:whole*k], whole, k), B: args.B, C: tensor.MustNew(be, tensor.F32, whole, n)}
			be.MatMul(few)
			if got, want := args.C.Float32s(), few.C.Float32s(); !slices.Equal(got[:len(want)], want) {
				t.Errorf("%v, TransA %v, TransB %v: rows have other bits beside others", d, args.TransA, args.TransB)
			}
		}
	}
}

// TestScarceRowsAreThoseOfMany: one row, or two, of a large weight have the bits that they have
// among many rows, with all that may come to a sum, at every level and on one thread and three.
func TestScarceRowsAreThoseOfMany(t *testing.T) {
	const many, n, k = 40, 601, 700
	r := noise(7)
	a, w, bias, residual, before := r.slice(many*k), r.slice(n*k), r.slice(n), r.slice(many*n), r.slice(many*n)
	defer simd.Set(simd.Active())
	for _, l := range simd.Levels() {
		simd.Set(l)
		for _, threads := range []int{1, 3} {
			be := New(Options{Threads: threads, SplitAll: threads > 1})
			defer be.Close()
			for bits := range 8 {
				product := func(m int) []float32 {
					args := kernels.MatMulArgs{TransA: bits&1 != 0, TransB: bits&2 != 0, Accumulate: bits&4 != 0, A: tensorOf(be, a[:m*k], m, k), B: tensorOf(be, w, k, n), C: tensorOf(be, before[:m*n], m, n)}
					if args.TransA {
						across := make([]float32, m*k)
						simd.Transpose(across, m, a, k, m, k)
						args.A = tensorOf(be, across, k, m)
					}
					if args.TransB {
						args.B = tensorOf(be, w, n, k)
					}
					if !args.Accumulate {
						args.Bias, args.Func, args.Residual = tensorOf(be, bias, n), kernels.ReLU, tensorOf(be, residual[:m*n], m, n)
					}
					kernels.MatMul(be, args)
					return args.C.Float32s()
				}
				want := product(many)
				for m := 1; m <= scarceRows+1; m++ {
					if got := product(m); !slices.Equal(got, want[:m*n]) {
						t.Errorf("%v, %d threads, case %d: other bits of %d rows alone", l, threads, bits, m)
					}
				}
			}
		}
	}
}
