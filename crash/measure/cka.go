package measure

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"lamina/kernels"
)

// The Gram product is done in tiles of gramTile rows by gramTile rows, over
// gramChunk features at a time. Both are constants, never derived from the
// machine: they fix the order of every sum. A chunk of 512 samples is 1 MiB of
// float64, which stays in a second-level cache.
const (
	gramTile  = 32
	gramChunk = 256
)

// Gram returns the centred Gram matrix K = X̃·X̃ᵀ [n n] of n samples, row-major,
// where X̃ is x [n d] with the mean of each feature taken off. That equals
// H·X·Xᵀ·H with H = I - 11ᵀ/n, the form of the authors' code, and loses fewer
// digits. Sums are float64, in one fixed order: the bits do not depend on how
// many workers ran. It panics unless len(x) = n·d and both are positive.
func Gram(x []float32, n, d int) []float64 {
	return gram(x, n, d, runtime.GOMAXPROCS(0))
}

func gram(x []float32, n, d, workers int) []float64 {
	if n < 1 || d < 1 || len(x) != n*d {
		panic(fmt.Sprintf("measure: Gram: %d values for %d samples of width %d", len(x), n, d))
	}
	k := make([]float64, n*n)
	means := columnMeans(x, n, d)
	chunk := make([]float64, n*min(d, gramChunk))
	tiles := (n + gramTile - 1) / gramTile
	for c0 := 0; c0 < d; c0 += gramChunk {
		width := min(gramChunk, d-c0)
		for i := range n {
			row, from := chunk[i*width:(i+1)*width], x[i*d+c0:i*d+c0+width]
			for j, v := range from {
				row[j] = float64(v) - means[c0+j]
			}
		}
		// One task per pair of row tiles on or below the diagonal.
		parallel(tiles*(tiles+1)/2, workers, func(task int) {
			ti := int((math.Sqrt(8*float64(task)+1) - 1) / 2)
			tj := task - ti*(ti+1)/2
			addTile(k, chunk, n, width, ti*gramTile, tj*gramTile)
		})
	}
	for i := range n {
		for j := range i {
			k[j*n+i] = k[i*n+j]
		}
	}
	return k
}

// columnMeans returns the mean of each of x's d columns [n d].
func columnMeans(x []float32, n, d int) []float64 {
	means := make([]float64, d)
	for i := range n {
		for j, v := range x[i*d : (i+1)*d] {
			means[j] += float64(v)
		}
	}
	for j := range means {
		means[j] /= float64(n)
	}
	return means
}

// addTile adds the products of rows i0… and j0… of a chunk [n width] to K, four
// by two of them at a time so that a loaded value is used more than once.
func addTile(k, chunk []float64, n, width, i0, j0 int) {
	iEnd, jEnd := min(i0+gramTile, n), min(j0+gramTile, n)
	row := func(i int) []float64 { return chunk[i*width : (i+1)*width] }
	for i := i0; i < iEnd; i += 4 {
		for j := j0; j < jEnd; j += 2 {
			if i+4 <= iEnd && j+2 <= jEnd {
				s := dot42(row(i), row(i+1), row(i+2), row(i+3), row(j), row(j+1))
				for a := range 4 {
					k[(i+a)*n+j] += s[2*a]
					k[(i+a)*n+j+1] += s[2*a+1]
				}
				continue
			}
			for a := i; a < min(i+4, iEnd); a++ {
				for b := j; b < min(j+2, jEnd); b++ {
					k[a*n+b] += dot(row(a), row(b))
				}
			}
		}
	}
}

// dot42 returns the eight products a0·b0, a0·b1, a1·b0, …, each summed from the
// first feature to the last.
func dot42(a0, a1, a2, a3, b0, b1 []float64) [8]float64 {
	n := len(b0)
	a0, a1, a2, a3, b1 = a0[:n], a1[:n], a2[:n], a3[:n], b1[:n]
	var s00, s01, s10, s11, s20, s21, s30, s31 float64
	for t, x := range b0 {
		y := b1[t]
		s00 += a0[t] * x
		s01 += a0[t] * y
		s10 += a1[t] * x
		s11 += a1[t] * y
		s20 += a2[t] * x
		s21 += a2[t] * y
		s30 += a3[t] * x
		s31 += a3[t] * y
	}
	return [8]float64{s00, s01, s10, s11, s20, s21, s30, s31}
}

func dot(a, b []float64) float64 {
	var sum float64
	b = b[:len(a)]
	for t, v := range a {
		sum += v * b[t]
	}
	return sum
}

// parallel runs do(0) … do(tasks-1), each once, on up to workers goroutines that
// take the next number from a counter.
func parallel(tasks, workers int, do func(task int)) {
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(tasks); i = next.Add(1) - 1 {
			do(int(i))
		}
	}
	var wg sync.WaitGroup
	for range min(workers, tasks) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// HSIC returns the Hilbert–Schmidt independence criterion of two centred Gram
// matrices, Σᵢⱼ K1ᵢⱼ·K2ᵢⱼ: the biased estimator without its factor 1/(n-1)²,
// which cancels in CKA. It panics if their sizes differ.
func HSIC(k1, k2 []float64) float64 {
	if len(k1) != len(k2) {
		panic(fmt.Sprintf("measure: HSIC: matrices of %d and %d values", len(k1), len(k2)))
	}
	// Partial sums of one length, added in order, keep the rounding error of a
	// quarter of a million terms small.
	const part = 512
	var sum float64
	for i := 0; i < len(k1); i += part {
		end := min(i+part, len(k1))
		sum += dot(k1[i:end], k2[i:end])
	}
	return sum
}

// LinearCKA returns the linear centred kernel alignment of two centred Gram
// matrices, HSIC(K1,K2) / (√HSIC(K1,K1)·√HSIC(K2,K2)), in [0, 1] up to rounding
// (Kornblith et al. 2019; similarity_metrics.py of the authors). A state that is
// the same for every sample, and so every state of a single sample, has no
// direction and HSIC 0; its CKA with anything is defined as 0.
func LinearCKA(k1, k2 []float64) float64 {
	return align(HSIC(k1, k2), HSIC(k1, k1), HSIC(k2, k2))
}

func align(h12, h11, h22 float64) float64 {
	if h11 == 0 || h22 == 0 {
		return 0
	}
	return h12 / (math.Sqrt(h11) * math.Sqrt(h22))
}

// CKA compares states of the same samples that arrive one after the other, as a
// model streams by with one block resident: of each state only one matrix stays,
// 8·n² bytes for n samples.
type CKA struct {
	how      Comparing
	be       kernels.Backend // that may make the matrices; nil for none
	samples  int
	matrices [][]float64
	norms    []float64 // of each matrix with itself
}

// NewCKA returns a comparison of states of the given number of samples by linear CKA; there
// must be at least 2: one sample has no centred representation.
func NewCKA(samples int) (*CKA, error) { return NewComparison(Comparing{}, samples) }

// NewComparison returns a comparison of states of the given number of samples, which must
// be as many as the metric needs.
func NewComparison(how Comparing, samples int) (*CKA, error) {
	how = how.settled()
	if err := how.check(samples); err != nil {
		return nil, err
	}
	return &CKA{how: how, samples: samples}, nil
}

// Add takes the next state: one row of width values per sample, [samples width].
// The slice is not kept. Widths may differ between states. It is an error if a
// value is not finite, naming state, sample and feature; it panics unless
// len(x) = samples·width.
func (c *CKA) Add(x []float32, width int) error {
	for i, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("similarity: state %d, sample %d, feature %d: %v is not finite", len(c.matrices), i/width, i%width, v)
		}
	}
	k, ok := deviceGram(c.be, x, c.samples, width)
	if !ok {
		k = Gram(x, c.samples, width)
	}
	c.how.Metric.matrix(k, c.samples, c.how.Bandwidth)
	c.matrices = append(c.matrices, k)
	c.norms = append(c.norms, HSIC(k, k))
	return nil
}

// States returns how many states were added.
func (c *CKA) States() int { return len(c.matrices) }

// Between returns the likeness of states i and j; of a state with itself exactly 1,
// or 0 where the state is constant. See [LinearCKA] and [Metric].
func (c *CKA) Between(i, j int) float64 {
	if i == j && c.norms[i] != 0 {
		return 1
	}
	return align(HSIC(c.matrices[i], c.matrices[j]), c.norms[i], c.norms[j])
}

// Matrix returns the symmetric matrix of all states' CKA, [states states].
func (c *CKA) Matrix() [][]float64 {
	matrix, _ := c.matrix(context.Background())
	return matrix
}

// matrix is Matrix, which stops between rows when ctx ends.
func (c *CKA) matrix(ctx context.Context) ([][]float64, error) {
	states := len(c.matrices)
	matrix := make([][]float64, states)
	for i := range matrix {
		matrix[i] = make([]float64, states)
	}
	for i := range matrix {
		parallel(i+1, runtime.GOMAXPROCS(0), func(j int) {
			v := c.Between(i, j)
			matrix[i][j], matrix[j][i] = v, v
		})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return matrix, nil
}
