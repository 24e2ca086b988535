package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// vecChunk is how many elements of the weight one chunk of MatVec reads: one run
// of memory long enough to be worth fetching ahead, short enough to share out.
const vecChunk = 1 << 16

// vector is one call of MatVec or MatVecs, reused as product is.
type vector struct {
	be       *Backend
	products []vecProduct
	inputs   []vecInput
	one      [1]kernels.MatMulArgs
	run      func(chunk int)
}

// vecProduct is one of the products.
type vecProduct struct {
	w      weight
	c      []float32
	finish epilogue
	input  int // which of the inputs
	step   int // rows of w in a chunk
	first  int // chunk of the call
}

// vecInput is the rows of A made ready for weights of one storage type.
type vecInput struct {
	dtype tensor.DType
	rows  []simd.Vector
}

// MatVec implements kernels.Backend.
func (be *Backend) MatVec(args kernels.MatMulArgs) {
	v := be.vecCall()
	v.one[0] = args
	v.compute(v.one[:])
	v.one[0] = kernels.MatMulArgs{}
	be.vectors.put(v)
}

// MatVecs implements kernels.Backend.
func (be *Backend) MatVecs(products []kernels.MatMulArgs) {
	if len(products) > 0 {
		v := be.vecCall()
		v.compute(products)
		be.vectors.put(v)
	}
}

func (be *Backend) vecCall() *vector {
	v := be.vectors.get()
	if v.be == nil {
		v.be, v.run = be, v.chunk
	}
	return v
}

func (v *vector) compute(products []kernels.MatMulArgs) {
	a := products[0].A
	chunks, work := 0, 0
	for _, args := range products {
		mustF32("MatVec", args.C, args.A)
		p := vecProduct{w: weightOf(args.B), c: f32(args.C), finish: epilogueOf(args), first: chunks}
		p.input = v.input(p.w.dtype, a)
		p.step = max(vecChunk/max(p.w.cols, 1), 1)
		chunks += ceilDiv(p.w.rows, p.step)
		work += p.w.rows * p.w.cols
		v.products = append(v.products, p)
	}
	v.be.each(work*a.Rows(), chunks, v.run)
	clear(v.products)
	v.products, v.inputs = v.products[:0], v.inputs[:0]
}

// input returns the number of the input for weights of type d, which it makes of
// A's rows if there is none.
func (v *vector) input(d tensor.DType, a tensor.Tensor) int {
	n := len(v.inputs)
	for i := range v.inputs {
		if v.inputs[i].dtype == d {
			return i
		}
	}
	if n == cap(v.inputs) {
		v.inputs = append(v.inputs, vecInput{})
	}
	v.inputs = v.inputs[:n+1] // the vectors of an earlier call keep their memory
	in, x, k := &v.inputs[n], f32(a), a.Cols()
	in.dtype = d
	for len(in.rows) < a.Rows() {
		in.rows = append(in.rows, simd.Vector{})
	}
	for r := range a.Rows() {
		in.rows[r].Set(x[r*k:(r+1)*k], d)
	}
	return n
}

// chunk computes columns of C, for all its rows. The sums gather in scratch
// memory, as Residual may be C.
func (v *vector) chunk(chunk int) {
	i := len(v.products) - 1
	for v.products[i].first > chunk {
		i--
	}
	p := &v.products[i]
	from := (chunk - p.first) * p.step
	to := min(from+p.step, p.w.rows)
	s := v.be.scratch.get()
	sums := s.floats(to - from)
	for r := range len(p.c) / p.w.rows {
		clear(sums)
		if p.finish.bias != nil {
			copy(sums, p.finish.bias[from:to])
		}
		v.inputs[p.input].rows[r].DotRows(sums, p.w.bytes[from*p.w.rowBytes:to*p.w.rowBytes])
		if p.finish.f != nil {
			p.finish.f(sums, sums)
		}
		c := p.c[r*p.w.rows+from : r*p.w.rows+to]
		if p.finish.residual != nil {
			simd.Add(c, sums, p.finish.residual[r*p.w.rows+from:])
		} else {
			copy(c, sums)
		}
	}
	v.be.scratch.put(s)
}
