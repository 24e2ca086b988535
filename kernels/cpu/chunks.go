package cpu

import "lamina/tensor"

// smallWork is the work of a call, in elements times the cost of one, below
// which waking other workers costs more than it saves: some 20 µs.
const smallWork = 1 << 16

// chunkLen is how many elements one chunk of an elementwise loop takes, and
// about how many a chunk of rows has: 64 KiB of each operand, in the second-level
// cache together. It is a multiple of every storage block.
const chunkLen = 1 << 14

// Costs of one element relative to a sum.
const (
	cheap     = 1
	expensive = 8 // exponentials
)

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
	be.each(n*cost, ceilDiv(n, chunkLen), func(chunk int) {
		f(chunk*chunkLen, min((chunk+1)*chunkLen, n))
	})
}

// eachRow cuts rows of cols elements into groups of about chunkLen elements and
// calls f for each row.
func (be *Backend) eachRow(rows, cols, cost int, f func(row int)) {
	group := max(1, chunkLen/max(cols, 1))
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
