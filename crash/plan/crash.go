package plan

import "fmt"

// CRaSh is the method of the paper: layers are clustered by the likeness of
// neighbours, see [Clusters], and each cluster keeps its centre, see [FromClusters].
var CRaSh = Method{
	Name:       "crash",
	Help:       "the centres of clusters of layers that resemble each other",
	Needs:      []Need{NeedSimilarity},
	AnchorEnds: true,
	Choose: func(r Request) (Choice, error) {
		clusters, err := Clusters(Adjacent(r.Similarity), r.Keep)
		if err != nil {
			return Choice{}, err
		}
		plan, err := FromClusters(clusters, r.Trainable, r.AnchorEnds)
		return Choice{Plan: plan, Clusters: clusters, Centres: Centres(clusters)}, err
	},
}

// FromClusters returns the plan of given clusters, which split the layers into runs:
// each keeps its centre, and of the N centres those at positions
// ⌈i·(N-1)/(trainable-1)⌉ train (a single one: the last). The first or last layer
// of the model need not be a centre; with anchorEnds the first cluster keeps its
// first layer and the last cluster its last.
func FromClusters(clusters [][]int, trainable int, anchorEnds bool) (Plan, error) {
	if err := contiguous(clusters); err != nil {
		return nil, err
	}
	n := len(clusters)
	if trainable < 1 || trainable > n {
		return nil, fmt.Errorf("plan: cannot train %d of %d kept layers", trainable, n)
	}
	kept := Centres(clusters)
	if anchorEnds {
		last := clusters[n-1]
		end := last[len(last)-1]
		if n == 1 && end > 0 {
			return nil, fmt.Errorf("plan: cannot keep both ends of the model with 1 kept layer")
		}
		kept[0], kept[n-1] = 0, end
	}
	return starEvenly(kept, trainable), nil
}

// contiguous checks that clusters split 0, 1, 2, … into runs in order.
func contiguous(clusters [][]int) error {
	next := 0
	for i, c := range clusters {
		if len(c) == 0 {
			return fmt.Errorf("plan: cluster %d is empty", i)
		}
		for _, layer := range c {
			if layer != next {
				return fmt.Errorf("plan: cluster %d: layer %d: want %d", i, layer, next)
			}
			next++
		}
	}
	if next == 0 {
		return fmt.Errorf("plan: no clusters")
	}
	return nil
}
