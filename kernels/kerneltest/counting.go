package kerneltest

import (
	"sync"

	"lamina/kernels"
	"lamina/tensor"
)

// Product is what a [Counting] backend notes of each product of a MatMul,
// MatMuls, MatVec or MatVecs call.
type Product struct {
	M, N, P        int // C is [M N], the inner size is P
	TransA, TransB bool
	Accumulate     bool
	Bias           bool
	Func           kernels.Func
	Residual       bool
	A, B           tensor.DType
}

// Counting passes every call on to a backend and counts it: it proves what a
// pass does not compute, such as weight gradients of frozen layers (products
// with TransA), without timing anything. Calls may come from several goroutines.
type Counting struct {
	kernels.Backend

	mu       sync.Mutex
	calls    map[string]int
	products []Product
	flops    int64
}

// NewCounting returns a counter around be.
func NewCounting(be kernels.Backend) *Counting {
	return &Counting{Backend: be, calls: map[string]int{}}
}

// Calls returns how often a Backend method was called, by its name.
func (c *Counting) Calls(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[method]
}

// Products returns the matrix products in order of their calls.
func (c *Counting) Products() []Product {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Product(nil), c.products...)
}

// FLOPs returns the floating-point operations of products and attention:
// 2·M·N·P for a product; 4·H·K for each pair of a row and a position it sees
// forward, 10·H·K backward. Everything else is not counted.
func (c *Counting) FLOPs() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flops
}

// Reset forgets all counts.
func (c *Counting) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.calls)
	c.products, c.flops = nil, 0
}

func (c *Counting) count(method string) {
	c.mu.Lock()
	c.calls[method]++
	c.mu.Unlock()
}

func (c *Counting) addProduct(p Product) {
	c.mu.Lock()
	c.products = append(c.products, p)
	c.flops += 2 * int64(p.M) * int64(p.N) * int64(p.P)
	c.mu.Unlock()
}

func (c *Counting) countAttention(method string, a kernels.AttentionArgs, perPair int64) {
	c.count(method)
	pairs := int64(0)
	for _, s := range a.Segments {
		n := int64(s.Len)
		pairs += n*int64(s.PrefixLen) + n*(n+1)/2
	}
	c.mu.Lock()
	c.flops += perPair * pairs * int64(a.Heads) * int64(a.HeadDim)
	c.mu.Unlock()
}

// MatMul implements kernels.Backend.
func (c *Counting) MatMul(a kernels.MatMulArgs) {
	c.count("MatMul")
	c.addProduct(productOf(a))
	c.Backend.MatMul(a)
}

// MatMuls implements kernels.Backend.
func (c *Counting) MatMuls(products []kernels.MatMulArgs) {
	c.count("MatMuls")
	for _, a := range products {
		c.addProduct(productOf(a))
	}
	c.Backend.MatMuls(products)
}

func productOf(a kernels.MatMulArgs) Product {
	p := Product{
		M: a.C.Rows(), N: a.C.Cols(), P: a.A.Cols(),
		TransA: a.TransA, TransB: a.TransB, Accumulate: a.Accumulate,
		Bias: !a.Bias.IsNone(), Func: a.Func, Residual: !a.Residual.IsNone(),
		A: a.A.DType(), B: a.B.DType(),
	}
	if a.TransA {
		p.P = a.A.Rows()
	}
	return p
}

// MatVec implements kernels.Backend.
func (c *Counting) MatVec(a kernels.MatMulArgs) {
	c.count("MatVec")
	c.addProduct(productOf(a))
	c.Backend.MatVec(a)
}

// MatVecs implements kernels.Backend.
func (c *Counting) MatVecs(products []kernels.MatMulArgs) {
	c.count("MatVecs")
	for _, a := range products {
		c.addProduct(productOf(a))
	}
	c.Backend.MatVecs(products)
}

// Attention implements kernels.Backend.
func (c *Counting) Attention(a kernels.AttentionArgs) {
	c.countAttention("Attention", a, 4)
	c.Backend.Attention(a)
}

// AttentionDecode implements kernels.Backend.
func (c *Counting) AttentionDecode(a kernels.AttentionArgs) {
	c.countAttention("AttentionDecode", a, 4)
	c.Backend.AttentionDecode(a)
}

// AttentionBackward implements kernels.Backend.
func (c *Counting) AttentionBackward(a kernels.AttentionGrads) {
	c.countAttention("AttentionBackward", a.Fwd, 10)
	c.Backend.AttentionBackward(a)
}
