package workload

import (
	"fmt"

	"lamina/internal/par"
	"lamina/kernels"
	"lamina/tensor"
)

// Product is C [M N] = op(A)·op(B) of inner size K, as often as Batch says, each
// with operands of its own: the heads of an attention.
type Product struct {
	M, N, K int
	Batch   int
	TransA  bool // A is stored [K M]
	TransB  bool // B is stored [N K]
}

// Op names the transposition.
func (p Product) Op() string {
	switch {
	case p.TransA:
		return "AtB"
	case p.TransB:
		return "ABt"
	}
	return "AB"
}

// String is "MxNxK op", with the batch in front if there is one.
func (p Product) String() string {
	text := fmt.Sprintf("%dx%dx%d %s", p.M, p.N, p.K, p.Op())
	if p.Batch > 1 {
		return fmt.Sprintf("%d of %s", p.Batch, text)
	}
	return text
}

// FLOP returns the operations.
func (p Product) FLOP() float64 {
	return 2 * float64(p.M) * float64(p.N) * float64(p.K) * float64(p.Batch)
}

// Products returns squares, those of OPT-125M's and SmolLM2-135M's layers at 512
// tokens, heads, a row, and the small ones of scoring and attention, each as A·B,
// A·Bᵀ and Aᵀ·B.
func Products() []Product {
	var all []Product
	for _, s := range [][4]int{
		{64, 64, 64, 1}, {128, 128, 128, 1}, {256, 256, 256, 1}, {512, 512, 512, 1}, {1024, 1024, 1024, 1}, {2048, 2048, 2048, 1},
		{512, 768, 768, 1}, {512, 3072, 768, 1}, {512, 768, 3072, 1}, {512, 1536, 576, 1}, {480, 192, 576, 1},
		{64, 49152, 576, 1}, {256, 50272, 2048, 1}, {1, 8192, 2048, 1}, {25, 25, 64, 144},
	} {
		for _, t := range [][2]bool{{false, false}, {false, true}, {true, false}} {
			all = append(all, Product{s[0], s[1], s[2], s[3], t[0], t[1]})
		}
	}
	return all
}

// Work returns the product on a backend, B stored as d. A batch is shared out to so many
// goroutines, since each product of it is too small for two; like those of a batched
// product, they wait for the next call.
func (p Product) Work(be kernels.Backend, d tensor.DType, threads int) Work {
	calls := make([]kernels.MatMulArgs, p.Batch)
	for i := range calls {
		a, b := [2]int{p.M, p.K}, [2]int{p.K, p.N}
		if p.TransA {
			a[0], a[1] = a[1], a[0]
		}
		if p.TransB {
			b[0], b[1] = b[1], b[0]
		}
		calls[i] = kernels.MatMulArgs{
			C: tensor.MustNew(be, tensor.F32, p.M, p.N), TransA: p.TransA, TransB: p.TransB,
			A: Stored(be, tensor.F32, uint64(2*i+1), a[0], a[1]), B: Stored(be, d, uint64(2*i+2), b[0], b[1]),
		}
	}
	w := Work{Run: func() { kernels.MatMul(be, calls[0]) }, Cost: Cost{FLOP: p.FLOP()}}
	if p.Batch > 1 {
		pool, pieces := par.New(threads), 4*threads
		w.Done = pool.Close
		w.Run = func() {
			pool.For(pieces, func(i int) {
				for _, c := range calls[i*len(calls)/pieces : (i+1)*len(calls)/pieces] {
					kernels.MatMul(be, c)
				}
			})
		}
	}
	return w
}

// RoundedProducts are those of Products that are measured in every precision: squares and
// layers, by a weight.
func RoundedProducts() []Product {
	var some []Product
	for _, p := range Products() {
		if p.TransB && min(p.M, p.N, p.K) >= 512 && p.M <= 1024 {
			some = append(some, p)
		}
	}
	return some
}

// FewRows is a product of some rows, too few for it to be held against the peak, with a weight
// [n p] of a storage type, which is read once.
func FewRows(be kernels.Backend, d tensor.DType, rows, n, p int) Work {
	w := Stored(be, d, 1, n, p)
	x, y := Stored(be, tensor.F32, 2, rows, p), tensor.MustNew(be, tensor.F32, rows, n)
	return Work{Cost: Cost{Read: float64(w.Bytes())}, Run: func() { kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true}) }}
}

// MatVec is one row against a weight [n p] of a storage type: the product of
// decoding.
func MatVec(be kernels.Backend, d tensor.DType, n, p int) Work {
	w := Stored(be, d, 1, n, p)
	x, y := Stored(be, tensor.F32, 2, 1, p), tensor.MustNew(be, tensor.F32, 1, n)
	return Work{Cost: Cost{Read: float64(w.Bytes())}, Run: func() { kernels.MatVec(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true}) }}
}

// WeightTypes returns the storage types a weight may have.
func WeightTypes() []tensor.DType {
	var all []tensor.DType
	for _, name := range []string{"F32", "BF16", "F16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "Q4_K", "Q5_K", "Q6_K"} {
		if d, ok := tensor.ParseDType(name); ok {
			all = append(all, d)
		}
	}
	return all
}
