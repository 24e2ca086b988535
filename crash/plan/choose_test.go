package plan

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// chosen returns the plan of a method.
func chosen(m Method, r Request) (Plan, error) {
	c, err := m.Plan(r)
	return c.Plan, err
}

// alike is a similarity matrix of a model in which all layers differ by as much.
func alike(layers int) [][]float64 {
	m := make([][]float64, layers+1)
	for i := range m {
		m[i] = make([]float64, layers+1)
	}
	return m
}

func TestUniformEqualsPublishedSets(t *testing.T) {
	for _, c := range []struct {
		layers, keep, trainable int
		want                    string
	}{
		{24, 12, 4, "0* 1* 2 5 7 10 13 16 18 21 22* 23*"},                             // OPT-1.3B
		{32, 22, 4, "0* 1* 2 4 5 7 8 10 12 13 15 16 18 19 21 23 24 26 27 29 30* 31*"}, // OPT-6.7B
		{12, 6, 3, "0* 1* 2 6 10 11*"},                                                // (10-1)/2 = 4 from 2, odd T
		{7, 4, 1, "0* 1 3 6"},                                                         // the last layer is frozen; round(2.5) = 2
		{12, 3, 2, "0* 5 11*"},                                                        // one frozen: round(4.5) = 4
		{4, 4, 2, "0* 1 2 3*"},                                                        // nothing removed
		{3, 1, 1, "0*"},                                                               // trained alone
		{5, 5, 5, "0* 1* 2* 3* 4*"},                                                   // all trained
	} {
		got, err := chosen(Uniform, Request{Layers: c.layers, Keep: c.keep, Trainable: c.trainable})
		if err != nil || got.String() != c.want {
			t.Errorf("%d/%d/%d: %v, %v; want %q", c.layers, c.keep, c.trainable, got, err, c.want)
		}
	}
}

// Halves go to even: 4 of 8 middle layers would be at 0, 2.33, 4.67, 7; 3 of 6 at
// 0, 2.5, 5 and 2.5 becomes 2; 3 of 8 at 0, 3.5, 7 and 3.5 becomes 4.
func TestUniformRoundsHalvesToEven(t *testing.T) {
	for layers, want := range map[int]string{8: "0* 1 3 6 7*", 10: "0* 1 5 8 9*"} {
		if got, err := chosen(Uniform, Request{Layers: layers, Keep: 5, Trainable: 2}); err != nil || got.String() != want {
			t.Errorf("%d layers: %v, %v; want %q", layers, got, err, want)
		}
	}
}

func TestUniformLearnableKeepsTheSameLayers(t *testing.T) {
	got, err := chosen(UniformLearnable, Request{Layers: 24, Keep: 12, Trainable: 4})
	if want := "0* 1 2 5 7* 10 13 16 18* 21 22 23*"; err != nil || got.String() != want {
		t.Errorf("%v, %v; want %q", got, err, want)
	}
}

// The published index sets (crash-method, section 1.6), trained first, and the
// twelve layers of the authors' logit lens, whose trained ones are not given.
var published = []struct {
	name   string
	layers int
	t, s   []int
}{
	{"1.3B ARC, WebQs", 24, []int{0, 5, 18, 23}, []int{1, 2, 3, 9, 12, 15, 20, 22}},
	{"1.3B HellaSwag", 24, []int{0, 5, 12, 23}, []int{1, 2, 3, 8, 10, 11, 17, 22}},
	{"1.3B OBQA", 24, []int{0, 8, 19, 23}, []int{1, 4, 6, 10, 12, 15, 21, 22}},
	{"6.7B OBQA, PIQA, SciQ, RACE", 32, []int{0, 8, 17, 31}, []int{1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 15, 20, 22, 23, 24, 27, 30}},
	{"6.7B ARC, WebQs", 32, []int{0, 9, 16, 31}, []int{1, 2, 3, 5, 7, 8, 10, 11, 12, 13, 14, 15, 19, 22, 24, 25, 28, 30}},
	{"6.7B HellaSwag", 32, []int{0, 7, 14, 31}, []int{1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 16, 17, 21, 27, 30}},
	{"6.7B own ARC-E", 32, []int{0, 8, 19, 31}, []int{1, 2, 3, 5, 6, 7, 11, 13, 14, 15, 16, 18, 20, 22, 23, 24, 27, 30}},
	{"6.7B own ARC-C", 32, []int{0, 8, 19, 31}, []int{1, 2, 3, 5, 6, 7, 10, 13, 14, 15, 16, 18, 20, 22, 23, 24, 27, 30}},
	{"6.7B own WebQs", 32, []int{0, 7, 14, 31}, []int{1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 16, 19, 23, 28, 30}},
	{"6.7B own OBQA", 32, []int{0, 15, 22, 31}, []int{1, 2, 3, 8, 13, 14, 16, 17, 18, 19, 20, 21, 23, 24, 25, 27, 29, 30}},
	{"1.3B logit lens", 24, nil, []int{0, 1, 2, 6, 10, 14, 17, 18, 19, 20, 22, 23}},
}

// partition returns contiguous clusters of the given centres, or nil if there
// are none: a cluster that starts at s and has centre c is 2(c-s) or 2(c-s)+1
// long.
func partition(centres []int, start, layers int) [][]int {
	if len(centres) == 0 {
		if start == layers {
			return [][]int{}
		}
		return nil
	}
	for length := 2 * (centres[0] - start); length <= 2*(centres[0]-start)+1; length++ {
		if length < 1 || start+length > layers {
			continue
		}
		if rest := partition(centres[1:], start+length, layers); rest != nil {
			run := make([]int, length)
			for i := range run {
				run[i] = start + i
			}
			return append([][]int{run}, rest...)
		}
	}
	return nil
}

// Every published set is the centres of some contiguous clusters with the stars
// where the rule puts them: similarities that lead to these clusters lead to the
// set.
func TestPublishedSetsFollow(t *testing.T) {
	for _, set := range published {
		kept := slices.Sorted(slices.Values(slices.Concat(set.t, set.s)))
		want := partition(kept, 0, set.layers)
		if want == nil {
			t.Errorf("%s: no partition has these centres", set.name)
			continue
		}
		adjacent := make([]float64, set.layers-1)
		for i := range adjacent {
			adjacent[i] = 0.9 + 0.001*float64(i)
		}
		for _, c := range want[1:] {
			adjacent[c[0]-1] = 0.5
		}
		clusters, err := Clusters(adjacent, len(kept))
		if err != nil || !slices.EqualFunc(clusters, want, slices.Equal) {
			t.Errorf("%s: clusters %v, %v", set.name, clusters, err)
			continue
		}
		plan, err := FromClusters(clusters, 4, false)
		if err != nil || !slices.Equal(plan.Kept(), kept) {
			t.Errorf("%s: keeps %v, %v", set.name, plan.Kept(), err)
		}
		if set.t != nil && !slices.Equal(plan.Trainable(), set.t) {
			t.Errorf("%s: trains %v, want %v", set.name, plan.Trainable(), set.t)
		}
	}
}

// The published sets are lists too: the rule that stars centres stars their trained ones.
func TestFixedStarsThePublishedSets(t *testing.T) {
	for _, set := range published {
		kept := slices.Sorted(slices.Values(slices.Concat(set.t, set.s)))
		got, err := chosen(Fixed, Request{Layers: set.layers, Keep: len(kept), Trainable: 4, List: kept})
		if err != nil || !slices.Equal(got.Kept(), kept) || set.t != nil && !slices.Equal(got.Trainable(), set.t) {
			t.Errorf("%s: %v, %v", set.name, got, err)
		}
	}
}

func TestCRaSh(t *testing.T) {
	clusters := [][]int{{0, 1, 2}, {3}, {4, 5}, {6, 7, 8}}
	for _, c := range []struct {
		trainable int
		anchor    bool
		want      string
	}{
		{1, false, "1 3 5 7*"}, {2, false, "1* 3 5 7*"}, {3, false, "1* 3 5* 7*"}, {4, false, "1* 3* 5* 7*"},
		{2, true, "0* 3 5 8*"},
	} {
		got, err := FromClusters(clusters, c.trainable, c.anchor)
		if err != nil || got.String() != c.want {
			t.Errorf("%d trained, anchored %v: %v, %v; want %q", c.trainable, c.anchor, got, err, c.want)
		}
	}
}

func TestSelectionsRefuse(t *testing.T) {
	plan := func(p Plan, err error) error { return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"K > L":       {plan(chosen(Uniform, Request{Layers: 12, Keep: 13, Trainable: 4})), "cannot keep 13 of 12 layers"},
		"T > K":       {plan(chosen(UniformLearnable, Request{Layers: 12, Keep: 3, Trainable: 4})), "cannot train 4 of 3 kept layers"},
		"T = 0":       {plan(chosen(Random, Request{Layers: 12, Keep: 3, Seed: 1})), "cannot train 0 of 3 kept layers"},
		"no layers":   {plan(chosen(Random, Request{Seed: 1})), "a model of 0 layers"},
		"one anchor":  {plan(chosen(Random, Request{Layers: 12, Keep: 1, Trainable: 1, Seed: 1, AnchorEnds: true})), "cannot keep both ends"},
		"one cluster": {plan(FromClusters([][]int{{0, 1}}, 1, true)), "cannot keep both ends"},
		"crash T > K": {plan(FromClusters([][]int{{0}, {1}}, 3, false)), "cannot train 3 of 2"},
		"hole":        {plan(FromClusters([][]int{{0}, {2}}, 1, false)), "cluster 1: layer 2: want 1"},
		"empty":       {plan(FromClusters([][]int{{0}, {}}, 1, false)), "cluster 1 is empty"},
		"no clusters": {plan(FromClusters(nil, 1, false)), "plan: no clusters"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
	}
}

func TestRandom(t *testing.T) {
	const layers, keep, draws = 12, 6, 3000
	count := make([]int, layers)
	for seed := range uint64(draws) {
		r := Request{Layers: layers, Keep: keep, Trainable: 3, Seed: seed}
		plan, err := chosen(Random, r)
		if err != nil {
			t.Fatal(err)
		}
		kept := plan.Kept()
		if len(kept) != keep || len(plan) != keep || len(plan.Trainable()) != 3 || plan.Validate(layers) != nil {
			t.Fatalf("seed %d: %v", seed, plan)
		}
		if again, _ := chosen(Random, r); !slices.Equal(again, plan) {
			t.Fatalf("seed %d: %v, then %v", seed, plan, again)
		}
		for _, i := range kept {
			count[i]++
		}
	}
	mean := float64(draws) * keep / layers
	for i, c := range count {
		if math.Abs(float64(c)-mean) > 6*math.Sqrt(mean/2) {
			t.Errorf("layer %d kept %d times of %d", i, c, draws)
		}
	}
	plan, err := chosen(Random, Request{Layers: layers, Keep: keep, Trainable: 3, Seed: 42, AnchorEnds: true})
	if kept := plan.Kept(); err != nil || kept[0] != 0 || kept[keep-1] != layers-1 || len(kept) != keep {
		t.Errorf("anchored: %v, %v", plan, err)
	}
}

func TestAllSelectionsAreValidPlans(t *testing.T) {
	for layers := 1; layers <= 14; layers++ {
		for keep := 1; keep <= layers; keep++ {
			for trainable := 1; trainable <= keep; trainable++ {
				for _, m := range Methods {
					stay := keep
					if m.Reads(NeedTextLoss) || m.Reads(NeedAnswerLoss) {
						stay = max(keep, min(2, layers)) // both ends
					}
					r := everything(layers, stay, trainable)
					r.Similarity = alike(layers)
					plan, err := chosen(m, r)
					if err != nil || plan.Validate(layers) != nil || len(plan.Kept()) != stay || len(plan.Trainable()) != trainable {
						t.Fatalf("%s %d/%d/%d: %v, %v", m.Name, layers, keep, trainable, plan, err)
					}
					for _, how := range []Sharing{ShareAll, ShareFrozen} {
						if shared, err := Share(plan, layers, how); err != nil || len(shared) != layers {
							t.Fatalf("%s %d/%d/%d: %v, %v", m.Name, layers, keep, trainable, shared, err)
						}
					}
				}
			}
		}
	}
}
