package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	trees := map[string]func(d [][]float64) []Merge{
		"single":   spanning,
		"average":  func(d [][]float64) []Merge { return hierarchy(d, average) },
		"complete": func(d [][]float64) []Merge { return hierarchy(d, complete) },
	}
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
		delete(trees, name)
	}
	if len(trees) > 0 {
		t.Errorf("the golden lacks %v", trees)
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
