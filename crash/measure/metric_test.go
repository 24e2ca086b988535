package measure

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// numpyGolden is testdata/metrics.json.
type numpyGolden struct {
	States      [][][]float32          `json:"states"`
	CKA         [][]float64            `json:"cka"`
	Debiased    [][]float64            `json:"cka-debiased"`
	RBF         map[string][][]float64 `json:"cka-rbf"`
	Tasks       [][][]float32          `json:"tasks"`
	Alignment   [][]float64            `json:"alignment"`
	Coordinates [][]float64            `json:"coordinates"`
	Explained   []float64              `json:"explained"`
	Apart       float64                `json:"apart"`
	Similarity  [][]float64            `json:"similarity"`
	Index       float64                `json:"index"`
	Cut         []int                  `json:"cut"`
	Banded      float64                `json:"banded"`
	Weights     [][][]float64          `json:"weights"`
	Distance    [][]float64            `json:"distance"`
	Variance    []float64              `json:"variance"`
	Rank        []float64              `json:"rank"`
}

func readGolden(t *testing.T) (g numpyGolden) {
	t.Helper()
	data, err := os.ReadFile("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// statesOf are states that were made elsewhere, one after the other.
func statesOf(states ...[][]float32) *States {
	s := newStates(Vectors{}, len(states[0]), 0)
	for _, rows := range states {
		s.states = append(s.states, slices.Concat(rows...))
	}
	s.massive = newMassive(len(states))
	return s
}

// numpyBar is how far a number may be from numpy's in float64.
const numpyBar = 1e-9

func sameMatrix(t *testing.T, what string, got, want [][]float64) {
	t.Helper()
	worst := 0.0
	for i := range want {
		if len(got) != len(want) || len(got[i]) != len(want[i]) {
			t.Fatalf("%s: [%d %d], want [%d %d]", what, len(got), len(got[i]), len(want), len(want[i]))
		}
		for j, v := range want[i] {
			worst = max(worst, math.Abs(got[i][j]-v))
		}
	}
	t.Logf("%s: largest difference %.2g (bar %g)", what, worst, numpyBar)
	if !(worst <= numpyBar) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestMetricsEqualNumpy: biased, debiased and Gaussian CKA of states of different widths, two
// equal samples among them.
func TestMetricsEqualNumpy(t *testing.T) {
	g := readGolden(t)
	s := statesOf(g.States...)
	measured := func(name string, bandwidth float64) Similarity {
		how, err := ParseComparing(name, bandwidth)
		if err != nil {
			t.Fatal(err)
		}
		sim, err := s.Similarity(context.Background(), how)
		if err != nil {
			t.Fatal(err)
		}
		if sim.Metric != name || sim.Samples != 10 {
			t.Errorf("%s of %d samples", sim.Metric, sim.Samples)
		}
		cross, err := Between(context.Background(), s, s, how)
		if err != nil {
			t.Fatal(err)
		}
		sameMatrix(t, name+" between", cross.Matrix, sim.Matrix)
		return sim
	}
	sameMatrix(t, "cka", measured("cka", 0).Matrix, g.CKA)
	sameMatrix(t, "cka-debiased", measured("cka-debiased", 0).Matrix, g.Debiased)
	if len(g.RBF) < 3 {
		t.Fatalf("%d bandwidths", len(g.RBF))
	}
	for text, want := range g.RBF {
		bandwidth, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		sim := measured("cka-rbf", bandwidth)
		sameMatrix(t, "cka-rbf "+text, sim.Matrix, want)
		if sim.Bandwidth != bandwidth {
			t.Errorf("bandwidth %v, want %v", sim.Bandwidth, bandwidth)
		}
	}
	if got := measured("cka-rbf", 0); got.Bandwidth != 1 {
		t.Errorf("a bandwidth of %v by default", got.Bandwidth)
	}
}

// TestDebiasedOfNothingInCommon: independent states of few samples and many features have
// biased CKA near 1 and debiased CKA near 0, and so has the control of a pair.
func TestDebiasedOfNothingInCommon(t *testing.T) {
	const n, d = 30, 600
	a, b := newStates(Vectors{}, n, 0), newStates(Vectors{}, n, 0)
	a.states, b.states = [][]float32{randomStates(1, n, d)}, [][]float32{randomStates(2, n, d)}
	for name, within := range map[string][2]float64{"cka": {0.9, 1}, "cka-debiased": {-0.1, 0.1}} {
		how, err := ParseComparing(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		x, err := Between(context.Background(), a, b, how)
		if err != nil {
			t.Fatal(err)
		}
		for what, v := range map[string]float64{"between": x.Matrix[0][0], "shuffled": x.Shuffled} {
			if v < within[0] || v > within[1] {
				t.Errorf("%s, %s: %v", name, what, v)
			}
		}
	}
}

func TestConstantStatesOfEveryMetric(t *testing.T) {
	for _, m := range Metrics {
		c, err := NewComparison(Comparing{Metric: m}, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range [][]float32{make([]float32, 15), randomStates(1, 5, 3)} {
			if err := c.Add(x, 3); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.Matrix(); got[0][0] != 0 || got[0][1] != 0 || got[1][1] != 1 {
			t.Errorf("%s: %v", m.Name, got)
		}
	}
}

func TestMetricRefuses(t *testing.T) {
	for want, err := range map[string]error{
		`metric: "cosine" is unknown: want cka, cka-debiased, cka-rbf`: second(ParseComparing("cosine", 0)),
		"metric cka-debiased has no bandwidth":                         second(ParseComparing("cka-debiased", 0.5)),
		"bandwidth -1: want 0.001 to 1000 medians":                     second(ParseComparing("cka-rbf", -1)),
		"bandwidth NaN": second(ParseComparing("cka-rbf", math.NaN())),
		"by cka-debiased needs 4 samples or more, got 3": second(NewComparison(Comparing{Metric: MetricDebiased}, 3)),
		"cannot be compared":                             second(Between(context.Background(), statesOf([][]float32{{1}, {2}}), statesOf([][]float32{{1}, {2}, {3}}), Comparing{})),
		"want 2 tasks or more to compare, got 1":         second(CompareTasks(context.Background(), make([]TaskFeatures, 1), Comparing{})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// tasksOf are tasks of the golden.
func tasksOf(g numpyGolden) (tasks []TaskFeatures) {
	for i, rows := range g.Tasks {
		tasks = append(tasks, TaskFeatures{Task: string(rune('a' + i)), States: statesOf(rows)})
	}
	return tasks
}

// TestTaskMapEqualsNumpy, and what is paired lies among the shuffled of tasks that share no
// rows.
func TestTaskMapEqualsNumpy(t *testing.T) {
	g := readGolden(t)
	tasks := tasksOf(g)
	m, err := CompareTasks(context.Background(), tasks, Comparing{})
	if err != nil {
		t.Fatal(err)
	}
	sameMatrix(t, "alignment", m.Matrix, g.Alignment)
	if m.Half != 5 || m.Samples != 10 || !slices.Equal(m.Tasks, []string{"a", "b", "c"}) || m.Metric != "cka" {
		t.Errorf("%+v", m)
	}
	for i := range tasks {
		for j := range tasks {
			if i != j && math.Abs(m.Paired[i][j]-m.Shuffled[i][j]) > 4*m.Spread[i][j] {
				t.Errorf("%d, %d: %v in their order, %v ± %v in others", i, j, m.Paired[i][j], m.Shuffled[i][j], m.Spread[i][j])
			}
		}
		if m.Paired[i][i] != 1 {
			t.Errorf("task %d with itself: %v", i, m.Paired[i][i])
		}
	}
}

// TestFeatureMapEqualsNumpy: coordinates to the sign, explained variance, and the share
// between the tasks.
func TestFeatureMapEqualsNumpy(t *testing.T) {
	g := readGolden(t)
	m, err := MapFeatures(context.Background(), tasksOf(g), 3)
	if err != nil {
		t.Fatal(err)
	}
	sameMatrix(t, "coordinates", slices.Concat(m.Coordinates...), g.Coordinates)
	sameMatrix(t, "explained", [][]float64{m.Explained, {m.Apart}}, [][]float64{g.Explained, {g.Apart}})
	if m.Chance != 2.0/29 {
		t.Errorf("by chance %v", m.Chance)
	}
	equal := []TaskFeatures{{"a", statesOf([][]float32{{1}, {1}, {1}, {1}})}, {"b", statesOf([][]float32{{1}, {1}, {1}, {1}})}}
	for want, err := range map[string]error{
		"all 8 rows have the same state": second(MapFeatures(context.Background(), equal, 2)),
		"30 components of 30 rows":       second(MapFeatures(context.Background(), tasksOf(g), 30)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestBlockStructureEqualsNumpy finds the cut that all cuts tried in a loop have, and of a
// band alone none above its control.
func TestBlockStructureEqualsNumpy(t *testing.T) {
	g := readGolden(t)
	b := Similarity{Matrix: g.Similarity}.BlockStructure()
	sameMatrix(t, "index", [][]float64{{b.Index, b.Banded}}, [][]float64{{g.Index, g.Banded}})
	ends := []int{}
	for _, r := range b.Runs[:len(b.Runs)-1] {
		ends = append(ends, r[1])
	}
	if !slices.Equal(ends, g.Cut) || b.P > 0.05 || b.Excess != b.Index-b.Banded {
		t.Errorf("%+v, want a cut at %v", b, g.Cut)
	}
	band := make([][]float64, 11)
	for i := range band {
		for j := range band {
			band[i] = append(band[i], 1-0.05*math.Abs(float64(i-j)))
		}
	}
	if b := (Similarity{Matrix: band}).BlockStructure(); math.Abs(b.Excess) > 1e-12 || b.P != 1 {
		t.Errorf("a band: %+v", b)
	}
	if b := (Similarity{Matrix: band[:5]}).BlockStructure(); b != nil {
		t.Errorf("of four layers: %+v", b)
	}
}

// TestWeightsEqualNumpy: distances, variances and effective ranks of the blocks of a model
// whose tensors are set to the golden's.
func TestWeightsEqualNumpy(t *testing.T) {
	g := readGolden(t)
	be := ref.New()
	shared := sameTensor{name: "w"}
	for _, w := range g.Weights {
		values := slices.Concat(w...)
		shared.params = append(shared.params, &autograd.Parameter{Name: "w", Value: tensor.MustFromFloats(be, tensor.F32, values, len(w), len(w[0]))})
	}
	r, err := shared.measure(context.Background(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	sameMatrix(t, "distance", r.Distance, g.Distance)
	sameMatrix(t, "variance and rank", [][]float64{r.Variance, r.Rank}, [][]float64{g.Variance, g.Rank})
	if rank, err := EffectiveRank(make([]float64, 6), 2, 3); rank != 0 || err != nil {
		t.Errorf("of zeros: %v, %v", rank, err)
	}
	if rank, err := EffectiveRank([]float64{2, 0, 0, 0, 2, 0}, 2, 3); err != nil || math.Abs(rank-2) > 1e-12 {
		t.Errorf("of two equal singular values: %v, %v", rank, err)
	}
}
