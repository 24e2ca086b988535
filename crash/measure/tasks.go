package measure

import (
	"context"
	"fmt"
	"math"
)

// TaskMap says how alike the last states of one model are on several tasks. Rows of two
// tasks have nothing to do with each other, so that CKA, which compares row by row, is not
// defined for them. What is there in both are the features. Matrix compares how they vary
// together: with C the covariance [D D] of a task's rows,
//
//	alignment = Σᵢⱼ Cᵢⱼ·C'ᵢⱼ / (√Σ C²ᵢⱼ·√Σ C'²ᵢⱼ)
//
// which is linear CKA with rows and features in each other's place, in [0, 1]. Each task's
// rows are dealt into two halves, even and odd, and entry [a b] is the mean over the even
// half of a against the odd one of b, and the other way round: no row meets itself, and the
// diagonal is what a task has with itself, the most that others can have.
//
// Paired is what the authors' scripts compute: CKA of the rows as they happen to follow each
// other in the files. Shuffled and Spread are the mean and the standard deviation of it over
// other orders, and say what that means: nothing, where Paired lies among them.
type TaskMap struct {
	Tasks     []string    `json:"tasks"`
	Matrix    [][]float64 `json:"matrix"`
	Half      int         `json:"half"`   // rows of each half
	Metric    string      `json:"metric"` // of Paired
	Bandwidth float64     `json:"bandwidth,omitempty"`
	Pooling   Pooling     `json:"pool"`
	Tokens    Tokens      `json:"tokens,omitempty"`
	Samples   int         `json:"n"` // rows of each task
	Paired    [][]float64 `json:"paired"`
	Shuffled  [][]float64 `json:"shuffled"`
	Spread    [][]float64 `json:"spread"`
	Model     string      `json:"model,omitempty"`
}

// pairings is how many orders of rows the control is drawn from.
const pairings = 20

// TaskFeatures are the last states of a task's rows, pooled.
type TaskFeatures struct {
	Task   string
	States *States
}

// last returns the last state of the first n samples, and its width.
func (s *States) last(n int) (x []float32, width int) {
	x = s.states[len(s.states)-1]
	width = len(x) / s.Samples
	return x[:n*width], width
}

// CompareTasks compares tasks of one model. Of each the first rows count, as many as the
// task with the fewest has, an even number of 4 or more.
func CompareTasks(ctx context.Context, tasks []TaskFeatures, how Comparing) (TaskMap, error) {
	n, err := commonRows(tasks)
	if err != nil {
		return TaskMap{}, err
	}
	n -= n % 2
	cka, err := NewComparison(how, n)
	if err != nil {
		return TaskMap{}, err
	}
	first := tasks[0].States
	m := TaskMap{Half: n / 2, Metric: cka.how.Metric.Name, Bandwidth: cka.how.Bandwidth, Pooling: first.Pooling, Tokens: first.Tokens, Samples: n}
	var halves [][2]half
	for _, t := range tasks {
		x, width := t.States.last(n)
		if err := cka.Add(x, width); err != nil {
			return TaskMap{}, fmt.Errorf("%s: %w", t.Task, err)
		}
		m.Tasks = append(m.Tasks, t.Task)
		halves = append(halves, [2]half{newHalf(x, width, 0), newHalf(x, width, 1)})
	}
	m.Matrix, m.Paired, m.Shuffled, m.Spread = square(len(tasks)), square(len(tasks)), square(len(tasks)), square(len(tasks))
	for i := range tasks {
		for j := range i + 1 {
			v := (halves[i][0].align(halves[j][1]) + halves[i][1].align(halves[j][0])) / 2
			middle, spread := cka.shuffles(i, j)
			for _, at := range [][2]int{{i, j}, {j, i}} {
				m.Matrix[at[0]][at[1]], m.Paired[at[0]][at[1]] = v, cka.Between(i, j)
				m.Shuffled[at[0]][at[1]], m.Spread[at[0]][at[1]] = middle, spread
			}
			if err := ctx.Err(); err != nil {
				return TaskMap{}, err
			}
		}
	}
	return m, nil
}

// commonRows returns how many rows all tasks have.
func commonRows(tasks []TaskFeatures) (int, error) {
	if len(tasks) < 2 {
		return 0, fmt.Errorf("want 2 tasks or more to compare, got %d", len(tasks))
	}
	n := tasks[0].States.Samples
	for _, t := range tasks {
		if t.States.Samples < 4 {
			return 0, fmt.Errorf("%s: %d rows: want 4 or more", t.Task, t.States.Samples)
		}
		if t.States.Vectors != tasks[0].States.Vectors {
			panic("measure: CompareTasks: tasks pooled in different ways")
		}
		n = min(n, t.States.Samples)
	}
	return n, nil
}

// shuffles returns mean and standard deviation of the likeness of two states where the
// samples of the second are in other orders.
func (c *CKA) shuffles(i, j int) (middle, spread float64) {
	values := make([]float64, pairings)
	for draw := range values {
		values[draw] = align(HSIC(c.matrices[i], permuted(c.matrices[j], shuffled(c.samples, draw))), c.norms[i], c.norms[j])
	}
	middle = mean(values)
	for _, v := range values {
		spread += (v - middle) * (v - middle)
	}
	return middle, math.Sqrt(spread / float64(len(values)-1))
}

// half is every second row of a task, [rows width], with the mean taken off.
type half struct {
	x     []float64
	rows  int
	width int
	norm  float64 // Σ C²ᵢⱼ·rows²
}

func newHalf(x []float32, width, first int) half {
	h := half{rows: len(x) / width / 2, width: width}
	h.x = make([]float64, h.rows*width)
	means := make([]float64, width)
	for i := range h.rows {
		for j, v := range x[(2*i+first)*width : (2*i+first+1)*width] {
			h.x[i*width+j] = float64(v)
			means[j] += float64(v)
		}
	}
	for i := range h.x {
		h.x[i] -= means[i%width] / float64(h.rows)
	}
	h.norm = h.product(h)
	return h
}

// product returns Σ (XᵀX)ᵢⱼ·(YᵀY)ᵢⱼ as Σ (X·Yᵀ)²: n² products instead of D².
func (h half) product(o half) (sum float64) {
	for i := range h.rows {
		for j := range o.rows {
			v := dot(h.x[i*h.width:(i+1)*h.width], o.x[j*h.width:(j+1)*h.width])
			sum += v * v
		}
	}
	return sum
}

func (h half) align(o half) float64 { return align(h.product(o), h.norm, o.norm) }

// square returns a matrix of zeros.
func square(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}
