package lt_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/lt"
	"lamina/kernels/cuda/internal/sim"
)

// bench is a simulated device with the library.
type bench struct {
	t      *testing.T
	m      *sim.Machine
	lib    *sim.Lt
	dev    *drv.Device
	stream *drv.Stream
	lt     *lt.Library
}

func newBench(t *testing.T, o sim.LtOptions) *bench {
	t.Helper()
	b := &bench{t: t, m: sim.New(sim.Options{})}
	b.lib = b.m.Lt(o)
	driver, err := drv.Open(b.m)
	b.must(err)
	b.dev, err = driver.Device(0)
	b.must(err)
	b.stream, err = b.dev.NewStream()
	b.must(err)
	b.lt, err = lt.Open(b.lib, b.stream, 1<<20)
	b.must(err)
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// done closes what newBench opened; nothing may be left, and nothing have been wrong.
func (b *bench) done(allocated ...drv.Ptr) {
	b.t.Helper()
	b.must(b.lt.Close(b.stream))
	for _, p := range allocated {
		b.must(b.dev.Free(p))
	}
	b.must(b.stream.Destroy())
	b.must(b.dev.Close())
	b.must(b.m.Close())
}

// upload returns numbers on the device, in bits as BF16 if so said.
func (b *bench) upload(x []float32, narrow bool) drv.Ptr {
	b.t.Helper()
	n := 4 * len(x)
	p, err := b.dev.Alloc(int64(n))
	b.must(err)
	host, err := b.dev.AllocHost(n)
	b.must(err)
	if narrow {
		to := unsafe.Slice((*uint16)(unsafe.Pointer(&host.Bytes()[0])), len(x))
		for i, v := range x {
			to[i] = uint16(math.Float32bits(v) >> 16)
		}
	} else {
		copy(unsafe.Slice((*float32)(unsafe.Pointer(&host.Bytes()[0])), len(x)), x)
	}
	b.must(b.stream.CopyIn(p, host, 0, n))
	b.must(b.stream.Sync())
	b.must(host.Free())
	return p
}

func (b *bench) download(p drv.Ptr, n int) []float32 {
	b.t.Helper()
	host, err := b.dev.AllocHost(4 * n)
	b.must(err)
	b.must(b.stream.CopyOut(host, 0, p, 4*n))
	b.must(b.stream.Sync())
	x := append([]float32(nil), unsafe.Slice((*float32)(unsafe.Pointer(&host.Bytes()[0])), n)...)
	b.must(host.Free())
	return x
}

// product fills in the sizes of dense operands.
func product(m, n, k int, transA, transB bool) lt.Product {
	p := lt.Product{M: m, N: n, K: k, TransA: transA, TransB: transB, LDA: k, LDB: n, LDC: n, Compute: lt.ComputeF32, Epilogue: lt.Default}
	if transA {
		p.LDA = m
	}
	if transB {
		p.LDB = k
	}
	return p
}

func whole(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.IntN(7) - 3)
	}
	return x
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// element is element i of row r of op(x), where x has rows ld apart.
func element(x []float32, r, i, ld int, transposed bool) float32 {
	if transposed {
		r, i = i, r
	}
	return x[r*ld+i]
}

// run computes p with the workspace that it asks for.
func (b *bench) run(p lt.Product, o lt.Operands) {
	b.t.Helper()
	need, err := b.lt.Prepare(b.stream, p)
	b.must(err)
	o.Workspace, err = b.dev.Alloc(need + 1)
	b.must(err)
	o.Bytes = need
	b.must(b.lt.Run(b.stream, p, o))
	b.must(b.stream.Sync())
	b.must(b.dev.Free(o.Workspace))
}

// Every transposition, type and epilogue against the definition, on whole numbers, which
// any order of sums adds up alike.
func TestProductsAreRowMajor(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for flags := range 16 {
		b := newBench(t, sim.LtOptions{})
		p := product(5, 9, 13, flags&1 != 0, flags&2 != 0)
		if flags&4 != 0 {
			p.Operands = lt.BF16
		}
		o := lt.Operands{}
		if flags&8 != 0 {
			p.Epilogue, o.Beta = lt.ReLU|lt.Bias, 1
		}
		x, w, c, bias := whole(r, p.M*p.K), whole(r, p.K*p.N), whole(r, p.M*p.N), whole(r, p.N)
		o.A, o.B, o.C, o.Bias = b.upload(x, flags&4 != 0), b.upload(w, flags&4 != 0), b.upload(c, false), b.upload(bias, false)
		o.D = b.upload(make([]float32, p.M*p.N), false)
		b.run(p, o)
		for at, got := range b.download(o.D, p.M*p.N) {
			i, j := at/p.N, at%p.N
			var want float32
			for l := range p.K {
				want += element(x, i, l, p.LDA, p.TransA) * element(w, l, j, p.LDB, p.TransB)
			}
			if flags&8 != 0 {
				want = max(want+c[at]+bias[j], 0)
			}
			if got != want {
				t.Fatalf("%v: [%d %d] = %v, want %v", p, i, j, got, want)
			}
		}
		b.done(o.A, o.B, o.C, o.D, o.Bias)
	}
}

// The library's own choice would give a row other bits in other company; ours does not.
func TestRowsKeepTheirBits(t *testing.T) {
	b := newBench(t, sim.LtOptions{SplitK: true})
	r := rand.New(rand.NewPCG(3, 4))
	const most, n, k = 130, 24, 200
	a, w := b.upload(normal(r, most*k), false), b.upload(normal(r, n*k), false)
	d := b.upload(make([]float32, most*n), false)
	var want []float32
	for _, m := range []int{most, 1, 2, 63, 64, 129} {
		b.run(product(m, n, k, false, true), lt.Operands{A: a, B: w, C: d, D: d})
		got := b.download(d, n)
		if want == nil {
			want = got
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("row 0 of %d: [%d] = %v, of %d %v", m, i, got[i], most, want[i])
			}
		}
	}
	if n := b.lib.Count("cublasLtMatmulAlgoGetHeuristic"); n != 1 {
		t.Errorf("the heuristic was asked %d times", n)
	}
	if n := b.lib.Split(); n != 0 {
		t.Errorf("%d products cut the inner axis", n)
	}
	b.done(a, w, d)
}

// An algorithm is chosen while the address of the bias is none of those to come: it may rely
// on no more than they all are multiples of.
func TestBiasAtAnyAlignedAddress(t *testing.T) {
	b := newBench(t, sim.LtOptions{})
	r := rand.New(rand.NewPCG(3, 4))
	p := product(5, 8, 8, false, true)
	p.Epilogue = lt.Bias
	x, w, bias, d := b.upload(whole(r, 40), false), b.upload(whole(r, 64), false), b.upload(whole(r, 16), false), b.upload(make([]float32, 40), false)
	b.run(p, lt.Operands{A: x, B: w, C: d, D: d, Bias: bias + lt.Alignment})
	b.done(x, w, bias, d)
}

func TestRefusals(t *testing.T) {
	b := newBench(t, sim.LtOptions{
		Refuse:     func(p sim.LtProduct) bool { return p.Epilogue != 1 },
		RefuseRows: func(rows int) bool { return rows == 7 },
	})
	p := product(5, 8, 8, false, true)
	p.Epilogue = lt.Bias
	var refused *lt.Refused
	for range 2 {
		if _, err := b.lt.Prepare(b.stream, p); !errors.As(err, &refused) || !strings.Contains(err.Error(), "CUBLAS_STATUS_NOT_SUPPORTED") {
			t.Fatalf("%v", err)
		}
	}
	if n := b.lib.Count("cublasLtMatmulAlgoGetHeuristic"); n != 1 {
		t.Errorf("the heuristic was asked %d times for one product", n)
	}
	p.Epilogue = lt.Default
	for range 2 {
		if _, err := b.lt.Prepare(b.stream, p); err != nil {
			t.Fatal(err)
		}
		q := p
		q.M = 7
		if _, err := b.lt.Prepare(b.stream, q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "does not take this one") {
			t.Fatalf("%v", err)
		}
	}
	b.done()
}

func TestErrorsNameStatusAndRemedy(t *testing.T) {
	for status, want := range map[int]string{
		1: "cublasLtMatmul: CUBLAS_STATUS_NOT_INITIALIZED (1): the driver is too old", 7: "INVALID_VALUE (7)", 13: "EXECUTION_FAILED (13)",
		14: "INTERNAL_ERROR (14)", 15: "NOT_SUPPORTED (15)", 99: "cublasLtMatmul: cublasStatus_t 99",
	} {
		b := newBench(t, sim.LtOptions{Fail: func(call string, n int) int {
			if call == "cublasLtMatmul" {
				return status
			}
			return 0
		}})
		p := product(1, 4, 4, false, false)
		x := b.upload(make([]float32, 1<<15), false)
		err := b.lt.Run(b.stream, p, lt.Operands{A: x, B: x + 64, C: x + 128, D: x + 128, Workspace: x + 256, Bytes: 1 << 14})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %q in it", status, err, want)
		}
		b.done(x)
	}
}

func TestTooLittleWorkspaceIsAnError(t *testing.T) {
	b := newBench(t, sim.LtOptions{})
	x := b.upload(make([]float32, 64), false)
	err := b.lt.Run(b.stream, product(1, 4, 4, false, false), lt.Operands{A: x, B: x, C: x, D: x})
	if err == nil || !strings.Contains(err.Error(), "bytes of workspace") {
		t.Error(err)
	}
	b.done(x)
}

// Addresses are promised to be multiples of 16; the simulation holds the caller to it.
func TestUnalignedOperandsAreFound(t *testing.T) {
	b := newBench(t, sim.LtOptions{})
	x := b.upload(make([]float32, 1<<14), false)
	if err := b.lt.Run(b.stream, product(1, 4, 4, false, false), lt.Operands{A: x + 4, B: x, C: x, D: x, Workspace: x, Bytes: 1 << 14}); err == nil {
		t.Error("no error")
	}
	if err := b.m.Err(); err == nil || !strings.Contains(err.Error(), "is not aligned to 16") {
		t.Errorf("%v", err)
	}
}

func TestVersionAndMissingSymbols(t *testing.T) {
	b := newBench(t, sim.LtOptions{Version: 111103})
	if v := b.lt.Version(); v != "11.11.3" {
		t.Error(v)
	}
	lib := b.m.Lt(sim.LtOptions{Missing: []string{"cublasLtMatmulAlgoCheck"}})
	if _, err := lt.Open(lib, b.stream, 0); err == nil || !strings.Contains(err.Error(), "cublasLtMatmulAlgoCheck") {
		t.Errorf("%v", err)
	}
	lib = b.m.Lt(sim.LtOptions{Fail: func(string, int) int { return 1 }})
	if _, err := lt.Open(lib, b.stream, 0); err == nil || !strings.Contains(err.Error(), "CUBLAS_STATUS_NOT_INITIALIZED") {
		t.Errorf("%v", err)
	}
	b.done()
}

// Weight gradients come in as many lengths as there are passes: plans do not pile up.
func TestPlansAreBounded(t *testing.T) {
	b := newBench(t, sim.LtOptions{})
	for k := 1; k <= 1500; k++ {
		if _, err := b.lt.Prepare(b.stream, product(4, 4, k, true, false)); err != nil {
			t.Fatal(err)
		}
	}
	made, gone := b.lib.Count("cublasLtMatmulDescCreate"), b.lib.Count("cublasLtMatmulDescDestroy")
	if made != 1500 || made-gone > 1024 {
		t.Errorf("%d plans made, %d given back", made, gone)
	}
	b.done()
}
