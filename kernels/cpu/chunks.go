package cpu

import "lamina/tensor"

// smallWork is the work of a call below which other workers cost more than they
// save: some 10 µs. Its unit is 8 multiply-adds of a product.
const smallWork = 1 << 16

// Costs of one element in that unit.
const (
	cheap     = 2 // reading two numbers and writing one, in the second-level cache
	expensive = 8 // exponentials
)

// shareLen is about how many of n elements one chunk of an elementwise loop, or of
// rows, takes: 64 KiB of each operand, which fit the second-level cache together,
// or less to make 16 chunks. It is a multiple of every storage block.
func shareLen(n int) int {
	const least, most = 1 << 11, 1 << 14
	return min(max(least, n/16/least*least), most)
}

// sumLen is how many elements one partial sum of a sum over everything covers. It
// is part of the order of sums.
const sumLen = 1 << 14

// each runs f for chunks 0 to n-1: on the caller if work is small, else on the
// pool.
func (be *Backend) each(work, n int, f func(chunk int)) {
	if work >= be.small {
		be.pool.For(n, f)
		return
	}
	for i := range n {
		f(i)
	}
}

// eachRun cuts n elements into runs and calls f for each.
func (be *Backend) eachRun(n, cost int, f func(from, to int)) {
	be.eachPiece(n, shareLen(n), cost, f)
}

// eachPiece cuts n elements into pieces of the given length and calls f for each.
func (be *Backend) eachPiece(n, length, cost int, f func(from, to int)) {
	be.each(n*cost, ceilDiv(n, length), func(chunk int) {
		f(chunk*length, min((chunk+1)*length, n))
	})
}

// eachRow cuts rows of cols elements into groups of about shareLen elements and
// calls f for each row.
func (be *Backend) eachRow(rows, cols, cost int, f func(row int)) {
	group := max(1, shareLen(rows*cols)/max(cols, 1))
	be.each(rows*cols*cost, ceilDiv(rows, group), func(chunk int) {
		for r := chunk * group; r < min((chunk+1)*group, rows); r++ {
			f(r)
		}
	})
}

// f32 returns an F32 tensor's elements in place, nil for none.
func f32(t tensor.Tensor) []float32 { return tensor.HostFloats[float32](t) }

// take cuts n floats off the front of *buf.
func take(buf *[]float32, n int) []float32 {
	piece := (*buf)[:n:n]
	*buf = (*buf)[n:]
	return piece
}

// sums64 returns n float64 sums in s, undefined.
func (s *scratch) sums64(n int) []float64 {
	return tensor.View[float64](tensor.Bytes(s.floats(2 * n)))
}

// partials are n rows of width floats in s, one for each chunk of a sum over
// rows. They are added in order, so the sum does not depend on who made which.
type partials struct {
	data     []float32
	n, width int
}

func (s *scratch) partials(n, width int) partials {
	return partials{s.floats(n * width), n, width}
}

func (p partials) row(i int) []float32 { return p.data[i*p.width : (i+1)*p.width] }
