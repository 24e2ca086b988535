package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// vecChunk is how many bytes of the weight one chunk of MatVec reads at most: runs of
// memory long enough for the processor to fetch ahead, whose first lines, which it
// does not, cost a few percent. vecShares is into how many chunks a smaller weight is
// cut, vecLeast how small they may be for that: some 3 µs.
const (
	vecChunk  = 1 << 17
	vecShares = 4
	vecLeast  = 1 << 15
)

// A weight stored [P N] is gone through vecCols columns and vecRows rows at a time:
// whole blocks of any storage type, and no more runs of memory at once than are
// fetched ahead.
const (
	vecCols = 256
	vecRows = 16
)

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
	n      int // columns of C
	finish epilogue
	transB bool
	input  int       // which of the inputs, with transB
	a      []float32 // without
	step   int       // columns of C in a chunk
	first  int       // chunk of the call
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
		p := vecProduct{w: weightOf(args.B), c: f32(args.C), n: args.C.Cols(), transB: args.TransB, first: chunks}
		p.finish.set(&args)
		if p.transB {
			p.input = v.input(p.w.dtype, a)
			p.step = vecRowsOf(p.n, p.w.rowBytes)
		} else {
			p.a, p.step = f32(a), vecCols
		}
		chunks += ceilDiv(p.n, p.step)
		work += p.w.rows * p.w.cols
		v.products = append(v.products, p)
	}
	v.be.each(work*a.Rows(), chunks, v.run)
	clear(v.products)
	v.products, v.inputs = v.products[:0], v.inputs[:0]
}

// vecRowsOf returns how many of n rows of so many bytes a chunk takes. Chunks are alike
// and a power of two in number, so that two, four or eight workers end together.
func vecRowsOf(n, rowBytes int) int {
	chunks := 1
	for size := n * rowBytes; size/chunks > vecChunk || chunks < vecShares && size/chunks >= 2*vecLeast; {
		chunks *= 2
	}
	return max(ceilDiv(n, chunks), 1)
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
		if d.IsBlock() && v.be.precision == kernels.PrecisionQ8 {
			in.rows[r].SetQ8(x[r*k:(r+1)*k], d)
		} else {
			in.rows[r].Set(x[r*k:(r+1)*k], d)
		}
	}
	return n
}

// chunk computes columns of C, for all its rows.
func (v *vector) chunk(chunk int) {
	i := len(v.products) - 1
	for v.products[i].first > chunk {
		i--
	}
	p := &v.products[i]
	from := (chunk - p.first) * p.step
	to := min(from+p.step, p.n)
	s := v.be.scratch.get()
	if p.transB {
		sums := s.floats(to - from)
		for r := range len(p.c) / p.n {
			p.begin(sums, from)
			v.inputs[p.input].rows[r].DotRows(sums, p.w.bytes[from*p.w.rowBytes:to*p.w.rowBytes])
			p.end(sums, r, from)
		}
	} else {
		p.addRows(s, from, to)
	}
	v.be.scratch.put(s)
}

// addRows computes columns [from, to) of C from a weight stored [P N]: its rows times
// elements of A are added one after the other.
func (p *vecProduct) addRows(s *scratch, from, to int) {
	n, m := to-from, len(p.c)/p.n
	buf := s.floats((m + vecRows) * n)
	sums, wide := take(&buf, m*n), take(&buf, vecRows*n)
	for r := range m {
		p.begin(sums[r*n:(r+1)*n], from)
	}
	for p0 := 0; p0 < p.w.rows; p0 += vecRows {
		k := min(vecRows, p.w.rows-p0)
		rows, stride := wide, n
		if p.w.f32 != nil {
			rows, stride = p.w.f32[p0*p.w.cols+from:], p.w.cols
		} else {
			for i := range k {
				p.w.row(wide[i*n:], p0+i, from, to)
			}
		}
		for r := range m {
			simd.AddRows(sums[r*n:(r+1)*n], p.a[r*p.w.rows+p0:][:k], rows, stride)
		}
	}
	for r := range m {
		p.end(sums[r*n:(r+1)*n], r, from)
	}
}

// begin sets sums of columns from from on to what they begin with.
func (p *vecProduct) begin(sums []float32, from int) {
	clear(sums)
	if p.finish.bias != nil {
		copy(sums, p.finish.bias[from:])
	}
}

// end finishes sums of row r and writes them to C. They were gathered elsewhere, as
// Residual may be C.
func (p *vecProduct) end(sums []float32, r, from int) {
	if p.finish.f != nil {
		p.finish.f(sums, sums)
	}
	c := p.c[r*p.n+from:][:len(sums)]
	if p.finish.residual != nil {
		simd.Add(c, sums, p.finish.residual[r*p.n+from:])
	} else {
		copy(c, sums)
	}
}
