package repair

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/floats"
)

// blockRows rows at a time are widened to float64: 64 of width 576, twice, are half
// a MiB and stay in a second-level cache. It does not touch the order of a sum.
const blockRows = 64

// sums are what a least-squares map of Z onto D needs.
type sums struct {
	width, rows int
	gram        []float64 // ZᵀZ [D D], the upper triangle
	cross       []float64 // ZᵀD [D D]
	change      float64   // ‖D‖²
}

func newSums(op string, width int) sums {
	if width < 1 {
		panic(fmt.Sprintf("repair: %s: width %d", op, width))
	}
	return sums{width: width, gram: make([]float64, width*width), cross: make([]float64, width*width)}
}

// Rows returns how many rows were added, those of weight 0 not among them.
func (s *sums) Rows() int { return s.rows }

// add takes rows z, whose change is y - x, each scaled by its root.
func (s *sums) add(z, x, y []float32, roots []float64) {
	zs, ds := make([]float64, 0, blockRows*s.width), make([]float64, 0, blockRows*s.width)
	for row, root := range roots {
		if root != 0 {
			for i := row * s.width; i < (row+1)*s.width; i++ {
				change := root * (float64(y[i]) - float64(x[i]))
				zs, ds = append(zs, root*float64(z[i])), append(ds, change)
				s.change += change * change
			}
			s.rows++
		}
		if len(zs) == blockRows*s.width || row == len(roots)-1 {
			s.addBlock(zs, ds)
			zs, ds = zs[:0], ds[:0]
		}
	}
}

// addBlock adds ZᵀZ and ZᵀD of a few rows. Every entry belongs to one goroutine,
// which adds row after row: that is the order promised.
func (s *sums) addBlock(z, d []float64) {
	var wg sync.WaitGroup
	w, workers := s.width, min(runtime.GOMAXPROCS(0), s.width)
	for first := range workers {
		wg.Go(func() {
			for i := first; i < w; i += workers {
				gram, cross := s.gram[i*w+i:(i+1)*w], s.cross[i*w:(i+1)*w]
				for t := 0; t < len(z); t += w {
					floats.AddScaled(gram, z[t+i], z[t+i:t+w])
					floats.AddScaled(cross, z[t+i], d[t:t+w])
				}
			}
		})
	}
	wg.Wait()
}

// trace returns ‖Z‖².
func (s *sums) trace() float64 {
	var trace float64
	for i := range s.width {
		trace += s.gram[i*s.width+i]
	}
	return trace
}

// ready returns an error if the sums describe no gap.
func (s *sums) ready(op string) error {
	trace := s.trace()
	switch {
	case s.rows == 0:
		return fmt.Errorf("repair: %s: no rows of width %d: give some text", op, s.width)
	case math.IsInf(trace, 0) || math.IsInf(s.change, 0):
		return fmt.Errorf("repair: %s: sums of %d rows of width %d overflow: use smaller weights", op, s.rows, s.width)
	case s.change == 0:
		return fmt.Errorf("repair: %s: %d rows leave the gap as they entered it: there is nothing to repair", op, s.rows)
	case trace == 0:
		return fmt.Errorf("repair: %s: all %d rows of width %d that it reads are zero: remove the blocks instead", op, s.rows, s.width)
	}
	return nil
}

// Moments are the sums over the rows of one gap that Ghost, LinearPatch and
// PruneComp are computed from. For width D they hold 16·D² bytes, however many rows
// there are.
type Moments struct {
	sums
	plain, hadamard magnitudes
}

// magnitudes are Σ|x| and Σ|y| per channel of a basis.
type magnitudes struct{ in, out []float64 }

// NewMoments returns the moments of no rows yet. It panics if width is below 1.
func NewMoments(width int) *Moments {
	zero := func() magnitudes { return magnitudes{make([]float64, width), make([]float64, width)} }
	return &Moments{sums: newSums("NewMoments", width), plain: zero(), hadamard: zero()}
}

// Add takes rows x [N D] that enter the gap and the rows y [N D] that leave it, with
// a weight each, or 1 for nil. A value that is not finite, or a weight that is not
// finite or negative, is an error that names it, and no row is added then. It panics
// if lengths do not fit.
func (m *Moments) Add(x, y []float32, weights []float64) error {
	roots, err := weightRoots("Moments.Add", m.width, weights, stream{"entering the gap", x}, stream{"leaving the gap", y})
	if err != nil {
		return err
	}
	m.add(x, x, y, roots)
	row := make([]float64, m.width)
	for n, root := range roots {
		m.measure(row, x[n*m.width:(n+1)*m.width], root, m.plain.in, m.hadamard.in)
		m.measure(row, y[n*m.width:(n+1)*m.width], root, m.plain.out, m.hadamard.out)
	}
	return nil
}

// measure adds the magnitudes of one scaled row in both bases; row is its scratch.
func (m *Moments) measure(row []float64, values []float32, root float64, plain, hadamard []float64) {
	for k, v := range values {
		row[k] = root * float64(v)
		plain[k] += math.Abs(row[k])
	}
	transform(row, HadamardBlock(m.width))
	for k, v := range row {
		hadamard[k] += math.Abs(v)
	}
}

// stream is a matrix of rows and where it was seen.
type stream struct {
	where string
	rows  []float32
}

// weightRoots checks streams and weights and returns the root of each row's weight.
func weightRoots(op string, width int, weights []float64, streams ...stream) ([]float64, error) {
	n := len(streams[0].rows) / width
	for _, s := range streams {
		if len(s.rows) != n*width || weights != nil && len(weights) != n {
			panic(fmt.Sprintf("repair: %s: %d values %s, %d weights: want rows of width %d, the same number of each", op, len(s.rows), s.where, len(weights), width))
		}
		for i, v := range s.rows {
			if v64 := float64(v); math.IsNaN(v64) || math.IsInf(v64, 0) {
				return nil, fmt.Errorf("repair: %s: row %d, channel %d %s is %v: the model overflows there, and no map can be fitted", op, i/width, i%width, s.where, v)
			}
		}
	}
	roots := make([]float64, n)
	for i := range roots {
		roots[i] = 1
		if weights != nil {
			roots[i] = math.Sqrt(weights[i])
		}
		if math.IsNaN(roots[i]) || math.IsInf(roots[i], 0) {
			return nil, fmt.Errorf("repair: %s: the weight of row %d is %v: want a finite number, 0 or more", op, i, weights[i])
		}
	}
	return roots, nil
}

// InverseSquareRMS returns for each row of x [N D] the weight 1/rms², under which
// every token counts alike. Without it the few massive tokens of a modern model, a
// thousand times as long as others, decide XᵀX alone. A row of zeros is an error. It
// panics if x is not whole rows.
func InverseSquareRMS(x []float32, width int) ([]float64, error) {
	if width < 1 || len(x)%width != 0 {
		panic(fmt.Sprintf("repair: InverseSquareRMS: %d values of width %d", len(x), width))
	}
	weights := make([]float64, len(x)/width)
	for n := range weights {
		var square float64
		for _, v := range x[n*width : (n+1)*width] {
			square += float64(v) * float64(v)
		}
		if square == 0 {
			return nil, fmt.Errorf("repair: InverseSquareRMS: row %d is zero and has no rms: weigh rows alike, or leave it out", n)
		}
		weights[n] = float64(width) / square
	}
	return weights, nil
}

// WithoutFirst returns for each token's position in its text the weight 0 at position
// 0, where the massive token mostly is, and 1 elsewhere.
func WithoutFirst(positions []int) []float64 {
	weights := make([]float64, len(positions))
	for n, position := range positions {
		if position != 0 {
			weights[n] = 1
		}
	}
	return weights
}
