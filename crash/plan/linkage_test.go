package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// distanceMatrices are those of testdata/gen_linkage.py.
func distanceMatrices() (all [][][]float64) {
	levels, state := []int{3, 10, 100, 1e6, 1 << 31}, 1
	for m := range 1000 {
		n := 2 + m%29
		d := make([][]float64, n)
		for i := range d {
			d[i] = make([]float64, n)
		}
		for i := range n {
			for j := i + 1; j < n; j++ {
				state = (1103515245*state + 12345) % (1 << 31)
				d[i][j] = float64(1+(state>>3)%levels[m%5]) / (1 << 31)
				d[j][i] = d[i][j]
			}
		}
		all = append(all, d)
	}
	return all
}

// TestLinkageEqualsScipy on 1,000 matrices, most of them full of ties.
func TestLinkageEqualsScipy(t *testing.T) {
	golden, err := os.ReadFile("testdata/linkage.sha256")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(golden)) {
		name, want, _ := strings.Cut(strings.TrimSpace(line), " ")
		h := sha256.New()
		for _, d := range distanceMatrices() {
			for _, m := range trees[name](d) {
				fmt.Fprintf(h, "%d %d %.12g %d\n", m.A, m.B, m.Distance, m.Size)
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%s: hash %s, want %s", name, got, want)
		}
		seen++
	}
	if seen != len(trees) {
		t.Errorf("the golden has %d of %d linkages", seen, len(trees))
	}
}

// TestLinkage is that of the distances 1 - similarity; what is no matrix of numbers is
// refused.
func TestLinkage(t *testing.T) {
	for name, want := range map[string]float64{"single": 0.5, "average": 0.6, "complete": 0.7} {
		merges, err := Linkage(name, [][]float64{{1, 0.9, 0.5}, {0.9, 1, 0.3}, {0.5, 0.3, 1}})
		if err != nil || len(merges) != 2 || merges[0].A != 0 || merges[0].B != 1 || math.Abs(merges[0].Distance-0.1) > 1e-15 || math.Abs(merges[1].Distance-want) > 1e-15 {
			t.Errorf("%s: %v, %v", name, merges, err)
		}
	}
	for want, c := range map[string]struct {
		name   string
		matrix [][]float64
	}{
		`linkage "ward" is unknown: want single, average or complete`: {"ward", nil},
		"row 1 has 1 values of 2":                                     {"single", [][]float64{{1, 0}, {1}}},
		"the similarity of 0 and 1 is NaN":                            {"single", [][]float64{{1, math.NaN()}, {0, 1}}},
	} {
		if _, err := Linkage(c.name, c.matrix); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestHierarchicalKeepsCentres of clusters that need not be neighbours.
func TestHierarchicalKeepsCentres(t *testing.T) {
	const layers = 5
	m := alike(layers)
	near := func(i, j int, v float64) { m[i+1][j+1], m[j+1][i+1] = v, v }
	near(0, 4, 0.9) // layers 0 and 4, then 1 and 2
	near(1, 2, 0.8)
	near(2, 4, 0.3)
	for _, method := range []Method{HierarchicalSingle, HierarchicalAverage, HierarchicalComplete} {
		c, err := method.Plan(Request{Layers: layers, Keep: 3, Trainable: 2, Similarity: m})
		if err != nil || c.Plan.String() != "2* 3 4*" || c.Runs() != "0,4 | 1-2 | 3" || !slices.Equal(c.Centres, []int{4, 2, 3}) {
			t.Errorf("%s: %v, %s, %v, %v", method.Name, c.Plan, c.Runs(), c.Centres, err)
		}
		if text, err := json.Marshal(c.Merges[0]); err != nil || !strings.HasPrefix(string(text), "[0,4,0.0999") || len(c.Merges) != layers-1 {
			t.Errorf("%s: merges %s, %v", method.Name, text, err)
		}
	}
}
