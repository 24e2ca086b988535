package measure

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// FeatureMap shows the last states of several tasks' rows in a few dimensions: principal
// components of all rows together. With X̃ [N D] the rows less their mean and X̃ = U·Σ·Vᵀ, the
// coordinates are U·Σ, and component k explains σ²ₖ / Σ σ² of the variance.
type FeatureMap struct {
	Tasks       []string      `json:"tasks"`
	Coordinates [][][]float64 `json:"coordinates"` // [task][row][component]
	Explained   []float64     `json:"explained"`   // by component
	// Apart is how much of the variance lies between the tasks' means:
	// Σₜ n·|mₜ - m|² / Σᵢ |xᵢ - m|², of all dimensions; Chance is what rows that are dealt
	// to tasks at random have of it, (tasks - 1) / (N - 1) on average.
	Apart   float64 `json:"apart"`
	Chance  float64 `json:"chance"`
	Pooling Pooling `json:"pool"`
	Tokens  Tokens  `json:"tokens,omitempty"`
	Samples int     `json:"n"` // rows of each task
	Model   string  `json:"model,omitempty"`
}

// mostMapped bounds the rows of a map: its time grows with their cube.
const mostMapped = 4096

// MapFeatures finds the principal components of tasks' last states. Of each task the first
// rows count, as many as the task with the fewest has. Each component is turned so that the
// coordinate of the largest size, the first of equal ones, is positive.
func MapFeatures(ctx context.Context, tasks []TaskFeatures, components int) (FeatureMap, error) {
	n, err := commonRows(tasks)
	if err != nil {
		return FeatureMap{}, err
	}
	all := n * len(tasks)
	if all > mostMapped {
		return FeatureMap{}, fmt.Errorf("%d rows of %d tasks: a map takes %d at the most: take fewer samples", all, len(tasks), mostMapped)
	}
	if components < 1 || components >= all {
		return FeatureMap{}, fmt.Errorf("%d components of %d rows (--components): want 1 to %d", components, all, all-1)
	}
	first := tasks[0].States
	m := FeatureMap{Pooling: first.Pooling, Tokens: first.Tokens, Samples: n}
	var x []float32
	width := 0
	for _, t := range tasks {
		rows, w := t.States.last(n)
		for i, v := range rows {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return FeatureMap{}, fmt.Errorf("%s: row %d, feature %d: %v is not finite", t.Task, i/w, i%w, v)
			}
		}
		x, width = append(x, rows...), w
		m.Tasks = append(m.Tasks, t.Task)
	}
	gram := Gram(x, all, width)
	if err := ctx.Err(); err != nil {
		return FeatureMap{}, err
	}
	total := 0.0
	for i := range all {
		total += gram[i*all+i]
	}
	if total == 0 {
		return FeatureMap{}, fmt.Errorf("all %d rows have the same state: nothing varies between them", all)
	}
	m.Apart, m.Chance = between(gram, len(tasks), n)/total, float64(len(tasks)-1)/float64(all-1)
	return m, m.project(gram, len(tasks), n, components, total)
}

// between returns Σₜ n·|mₜ|² of centred rows by their Gram matrix: the mean product of two
// rows of a task, times the rows.
func between(gram []float64, tasks, n int) (sum float64) {
	for t := range tasks {
		for i := t * n; i < (t+1)*n; i++ {
			for _, v := range gram[i*tasks*n+t*n : i*tasks*n+(t+1)*n] {
				sum += v / float64(n)
			}
		}
	}
	return sum
}

// project fills in the coordinates.
func (m *FeatureMap) project(gram []float64, tasks, n, components int, total float64) error {
	all := tasks * n
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(all, gram), true) {
		return fmt.Errorf("the principal components of %d rows do not converge", all)
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	m.Coordinates = make([][][]float64, tasks)
	for t := range tasks {
		m.Coordinates[t] = make([][]float64, n)
		for i := range n {
			m.Coordinates[t][i] = make([]float64, components)
		}
	}
	for k := range components {
		column, value := all-1-k, max(0, values[all-1-k])
		m.Explained = append(m.Explained, value/total)
		turn, largest := 1.0, 0.0
		for i := range all {
			if v := vectors.At(i, column); math.Abs(v) > largest {
				largest, turn = math.Abs(v), math.Copysign(1, v)
			}
		}
		for i := range all {
			m.Coordinates[i/n][i%n][k] = turn * math.Sqrt(value) * vectors.At(i, column)
		}
	}
	return nil
}
