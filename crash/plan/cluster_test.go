package plan

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/internal/philox"
)

// agglomerate is layer_iter_cluster read literally: merge the two neighbouring
// clusters whose touching layers are most alike, the first pair on ties.
func agglomerate(adjacent []float64, k int) [][]int {
	var clusters [][]int
	for i := range len(adjacent) + 1 {
		clusters = append(clusters, []int{i})
	}
	for len(clusters) > k {
		best, value := 0, math.Inf(-1)
		for i := range len(clusters) - 1 {
			if v := adjacent[clusters[i][len(clusters[i])-1]]; v > value {
				best, value = i, v
			}
		}
		clusters[best] = append(clusters[best], clusters[best+1]...)
		clusters = slices.Delete(clusters, best+1, best+2)
	}
	return clusters
}

func TestClustersEqualAgglomeration(t *testing.T) {
	r := philox.New(1, 0).Sequence()
	ties := 0
	for range 24000 {
		layers := 1 + r.Intn(24)
		levels := 1 + r.Intn(8) // few levels make many ties
		adjacent := make([]float64, layers-1)
		for i := range adjacent {
			adjacent[i] = float64(r.Intn(levels)) / 8
			if slices.Contains(adjacent[:i], adjacent[i]) {
				ties++
			}
		}
		k := 1 + r.Intn(layers)
		got, err := Clusters(adjacent, k)
		if err != nil {
			t.Fatal(err)
		}
		if want := agglomerate(adjacent, k); !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("adjacent %v, k %d: %v, want %v", adjacent, k, got, want)
		}
	}
	if ties < 24000 {
		t.Errorf("only %d ties met", ties)
	}
}

func TestClustersRefuse(t *testing.T) {
	for _, c := range []struct {
		adjacent []float64
		k        int
		want     string
	}{
		{[]float64{1, 1}, 0, "cannot make 0 clusters of 3 layers"},
		{[]float64{1, 1}, 4, "cannot make 4 clusters of 3 layers"},
		{[]float64{1, math.NaN()}, 2, "similarity of layers 1 and 2 is not a number"},
	} {
		if got, err := Clusters(c.adjacent, c.k); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %d: %v, %v", c.adjacent, c.k, got, err)
		}
	}
}

func TestCentresAreUpperMedians(t *testing.T) {
	got := Centres([][]int{{0}, {1, 2}, {3, 4, 5}, {6, 7, 8, 9}})
	if !slices.Equal(got, []int{0, 2, 4, 8}) {
		t.Errorf("%v", got)
	}
}

func TestAdjacentLeavesTheEmbeddingOut(t *testing.T) {
	m := [][]float64{{1, .1, .2, .3}, {.1, 1, .4, .5}, {.2, .4, 1, .6}, {.3, .5, .6, 1}}
	if got := Adjacent(m); !slices.Equal(got, []float64{.4, .6}) {
		t.Errorf("%v", got)
	}
}
