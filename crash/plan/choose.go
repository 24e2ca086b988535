package plan

import (
	"fmt"
	"math"
	"slices"

	"lamina/internal/philox"
)

// selectStream is the Philox stream of [Random]'s draws, apart from those of
// shuffles, splits and dropout.
const selectStream = 0x73656c656374 // "select"

// sizes checks the three numbers every selection takes: keep counts the
// trainable layers too.
func sizes(layers, keep, trainable int) error {
	switch {
	case layers < 1:
		return fmt.Errorf("plan: a model of %d layers", layers)
	case keep < 1 || keep > layers:
		return fmt.Errorf("plan: cannot keep %d of %d layers", keep, layers)
	case trainable < 1 || trainable > keep:
		return fmt.Errorf("plan: cannot train %d of %d kept layers", trainable, keep)
	}
	return nil
}

// Uniform returns the plan of offsite-tuning (Xiao et al. 2023), the paper's
// baseline: the first ⌈trainable/2⌉ and the last ⌊trainable/2⌋ layers train, and
// the other keep-trainable are spread over the m layers between them, the i-th
// of k at round(i·(m-1)/(k-1)) with halves rounded to even, as Python does. A
// single frozen layer (k = 1, where the formula is undefined) stands in the
// middle, at round((m-1)/2).
func Uniform(layers, keep, trainable int) (Plan, error) {
	if err := sizes(layers, keep, trainable); err != nil {
		return nil, err
	}
	first, last := (trainable+1)/2, trainable/2
	middle, frozen := layers-trainable, keep-trainable
	plan := make(Plan, 0, keep)
	for i := range first {
		plan = append(plan, Slot{Layer: i, Trainable: true})
	}
	for i := range frozen {
		at := math.RoundToEven(float64(middle-1) / 2)
		if frozen > 1 {
			at = math.RoundToEven(float64(i*(middle-1)) / float64(frozen-1))
		}
		plan = append(plan, Slot{Layer: first + int(at)})
	}
	for i := range last {
		plan = append(plan, Slot{Layer: layers - last + i, Trainable: true})
	}
	return plan, nil
}

// UniformLearnable returns a plan that keeps the same layers as [Uniform] and
// trains layers spread evenly over them, at the positions [CRaSh] uses. It is
// the row "uniform learnable layers" of the paper's table 1, which has a
// fine-tuned emulator and a plug-in of its own but no untrained emulator: that
// one is the uniform row's, so the kept layers are the same and only the stars
// move.
func UniformLearnable(layers, keep, trainable int) (Plan, error) {
	uniform, err := Uniform(layers, keep, trainable)
	if err != nil {
		return nil, err
	}
	return starEvenly(uniform.Kept(), trainable), nil
}

// Random returns a plan of keep layers drawn without replacement, each set
// equally likely, with the stars at the positions [CRaSh] uses. Seed and sizes
// decide it. With anchorEnds layer 0 and the last one are always kept and the
// others are drawn.
func Random(layers, keep, trainable int, seed uint64, anchorEnds bool) (Plan, error) {
	if err := sizes(layers, keep, trainable); err != nil {
		return nil, err
	}
	r := philox.New(seed, selectStream)
	if !anchorEnds || layers == 1 {
		kept := r.Perm(layers)[:keep]
		slices.Sort(kept)
		return starEvenly(kept, trainable), nil
	}
	if keep < 2 {
		return nil, fmt.Errorf("plan: cannot keep both ends of the model with %d kept layer", keep)
	}
	kept := []int{0, layers - 1}
	for _, i := range r.Perm(layers - 2)[:keep-2] {
		kept = append(kept, i+1)
	}
	slices.Sort(kept)
	return starEvenly(kept, trainable), nil
}

// CRaSh returns the plan of the paper from clusters of layers, see [Clusters]:
// each cluster keeps its centre, and of the N centres those at positions
// ⌈i·(N-1)/(trainable-1)⌉ train (a single one: the last). The rule is read off
// the published index sets. The first or last layer of the model need not be a
// centre; with anchorEnds the first cluster keeps its first layer and the last
// cluster its last.
func CRaSh(clusters [][]int, trainable int, anchorEnds bool) (Plan, error) {
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

// PlanCRaSh clusters layers by the likeness of neighbours in a similarity matrix
// [L+1 L+1], entry 0 the embedding, and returns the plan of the clusters' centres.
func PlanCRaSh(similarity [][]float64, keep, trainable int, anchorEnds bool) (Plan, error) {
	clusters, err := Clusters(Adjacent(similarity), keep)
	if err != nil {
		return nil, err
	}
	return CRaSh(clusters, trainable, anchorEnds)
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

// starEvenly stars trainable of the kept layers, at positions
// ⌈i·(N-1)/(trainable-1)⌉; one alone at the last.
func starEvenly(kept []int, trainable int) Plan {
	plan := make(Plan, len(kept))
	for i, layer := range kept {
		plan[i].Layer = layer
	}
	if trainable == 1 {
		plan[len(plan)-1].Trainable = true
		return plan
	}
	for i := range trainable {
		position := (i*(len(kept)-1) + trainable - 2) / (trainable - 1)
		plan[position].Trainable = true
	}
	return plan
}
