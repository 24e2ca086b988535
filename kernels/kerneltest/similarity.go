package kerneltest

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var similarityRows = []row{
	{"Pool", (*suite).pool},
	{"Gram", (*suite).gram},
}

// pool holds pooled states against loops in float64, if the backend has them.
func (s *suite) pool(t *testing.T) {
	if !kernels.HasSimilarity(s.be) {
		t.Skip("the backend leaves states to be pooled on the host")
	}
	segments := []kernels.Segment{{Start: 0, Len: 2}, {Start: 2, Len: 40}, {Start: 44, Len: 7}}
	const rows = 51
	for _, width := range []int{1, 3, 257} {
		x := newSource(uint64(width)).normal(rows*width, 1)
		x[4*width], x[44*width] = math.NaN(), math.Inf(1)
		for i := range width {
			x[6*width+i] = 0
		}
		for kind := kernels.PoolMean; kind <= kernels.PoolMin; kind++ {
			for skip := range 2 {
				for _, scaled := range []bool{false, true} {
					a := kernels.PoolArgs{
						Y: tensor.MustNew(s.be, tensor.F32, 3, width), Norms: tensor.MustNew(s.be, tensor.F64, 3, 2),
						X: tensor.MustFromFloats(s.be, tensor.F32, x, rows, width), Segments: segments, Kind: kind, Skip: skip, Scaled: scaled,
					}
					kernels.Pool(s.be, a)
					s.comparePooled(t, a, x)
				}
			}
		}
	}
}

func (s *suite) comparePooled(t *testing.T, a kernels.PoolArgs, x []float64) {
	t.Helper()
	width, y, norms := a.X.Cols(), a.Y.Floats(), a.Norms.Floats()
	for i, seg := range a.Segments {
		values := x[seg.Start*width : (seg.Start+seg.Len)*width]
		most, sum := 0.0, 0.0
		for r := range seg.Len {
			norm := squaresOf(values[r*width : (r+1)*width])
			if norm == norm {
				most = max(most, norm)
			}
			sum += norm
		}
		for k, want := range []float64{most, sum} {
			if got := norms[2*i+k]; !near(got, want, 1e-12*want, tensor.F64) {
				t.Fatalf("width %d: norms of sample %d: %v, want %v", width, i, norms[2*i:2*i+2], []float64{most, sum})
			}
		}
		for col := range width {
			want, size := pooled(a, values, col)
			if got := y[i*width+col]; !near(got, want, 4*unit(tensor.F32)*size, tensor.F32) {
				t.Fatalf("width %d, pooling %d, skip %d, scaled %t: sample %d: feature %d is %v, want %v", width, a.Kind, a.Skip, a.Scaled, i, col, got, want)
			}
		}
	}
}

func squaresOf(x []float64) (sum float64) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// pooled returns a feature of a sample's states and the size of what it is made of.
func pooled(a kernels.PoolArgs, values []float64, col int) (v, size float64) {
	width := a.X.Cols()
	var sum, weights float64
	top, low := math.Inf(-1), math.Inf(1)
	for r := a.Skip; r < len(values)/width; r++ {
		row := values[r*width : (r+1)*width]
		v = row[col]
		if rms := math.Sqrt(squaresOf(row) / float64(width)); a.Scaled && rms != 0 {
			v /= rms
		}
		weight := 1.0
		if a.Kind == kernels.PoolPositions {
			weight = float64(r - a.Skip + 1)
		}
		if sum, weights = sum+weight*v, weights+weight; class(v) == 0 {
			size = max(size, math.Abs(v))
		}
		top, low = max(top, v), min(low, v)
	}
	switch a.Kind {
	case kernels.PoolLast:
		return v, size
	case kernels.PoolMax:
		return top, size
	case kernels.PoolMin:
		return low, size
	}
	return sum / weights, size
}

// gram holds centred Gram matrices against sums in float64, if the backend has them.
func (s *suite) gram(t *testing.T) {
	if !kernels.HasSimilarity(s.be) {
		t.Skip("the backend leaves Gram matrices to the host")
	}
	for _, shape := range [][2]int{{1, 5}, {3, 1}, {33, 300}, {65, 31}, {32, 256}, {2, 1000}} {
		n, d := shape[0], shape[1]
		x := newSource(uint64(n)).normal(n*d, 3)
		k := tensor.MustNew(s.be, tensor.F64, n, n)
		kernels.Gram(s.be, kernels.GramArgs{K: k, X: tensor.MustFromFloats(s.be, tensor.F32, x, n, d)})
		for col := range d {
			mean := 0.0
			for r := range n {
				mean += x[r*d+col] / float64(n)
			}
			for r := range n {
				x[r*d+col] -= mean
			}
		}
		for e, got := range k.Floats() {
			want, size := 0.0, 0.0
			for col := range d {
				v := x[e/n*d+col] * x[e%n*d+col]
				want, size = want+v, size+math.Abs(v)
			}
			if math.Abs(got-want) > 1e-13*size+1e-13 {
				t.Fatalf("[%d %d]: element [%d %d] is %v, want %v", n, d, e/n, e%n, got, want)
			}
		}
	}
}
