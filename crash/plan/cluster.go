package plan

import (
	"fmt"
	"math"
	"slices"
)

// Clusters cuts a chain of layers into k runs of neighbours that resemble each
// other. adjacent[i] is the similarity of the outputs of layers i and i+1, so
// the chain has len(adjacent)+1 layers. Each run lists its layers in ascending
// order.
//
// The authors start from single layers and merge, again and again, the two
// neighbouring clusters whose touching layers are most alike, the first pair
// winning ties, until k are left (layer_iter_cluster). The compared pair is
// always physically adjacent and its similarity never changes, so this is the
// same as cutting the chain at its k-1 smallest adjacent values, the later one
// of two equal values first; that is what is done here, with one sort.
func Clusters(adjacent []float64, k int) ([][]int, error) {
	layers := len(adjacent) + 1
	if k < 1 || k > layers {
		return nil, fmt.Errorf("clusters: cannot make %d clusters of %d layers", k, layers)
	}
	for i, v := range adjacent {
		if math.IsNaN(v) {
			return nil, fmt.Errorf("clusters: the similarity of layers %d and %d is not a number", i, i+1)
		}
	}
	boundaries := make([]int, len(adjacent))
	for i := range boundaries {
		boundaries[i] = i
	}
	slices.SortFunc(boundaries, func(a, b int) int {
		switch {
		case adjacent[a] < adjacent[b]:
			return -1
		case adjacent[a] > adjacent[b]:
			return 1
		}
		return b - a
	})
	cut := make([]bool, layers)
	for _, b := range boundaries[:k-1] {
		cut[b] = true
	}
	clusters := make([][]int, 0, k)
	var run []int
	for layer := range layers {
		run = append(run, layer)
		if cut[layer] || layer == layers-1 {
			clusters = append(clusters, run)
			run = nil
		}
	}
	return clusters, nil
}

// Centres returns each cluster's middle layer c[len(c)/2]: of two middle ones
// the upper, as the authors' code has it. It panics on an empty cluster.
func Centres(clusters [][]int) []int {
	centres := make([]int, len(clusters))
	for i, c := range clusters {
		if len(c) == 0 {
			panic(fmt.Sprintf("plan: Centres: cluster %d is empty", i))
		}
		centres[i] = c[len(c)/2]
	}
	return centres
}

// Adjacent takes the similarities of neighbouring layer outputs out of a
// similarity matrix of all L+1 states. State 0 is the embedding output and
// belongs to no layer, so value i is matrix[i+1][i+2]: the outputs of layers i
// and i+1. It panics unless the matrix is square with at least two rows.
func Adjacent(matrix [][]float64) []float64 {
	states := len(matrix)
	if states < 2 {
		panic(fmt.Sprintf("plan: Adjacent: %d states: want the embedding output and at least one layer", states))
	}
	adjacent := make([]float64, states-2)
	for i := range adjacent {
		if len(matrix[i+1]) != states {
			panic(fmt.Sprintf("plan: Adjacent: row %d has %d values: want %d", i+1, len(matrix[i+1]), states))
		}
		adjacent[i] = matrix[i+1][i+2]
	}
	return adjacent
}
