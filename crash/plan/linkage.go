package plan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Merge is a row of a dendrogram, as scipy.cluster.hierarchy.linkage writes it: clusters
// A < B, below n single layers and n+i the cluster of row i, the distance at which they
// are joined, and how many layers that makes.
type Merge struct {
	A, B     int
	Distance float64
	Size     int
}

// MarshalJSON returns the row as scipy has it: [A, B, distance, size].
func (m Merge) MarshalJSON() ([]byte, error) {
	return json.Marshal([4]float64{float64(m.A), float64(m.B), m.Distance, float64(m.Size)})
}

// UnmarshalJSON reads it.
func (m *Merge) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return errors.New("null is no row of a linkage, want [a, b, distance, size]")
	}
	var row [4]float64
	err := json.Unmarshal(text, &row)
	*m = Merge{int(row[0]), int(row[1]), row[2], int(row[3])}
	return err
}

// linkage is how far a cluster lies from the union of two others, given its distances to
// them and their sizes.
type linkage func(toA, toB float64, sizeA, sizeB int) float64

// average is the mean distance of two members.
func average(toA, toB float64, sizeA, sizeB int) float64 {
	return (float64(float64(sizeA)*toA) + float64(float64(sizeB)*toB)) / float64(sizeA+sizeB)
}

// complete is the largest distance of two members.
func complete(toA, toB float64, _, _ int) float64 { return max(toA, toB) }

// hierarchy builds the tree of n = len(distances) clusters, as scipy does, ties
// included: by chains of nearest neighbours (Müllner, "Modern hierarchical,
// agglomerative clustering algorithms", 2011), rows sorted by distance. For single
// linkage scipy walks the minimum spanning tree; see spanning.
func hierarchy(distances [][]float64, link linkage) []Merge {
	n := len(distances)
	d, size := make([][]float64, n), make([]int, n)
	for i, row := range distances {
		d[i], size[i] = slices.Clone(row), 1
	}
	var merges []Merge
	var chain []int
	for range n - 1 {
		if len(chain) == 0 {
			chain = append(chain, slices.IndexFunc(size, func(s int) bool { return s > 0 }))
		}
		var x, y int
		var nearest float64
		for {
			x, nearest = chain[len(chain)-1], math.Inf(1)
			last := -1 // the element before is preferred among equally near ones
			if len(chain) > 1 {
				last = chain[len(chain)-2]
				y, nearest = last, d[x][last]
			}
			for i := range n {
				if size[i] > 0 && i != x && d[x][i] < nearest {
					y, nearest = i, d[x][i]
				}
			}
			if y == last {
				break
			}
			chain = append(chain, y)
		}
		chain = chain[:len(chain)-2]
		x, y = min(x, y), max(x, y)
		merges = append(merges, Merge{x, y, nearest, 0})
		for i := range n {
			if size[i] > 0 && i != x && i != y {
				v := link(d[i][x], d[i][y], size[x], size[y])
				d[i][y], d[y][i] = v, v
			}
		}
		size[x], size[y] = 0, size[x]+size[y]
	}
	return labelled(merges, n)
}

// spanning builds the tree of single linkage along the minimum spanning tree, from layer
// 0 on (mst_single_linkage of scipy).
func spanning(distances [][]float64) []Merge {
	n := len(distances)
	var merges []Merge
	in, near := make([]bool, n), slices.Repeat([]float64{math.Inf(1)}, n)
	x := 0
	for range n - 1 {
		in[x] = true
		nearest, y := math.Inf(1), 0
		for j := range n {
			if in[j] {
				continue
			}
			near[j] = min(near[j], distances[x][j])
			if near[j] < nearest {
				y, nearest = j, near[j]
			}
		}
		merges = append(merges, Merge{x, y, nearest, 0})
		x = y
	}
	return labelled(merges, n)
}

// labelled sorts rows that join two layers by distance, and names the clusters that
// these are in.
func labelled(merges []Merge, n int) []Merge {
	slices.SortStableFunc(merges, func(a, b Merge) int { return cmp.Compare(a.Distance, b.Distance) })
	cluster, size := make([]int, n), make([]int, 2*n) // of each layer, of each cluster
	for i := range cluster {
		cluster[i], size[i] = i, 1
	}
	for i := range merges {
		m := &merges[i]
		a, b := cluster[m.A], cluster[m.B]
		m.A, m.B, m.Size = min(a, b), max(a, b), size[a]+size[b]
		size[n+i] = m.Size
		for j, c := range cluster {
			if c == a || c == b {
				cluster[j] = n + i
			}
		}
	}
	return merges
}

// Linkage clusters whatever a symmetric matrix of similarities compares, by the distance
// 1 - similarity, single, average or complete, into the tree that scipy.cluster.hierarchy
// makes of it. A value that is no number, or another name, is an error.
func Linkage(name string, similarity [][]float64) ([]Merge, error) {
	tree, ok := trees[name]
	if !ok {
		return nil, fmt.Errorf("linkage %.64q is unknown: want single, average or complete", name)
	}
	distances := make([][]float64, len(similarity))
	for i, row := range similarity {
		if len(row) != len(similarity) {
			return nil, fmt.Errorf("linkage: row %d has %d values of %d", i, len(row), len(similarity))
		}
		distances[i] = make([]float64, len(row))
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("linkage: the similarity of %d and %d is %v", i, j, v)
			}
			if i != j {
				distances[i][j] = 1 - similarity[min(i, j)][max(i, j)]
			}
		}
	}
	return tree(distances), nil
}

// trees are the linkages by their names in scipy.
var trees = map[string]func(distances [][]float64) []Merge{
	"single":   spanning,
	"average":  func(d [][]float64) []Merge { return hierarchy(d, average) },
	"complete": func(d [][]float64) []Merge { return hierarchy(d, complete) },
}

// hierarchical clusters layers by the distance 1 - similarity of their outputs, joins the
// nearest until as many clusters are left as layers are to stay, and keeps the middle
// layer of each, as [Centres] has it. Clusters need not be neighbours of each other.
func hierarchical(tree func(distances [][]float64) []Merge) func(Request) (Choice, error) {
	return func(r Request) (Choice, error) {
		distances := make([][]float64, r.Layers)
		for i := range distances {
			distances[i] = make([]float64, r.Layers)
			for j := range distances[i] {
				if i != j {
					distances[i][j] = 1 - r.Similarity[min(i, j)+1][max(i, j)+1]
				}
			}
		}
		merges := tree(distances)
		members := make([][]int, 2*r.Layers)
		for i := range r.Layers {
			members[i] = []int{i}
		}
		for i, m := range merges[:r.Layers-r.Keep] {
			members[r.Layers+i] = slices.Concat(members[m.A], members[m.B])
			members[m.A], members[m.B] = nil, nil
		}
		c := Choice{Merges: merges}
		for _, layers := range members {
			if layers != nil {
				slices.Sort(layers)
				c.Clusters = append(c.Clusters, layers)
			}
		}
		slices.SortFunc(c.Clusters, func(a, b []int) int { return a[0] - b[0] })
		c.Centres = Centres(c.Clusters)
		kept := slices.Sorted(slices.Values(c.Centres))
		c.Plan = starEvenly(kept, r.Trainable)
		return c, nil
	}
}
