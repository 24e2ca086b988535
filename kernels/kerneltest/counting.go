package kerneltest

import (
	"maps"
	"sync"

	"lamina/kernels"
	"lamina/kernels/intercept"
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
// with TransA), and how often it crosses between host and device, without timing
// anything. Calls may come from several goroutines.
type Counting struct {
	tensor.Device
	intercept.Calls

	mu       sync.Mutex
	calls    map[string]int
	products []Product
	flops    int64
}

// NewCounting returns a counter around be.
func NewCounting(be kernels.Backend) *Counting {
	c := &Counting{Device: be, calls: map[string]int{}}
	c.Around = func(call intercept.Call) {
		c.note(call)
		call.Run(be)
	}
	return c
}

// Queue returns c, which counts all queues as one.
func (c *Counting) Queue() (kernels.Backend, error) { return c, nil }

// Upload counts under "Upload" and passes on.
func (c *Counting) Upload(dst tensor.Memory, offset int, src []byte) {
	c.count("Upload")
	c.Device.Upload(dst, offset, src)
}

// Download counts under "Download" and passes on.
func (c *Counting) Download(dst []byte, src tensor.Memory, offset int) {
	c.count("Download")
	c.Device.Download(dst, src, offset)
}

// Times returns how often a method was called, by its name: one that computes,
// "Upload" or "Download".
func (c *Counting) Times(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[method]
}

// calledMethods returns how often each method was called.
func (c *Counting) calledMethods() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// methodsSince returns the methods that were called more often than before.
func (c *Counting) methodsSince(before map[string]int) (methods []string) {
	for name, n := range c.calledMethods() {
		if n > before[name] {
			methods = append(methods, name)
		}
	}
	return methods
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

// note counts a call, and what it computes.
func (c *Counting) note(call intercept.Call) {
	c.count(call.Method)
	switch a := call.Args[0].(type) {
	case kernels.MatMulArgs:
		c.addProduct(productOf(a))
	case []kernels.MatMulArgs:
		for _, product := range a {
			c.addProduct(productOf(product))
		}
	case kernels.AttentionArgs:
		c.addAttention(a, 4)
	case kernels.AttentionGrads:
		c.addAttention(a.Fwd, 10)
	}
}

func (c *Counting) addProduct(p Product) {
	c.mu.Lock()
	c.products = append(c.products, p)
	c.flops += 2 * int64(p.M) * int64(p.N) * int64(p.P)
	c.mu.Unlock()
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

func (c *Counting) addAttention(a kernels.AttentionArgs, perPair int64) {
	pairs := int64(0)
	for _, s := range a.Segments {
		n := int64(s.Len)
		pairs += n*int64(s.PrefixLen) + n*(n+1)/2
	}
	c.mu.Lock()
	c.flops += perPair * pairs * int64(a.Heads) * int64(a.HeadDim)
	c.mu.Unlock()
}
