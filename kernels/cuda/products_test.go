package cuda_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

// some are the rows of products whose shapes are small.
var some = []string{"MatMul", "MatMulEpilogue", "MatMuls"}

// The simulated library's algorithms add up in another order for another number of rows,
// as its heuristic would choose: rows that keep their bits show that we choose once.
func TestProductsByLibrary(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	kerneltest.Run(t, be, kerneltest.Options{Only: some, Every: 97})
	if be.Count("cublasLtMatmul") == 0 {
		t.Error("the library has computed nothing")
	}
}

func TestProductsByOwnKernel(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{None: true}})
	kerneltest.Run(t, be, kerneltest.Options{Only: some, Every: 397})
	if !strings.HasSuffix(be.Name(), "+own") || !strings.Contains(be.Note(), "a kernel of our own") {
		t.Errorf("%s: %q", be.Name(), be.Note())
	}
}

func TestProductsInBF16(t *testing.T) {
	for _, own := range []bool{false, true} {
		be := cudatest.Open(t, cudatest.Options{Precision: kernels.PrecisionBF16, Products: cudatest.Products{None: own}})
		every := 97
		if own {
			every = 499
		}
		kerneltest.RunProducts(t, be, kernels.PrecisionBF16, kerneltest.Options{Only: some, Every: every})
	}
}

// TF32 has 11 bits of significand, BF16 8: what it gives is within BF16's bounds.
func TestProductsInTF32(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Precision: kernels.PrecisionTF32})
	kerneltest.RunProducts(t, be, kernels.PrecisionBF16, kerneltest.Options{Only: some, Every: 199})
	if !strings.HasSuffix(be.Name(), "+tf32") {
		t.Error(be.Name())
	}
}

// What several products need of their one A is made once.
func TestLeftOperandIsRoundedOnce(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Precision: kernels.PrecisionBF16})
	const m, n, k = 4, 8, 16
	var all []kernels.MatMulArgs
	a := tensor.MustNew(be, tensor.F32, m, k)
	for range 3 {
		all = append(all, kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, m, n), A: a, B: tensor.MustNew(be, tensor.BF16, n, k), TransB: true})
	}
	before := be.Count("cuLaunchKernel")
	kernels.MatMuls(be, all)
	if got := be.Count("cuLaunchKernel") - before; got != 1 || be.Count("cublasLtMatmul") != 3 {
		t.Errorf("%d kernels of ours, want the rounding of A alone; %d products of the library, want 3", got, be.Count("cublasLtMatmul"))
	}
}

// Numbers of rows that the algorithm does not take are our own kernel's.
func TestRowsThatTheLibraryRefuses(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{RefuseRows: func(m int) bool { return m == 3 }}})
	x := make([]float64, 3*8)
	for i := range x {
		x[i] = float64(i % 3)
	}
	want := linear(t, cudatest.Open(t, cudatest.Options{}), kernels.SiLU, x, 3, 5, 8, tensor.BF16)
	if got := linear(t, be, kernels.SiLU, x, 3, 5, 8, tensor.BF16); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if n := be.Count("cublasLtMatmul"); n != 0 {
		t.Errorf("%d products of the library", n)
	}
	if notes := strings.Join(be.ProductNotes(), "\n"); !strings.Contains(notes, "does not take this one") {
		t.Errorf("the notes are %q", notes)
	}
}

// A library that has no epilogues and no product of odd inner sizes: what it refuses is computed otherwise, with results of the same contract.
func TestProductsThatTheLibraryRefuses(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{
		Refuse: func(n, k int, epilogue uint32) bool { return epilogue != 1 || k%2 == 1 },
		SplitK: true,
	}})
	kerneltest.Run(t, be, kerneltest.Options{Only: some, Every: 397})
	if notes := strings.Join(be.ProductNotes(), "\n"); !strings.Contains(notes, "NOT_SUPPORTED") {
		t.Errorf("the notes are %q", notes)
	}
}

func TestVectorProducts(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	kerneltest.Run(t, be, kerneltest.Options{Only: []string{"MatVec"}, Every: 199})
	kerneltest.Run(t, be, kerneltest.Options{Only: []string{"MatVecs"}, Every: 5})
	if be.Count("cublasLtMatmul") != 0 {
		t.Error("MatVec has called the library, which no graph of decoding bears")
	}
}

// linear computes ReLU or another function of x·Wᵀ + bias on be.
func linear(t *testing.T, be kernels.Backend, f kernels.Func, x []float64, m, n, k int, d tensor.DType) []float64 {
	t.Helper()
	w, bias := make([]float64, n*k), make([]float64, n)
	for i := range w {
		w[i] = float64(i%7 - 3)
	}
	for i := range bias {
		bias[i] = float64(i%5) / 3
	}
	c := tensor.MustNew(be, tensor.F32, m, n)
	weight := tensor.MustFromFloats(be, tensor.F32, w, n, k)
	if d != tensor.F32 {
		narrow := tensor.MustNew(be, d, n, k)
		narrow.SetFloats(w)
		weight = narrow
	}
	kernels.MatMul(be, kernels.MatMulArgs{
		C: c, A: tensor.MustFromFloats(be, tensor.F32, x, m, k), B: weight, TransB: true,
		Bias: tensor.MustFromFloats(be, tensor.F32, bias, n), Func: f,
	})
	return c.Floats()
}

// ReLU is the library's only if that keeps NaN, so that a model that has diverged shows it.
func TestReLUOfALibraryThatDropsNaN(t *testing.T) {
	x := make([]float64, 4*8)
	x[9] = math.NaN()
	for _, drops := range []bool{false, true} {
		be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{DropNaN: drops}})
		got := linear(t, be, kernels.ReLU, x, 4, 5, 8, tensor.F32)
		for i, v := range got {
			if (i/5 == 1) != math.IsNaN(v) {
				t.Errorf("library drops NaN %v: [%d] = %v", drops, i, v)
			}
		}
		const reluBias = 6
		if n, want := be.CountEpilogue(reluBias), map[bool]int{false: 2, true: 1}[drops]; n != want {
			t.Errorf("library drops NaN %v: %d products by its epilogue, one of them asked for to see: want %d", drops, n, want)
		}
	}
}

// A weight of more bytes than are widened at once goes through in panels, with the same bits.
func TestPanelsChangeNoBit(t *testing.T) {
	const m, n, k = 3, 800, 32
	x := make([]float64, m*k)
	for i := range x {
		x[i] = 1 / float64(i+3)
	}
	for _, own := range []bool{false, true} {
		be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{None: own}})
		want := linear(t, be, kernels.SiLU, x, m, n, k, tensor.BF16)
		restore := cuda.SetMostPanel(4 * k * 300)
		got := linear(t, be, kernels.SiLU, x, m, n, k, tensor.BF16)
		restore()
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("own kernel %v: [%d] = %v in panels, %v whole", own, i, got[i], want[i])
			}
		}
		if !own && be.Count("cublasLtMatmul") != 1+4 {
			t.Errorf("%d products of the library", be.Count("cublasLtMatmul"))
		}
	}
}

// operands of one product, each at a distance of shift floats from an aligned address.
func operands(be kernels.Backend, shift, m, n, k int, f kernels.Func, accumulate bool) kernels.MatMulArgs {
	random := rand.New(rand.NewPCG(5, 6))
	place := func(shape ...int) tensor.Tensor {
		size := shape[0]
		for _, s := range shape[1:] {
			size *= s
		}
		x := make([]float64, shift+size)
		for i := range size {
			x[shift+i] = random.NormFloat64()
		}
		return tensor.MustFromFloats(be, tensor.F32, x, len(x)).Slice(shift, shift+size).Reshape(shape...)
	}
	a := kernels.MatMulArgs{A: place(m, k), B: place(n, k), C: place(m, n), TransB: true, Accumulate: accumulate}
	if !accumulate {
		a.Bias, a.Residual, a.Func = place(n), place(m, n), f
	}
	return a
}

// What the library does not take as it lies is copied; the sums are the same.
func TestAddressesChangeNoBit(t *testing.T) {
	const m, n, k = 5, 12, 40
	be := cudatest.Open(t, cudatest.Options{})
	for _, f := range []kernels.Func{kernels.Identity, kernels.GELU} {
		for _, accumulate := range []bool{false, true} {
			want := operands(be, 0, m, n, k, f, accumulate)
			kernels.MatMul(be, want)
			got := operands(be, 1, m, n, k, f, accumulate)
			kernels.MatMul(be, got)
			if !slices.Equal(got.C.Floats(), want.C.Floats()) {
				t.Errorf("%v, accumulate %v: %v, want %v", f, accumulate, got.C.Floats(), want.C.Floats())
			}
		}
	}
}

// Rows have their bits in any company, for which the library's own choice would not do,
// and whatever was computed before.
func TestRowsChangeNoBit(t *testing.T) {
	const most, n, k = 80, 12, 150
	for _, p := range []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionTF32, kernels.PrecisionBF16} {
		var want []float64
		for _, rows := range []int{most, 1, 2, 9, 63, 65} {
			be := cudatest.Open(t, cudatest.Options{Precision: p, Products: cudatest.Products{SplitK: true}})
			all := operands(be, 0, most, n, k, kernels.Identity, false)
			part := all
			part.A, part.Residual, part.C = all.A.Slice(0, rows), all.Residual.Slice(0, rows), tensor.MustNew(be, tensor.F32, rows, n)
			kernels.MatMul(be, part)
			if want == nil {
				want = part.C.Floats()
			}
			if !slices.Equal(part.C.Floats(), want[:rows*n]) {
				t.Errorf("%v: %d rows have other bits than in company", p, rows)
			}
		}
	}
}

// An error of the library ends the queue, which says what it was.
func TestLibraryThatFails(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{Fail: func(call string, n int) int {
		if call == "cublasLtMatmul" {
			return 13
		}
		return 0
	}}})
	linear(t, be, kernels.Identity, make([]float64, 4*8), 4, 5, 8, tensor.F32)
	if err := be.Sync(); err == nil || !strings.Contains(err.Error(), "CUBLAS_STATUS_EXECUTION_FAILED") {
		t.Errorf("%v", err)
	}
}

// A library that makes no handle is none: our own kernel computes, and says why.
func TestLibraryWithoutHandle(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Products: cudatest.Products{Fail: func(call string, n int) int {
		if call == "cublasLtCreate" {
			return 1
		}
		return 0
	}}})
	if got := linear(t, be, kernels.Identity, []float64{1, 2, 3, 4}, 1, 1, 4, tensor.F32)[0]; got != -3-4-3 {
		t.Errorf("%v", got)
	}
	if !strings.Contains(be.Products(), "CUBLAS_STATUS_NOT_INITIALIZED") {
		t.Error(be.Products())
	}
}
