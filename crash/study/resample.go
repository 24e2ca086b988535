package study

import (
	"fmt"
	"math"
	"slices"

	"lamina/eval/results"
	"lamina/internal/philox"
)

// resamples is how often the scored documents are drawn again, with replacement, as many
// as there are.
const resamples = 2000

// resampler has what the rows of a table come to on the same draws of documents. Draw i
// depends on i and the number of documents alone.
type resampler struct {
	answers []int               // tokens of the right answers of each document; nil: no losses
	tokens  []float64           // the same, in each draw
	rows    map[string]resample // by row and seed
}

// resample is one row in each draw, a nil list where it does not say what each document is.
type resample struct {
	accuracy []float64
	loss     []float64 // of answers, nats a token
}

// rowKey tells the rows of a table apart.
func rowKey(r Row) string { return fmt.Sprintf("%s %d", r.Name, r.Seed) }

// add draws for the rows that are new.
func (s *resampler) add(rows []Row) {
	if s.rows == nil {
		s.rows = map[string]resample{}
	}
	var fresh []Row
	for _, r := range rows {
		if _, known := s.rows[rowKey(r)]; known {
			continue
		}
		var one resample
		if len(r.Right) == r.N && r.N > 0 {
			one.accuracy = make([]float64, resamples)
		}
		if len(r.Losses) == len(s.answers) && len(r.Losses) == r.N && r.N > 0 {
			one.loss = make([]float64, resamples)
		}
		s.rows[rowKey(r)] = one
		fresh = append(fresh, r)
	}
	if len(fresh) == 0 {
		return
	}
	n := fresh[0].N
	times := make([]float64, n) // that each document is drawn
	s.tokens = make([]float64, resamples)
	for i := range resamples {
		clear(times)
		draws := philox.New(0, uint64(i)).Sequence()
		for range n {
			times[draws.Intn(n)]++
		}
		for at, t := range s.answers {
			s.tokens[i] += times[at] * float64(t)
		}
		for _, r := range fresh {
			s.rows[rowKey(r)].draw(i, r, times, s.tokens[i])
		}
	}
}

// draw fills in draw i of a row.
func (s resample) draw(i int, r Row, times []float64, tokens float64) {
	if s.accuracy != nil {
		right := 0.0
		for at, mark := range []byte(r.Right) {
			if mark == rightMark {
				right += times[at]
			}
		}
		s.accuracy[i] = right / float64(r.N)
	}
	if s.loss != nil {
		sum := 0.0
		for at, loss := range r.Losses {
			sum += float64(times[at] * float64(loss))
		}
		s.loss[i] = sum / tokens
	}
}

// mean returns in each draw the mean of rows; nil where one of them has none.
func (s *resampler) mean(rows []Row, of func(resample) []float64) []float64 {
	sum := make([]float64, resamples)
	for _, r := range rows {
		list := of(s.rows[rowKey(r)])
		if list == nil {
			return nil
		}
		for i, v := range list {
			sum[i] += v / float64(len(rows))
		}
	}
	return sum
}

func accuracies(s resample) []float64 { return s.accuracy }
func losses(s resample) []float64     { return s.loss }

// less returns a - b, draw by draw.
func less(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// deviation is the standard deviation of draws, which is the standard error of what was
// drawn again.
func deviation(draws []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, v := range draws {
		mean += v / float64(len(draws))
	}
	for _, v := range draws {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(draws)-1))
}

// spread is half of the range that the middle 68.27 % of draws lie in: one standard error
// of what is normal, and not moved by a few ratios of almost nothing.
func spread(draws []float64) float64 {
	sorted := slices.Sorted(slices.Values(draws))
	const tail = 0.15865525393145707 // of the normal distribution beyond one deviation
	return (results.Quantile(sorted, 1-tail) - results.Quantile(sorted, tail)) / 2
}

// total adds losses up, in float64.
func total(losses []float32) (sum float64) {
	for _, v := range losses {
		sum += float64(v)
	}
	return sum
}

// count adds counts up.
func count(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
