package plan_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/crash/plan"
)

// top keeps the last layers and trains all of them: a method of one's own.
var top = plan.Method{
	Name: "top", Help: "the last layers",
	Choose: func(r plan.Request) (plan.Choice, error) {
		var p plan.Plan
		for i := r.Layers - r.Keep; i < r.Layers; i++ {
			p = append(p, plan.Slot{Layer: i, Trainable: i >= r.Layers-r.Trainable})
		}
		return plan.Choice{Plan: p}, nil
	},
}

func ExampleMethod() {
	methods := append(slices.Clone(plan.Methods), top)
	m, _ := plan.Named(methods, "top")
	chosen, _ := m.Plan(plan.Request{Layers: 12, Keep: 4, Trainable: 2})
	fmt.Println(chosen.Plan)
	// Output: 8 9 10* 11*
}

func TestMethodsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range plan.Methods {
		if seen[m.Name] || m.Help == "" || m.Choose == nil || strings.ToLower(m.Name) != m.Name {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
		if got, err := plan.Named(plan.Methods, m.Name); err != nil || got.Name != m.Name {
			t.Errorf("%s: %v, %v", m.Name, got.Name, err)
		}
	}
	if _, err := plan.Named(plan.Methods, "best"); err == nil || !strings.Contains(err.Error(), `"best" is unknown: want uniform,`) {
		t.Errorf("an unknown name: %v", err)
	}
}

// A method is never asked what it cannot answer, and its answer is looked at.
func TestMethodPlanRefuses(t *testing.T) {
	square := func(n int) [][]float64 {
		m := make([][]float64, n)
		for i := range m {
			m[i] = make([]float64, n)
		}
		return m
	}
	ragged := square(7)
	ragged[3] = ragged[3][:5]
	nan, endless := square(7), square(7)
	nan[2][4], endless[0][6] = math.NaN(), math.Inf(1)
	wide := top
	wide.Choose = func(plan.Request) (plan.Choice, error) {
		return plan.Choice{Plan: plan.Plan{{Layer: 2}, {Layer: 6, Trainable: true}}}, nil
	}
	more := wide
	more.Choose = func(plan.Request) (plan.Choice, error) {
		return plan.Choice{Plan: plan.Identity(6, []int{1, 2})}, nil
	}
	for _, c := range []struct {
		method plan.Method
		spoil  func(r *plan.Request)
		want   string
	}{
		{plan.CRaSh, func(r *plan.Request) {}, "needs the similarity"},
		{plan.CRaSh, func(r *plan.Request) { r.Similarity = square(6) }, "6 states: want 7"},
		{plan.CRaSh, func(r *plan.Request) { r.Similarity = ragged }, "row 3 has 5 values"},
		{plan.CRaSh, func(r *plan.Request) { r.Similarity = nan }, "similarity of states 2 and 4 is NaN: measure it anew"},
		{plan.HierarchicalAverage, func(r *plan.Request) { r.Similarity = nan }, "similarity of states 2 and 4 is NaN"},
		{plan.Angular, func(r *plan.Request) { r.Cosine, r.Angle = square(7), endless }, "angle of states 0 and 6 is +Inf"},
		{plan.Streamline, func(r *plan.Request) {}, "method streamline needs the directions of layers"},
		{plan.Fixed, func(r *plan.Request) { r.List = []int{1, 2, 6} }, "the list names layer 6 (the model has layers 0 to 5)"},
		{plan.Fixed, func(r *plan.Request) { r.List = []int{1, 2, 2} }, "the list names layer 2 after layer 2"},
		{plan.Uniform, func(r *plan.Request) { r.AnchorEnds = true }, "uniform cannot be told"},
		{plan.Random, func(r *plan.Request) { r.Keep = 7 }, "keep 7 of 6"},
		{plan.Random, func(r *plan.Request) { r.Layers = -1 }, "-1 layers"},
		{wide, func(r *plan.Request) {}, "layer 6 out of range"},
		{more, func(r *plan.Request) {}, "keeps 6 layers and trains 2: want 3 and 2"},
	} {
		r := plan.Request{Layers: 6, Keep: 3, Trainable: 2}
		c.spoil(&r)
		if got, err := c.method.Plan(r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", c.method.Name, got, err, c.want)
		}
	}
}
