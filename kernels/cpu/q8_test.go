package cpu

import (
	"math"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

func TestConformanceInQ8(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		be, other := New(Options{Threads: 2, Precision: kernels.PrecisionQ8}), New(Options{Threads: 5, Precision: kernels.PrecisionQ8, SplitAll: true})
		defer be.Close()
		defer other.Close()
		kerneltest.RunQ8(t, be, kerneltest.Options{Same: []kernels.Backend{other}})
	})
}

// q8Types are the types whose products round the left operand.
func q8Types() (types []tensor.DType) {
	for _, d := range weightTypes {
		if d.IsBlock() {
			types = append(types, d)
		}
	}
	return types
}

// roundedQ8 returns x [rows k] as PrecisionQ8 takes it.
func roundedQ8(x []float32, k int) []float32 {
	y := slices.Clone(x)
	var q simd.Q8
	for from := 0; from < len(x); from += k {
		if q.Round(x[from : from+k]) {
			simd.UnroundQ8(y[from:from+k], q.Q, q.D)
		}
	}
	return y
}

// TestQ8ActivationsAreRounded: both products are those of the rounded numbers, whatever the
// number of rows, and of the numbers as they are with weights of other types or stored
// the other way around.
func TestQ8ActivationsAreRounded(t *testing.T) {
	be, exact := New(Options{Threads: 2, Precision: kernels.PrecisionQ8}), New(Options{Threads: 2})
	defer be.Close()
	defer exact.Close()
	products := map[string]func(*Backend, kernels.MatMulArgs){
		"MatVec": func(be *Backend, a kernels.MatMulArgs) { be.MatVec(a) },
		"MatMul": func(be *Backend, a kernels.MatMulArgs) { be.MatMul(a) },
	}
	eachLevel(t, func(t *testing.T) {
		for _, d := range weightTypes {
			for _, transB := range []bool{true, false} {
				const m, n, k = 5, 256, 768
				r := noise(d)
				rows, cols := n, k
				if !transB {
					rows, cols = k, n
				}
				w, values := storedWeight(be, &r, d, rows, cols)
				xs := r.slice(m * k)
				xs[2*k+40] = float32(math.Inf(1)) // row 2 is taken as it is
				want := xs
				if d.IsBlock() && transB {
					want = roundedQ8(xs, k)
				}
				for name, product := range products {
					run := func(be *Backend, xs []float32) []float32 {
						y := tensor.MustNew(be, tensor.F32, m, n)
						product(be, kernels.MatMulArgs{C: y, A: tensorOf(be, xs, m, k), B: w, TransB: transB})
						return y.Float32s()
					}
					got, of := run(be, xs), run(exact, want)
					for i, v := range got {
						if i/n == 2 {
							if math.Float32bits(v) != math.Float32bits(of[i]) && !(v != v && of[i] != of[i]) {
								t.Fatalf("%v %s transB=%v: element %d of the row with an infinity is %v, in F32 %v", d, name, transB, i, v, of[i])
							}
							continue
						}
						row := make([]float32, k)
						for p := range row {
							row[p] = values[p*n+i%n:][0]
							if transB {
								row[p] = values[i%n*k+p]
							}
						}
						exactly, bound := dotBound(want[i/n*k:][:k], row, 0)
						if !(math.Abs(float64(v)-exactly) <= bound) {
							t.Fatalf("%v %s transB=%v: element %d is %v, of rounded numbers %v ± %.2g", d, name, transB, i, v, exactly, bound)
						}
					}
				}
			}
		}
	})
}

// TestQ8RowsDoNotSeeEachOther: a row has the same bits alone and among others, with one among
// them that cannot be rounded.
func TestQ8RowsDoNotSeeEachOther(t *testing.T) {
	be := New(Options{Threads: 2, Precision: kernels.PrecisionQ8})
	defer be.Close()
	eachLevel(t, func(t *testing.T) {
		for _, d := range q8Types() {
			const m, n, k = 37, 70, 512
			r := noise(d)
			w, _ := storedWeight(be, &r, d, n, k)
			xs := r.slice(m * k)
			xs[20*k+300], xs[3*k] = float32(math.NaN()), 1e38
			x := tensorOf(be, xs, m, k)
			for name, product := range map[string]func(kernels.MatMulArgs){"MatVec": be.MatVec, "MatMul": be.MatMul} {
				all := tensor.MustNew(be, tensor.F32, m, n)
				product(kernels.MatMulArgs{C: all, A: x, B: w, TransB: true})
				for _, rows := range [][2]int{{0, 1}, {3, 4}, {4, 5}, {2, 20}, {20, 21}, {21, 37}} {
					some := tensor.MustNew(be, tensor.F32, rows[1]-rows[0], n)
					product(kernels.MatMulArgs{C: some, A: x.Slice(rows[0], rows[1]), B: w, TransB: true})
					sameFloats(t, some.Float32s(), all.Float32s()[rows[0]*n:rows[1]*n], d.String()+" "+name)
				}
			}
		}
	})
}

func TestQ8CallsAllocateNothing(t *testing.T) {
	be := New(Options{Threads: 2, Precision: kernels.PrecisionQ8})
	defer be.Close()
	for _, d := range q8Types() {
		const n, k = 256, 512
		r := noise(d)
		w, _ := storedWeight(be, &r, d, n, k)
		args := kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, 3, n), A: tensorOf(be, r.slice(3*k), 3, k), B: w, TransB: true}
		for name, run := range map[string]func(){
			"MatVec":  func() { be.MatVec(args) },
			"MatVecs": func() { be.MatVecs([]kernels.MatMulArgs{args}) },
			"MatMul":  func() { be.MatMul(args) },
			"MatMuls": func() { be.MatMuls([]kernels.MatMulArgs{args}) },
		} {
			// The first round on a busy machine may be the first in which both workers run.
			if bytes := min(bytesPerCall(run), bytesPerCall(run), bytesPerCall(run)); bytes > 512 {
				t.Errorf("%v %s: %d bytes a call", d, name, bytes)
			}
		}
	}
}
