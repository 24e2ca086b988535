package study_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// chooserOf returns one that measures a model on a few texts.
func chooserOf(full *transformer.Decoder) *study.Chooser {
	c := &study.Chooser{Backend: ref.New(), Full: full}
	for _, p := range crashtest.Pairs(6) {
		c.Support.Rows = append(c.Support.Rows, slices.Concat(p.Context, p.Target))
		c.Support.Answers = append(c.Support.Answers, transformer.Continuation{Context: p.Context, Target: p.Target})
	}
	return c
}

// shareOf returns the share of the model's numbers that the emulator of a plan holds, from
// one that is built.
func shareOf(t *testing.T, c *study.Chooser, p plan.Plan) float64 {
	t.Helper()
	e, _, err := emulate.Fit(context.Background(), c.Backend, c.Full, p, c.Support.Rows, emulate.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return float64(e.HeldParams()) / float64(nn.Count(c.Full.Params()))
}

// TestBudgetKeepsAllThatFits: the emulator, as it is built, holds no more than the budget,
// and that of one layer more would; where nothing fits, the least budget that is named does.
func TestBudgetKeepsAllThatFits(t *testing.T) {
	ctx := context.Background()
	for _, family := range []string{"opt", "llama"} {
		c := chooserOf(crashtest.Small(ref.New(), family))
		sized := func(m plan.Method, keep int, asked plan.Shape) study.Proposal {
			p, err := c.Plan(ctx, m, plan.Request{Layers: 6, Keep: keep, Trainable: 2}, asked, 0)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		for _, m := range []plan.Method{plan.Auto, plan.Uniform} {
			for _, asked := range []plan.Shape{{}, {Repair: plan.Repair(plan.Patch)}, {Share: plan.ShareAll}, {Compress: plan.Transform{Name: "svd", Amount: 0.5}}} {
				if asked.Share != plan.ShareNone && m.Advised == nil {
					continue
				}
				var shares [7]float64 // by layers that stay
				for keep := 2; keep <= 6; keep++ {
					shares[keep] = shareOf(t, c, sized(m, keep, asked).Plan)
				}
				for budget := range slices.Values([]float64{0.5, 0.7, 0.8, shares[4], 0.95, 1}) {
					what := fmt.Sprintf("%s, %s, %+v, budget %v", family, m.Name, asked, budget)
					want := 0
					for keep := 2; keep <= 6; keep++ {
						if shares[keep] <= budget {
							want = keep
						}
					}
					p, err := c.Plan(ctx, m, plan.Request{Layers: 6, Trainable: 2}, asked, budget)
					if want > 0 {
						if err != nil || len(p.Kept) != want || p.Plan.String() != sized(m, want, asked).Plan.String() {
							t.Errorf("%s: %v, %v; want %d layers", what, p.Plan, err, want)
						}
						continue
					}
					if err == nil {
						t.Errorf("%s: %v, and the least is %v", what, p.Plan, shares[2])
						continue
					}
					named, _ := strconv.ParseFloat(regexp.MustCompile(`--budget (0\.\d{4})`).FindStringSubmatch(err.Error())[1], 64)
					if p, err := c.Plan(ctx, m, plan.Request{Layers: 6, Trainable: 2}, asked, named); err != nil || named-slices.Min(shares[2:]) > 1e-4 || len(p.Trainable) != 2 {
						t.Errorf("%s: %v is named the least: %v, %v", what, named, p.Plan, err)
					}
				}
			}
		}
	}
}

// TestBudgetMeasuresOnce whatever is tried, and not at all where there are no texts.
func TestBudgetMeasuresOnce(t *testing.T) {
	c := chooserOf(crashtest.Small(ref.New(), "opt"))
	done := 0
	c.Watch = func(e study.Event) {
		if e.Phase == "similarity" && e.Done == e.Total {
			done++
		}
	}
	q := plan.Request{Layers: 6, Trainable: 2}
	if _, err := c.Plan(context.Background(), plan.CRaSh, q, plan.Shape{Repair: plan.Repair(plan.Ghost)}, 0.01); err == nil || done != 1 {
		t.Errorf("similarity was measured %d times, %v", done, err)
	}
	c.Support = study.Support{}
	var missing *study.Missing
	if _, err := c.Plan(context.Background(), plan.CRaSh, q, plan.Shape{}, 0.9); !errors.As(err, &missing) || missing.Need != plan.NeedSimilarity {
		t.Errorf("without texts: %v", err)
	}
	q.Trainable = 7
	if _, err := c.Plan(context.Background(), plan.CRaSh, q, plan.Shape{}, 0.9); err == nil || !strings.Contains(err.Error(), "cannot train 7 of 6") {
		t.Errorf("7 trained layers: %v", err)
	}
}

// TestAutoRow: a row of the method is the plan that is recommended for its size, with the
// repair that goes with it, unless the row asks for another; a cell of a study is another one
// if the recommendation is.
func TestAutoRow(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	p := protocol(t, be, full, "", "zs")
	var err error
	if p.Rows, err = study.Select(study.Recipes, []string{"auto", "auto@4", "auto@5+none", "auto@4/all", "auto@6"}, plan.Parse); err != nil {
		t.Fatal(err)
	}
	p.Settings.Steps = 1
	rows, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		name  string
		keep  int
		asked plan.Shape
	}{
		{"auto", p.Keep, plan.Shape{}}, {"auto-4", 4, plan.Shape{}}, {"auto-5-none", 5, plan.Shape{Repair: plan.NoRepair}},
		{"auto-4-all", 4, plan.Shape{Share: plan.ShareAll}}, {"auto-6", 6, plan.Shape{}},
	} {
		chooser := &study.Chooser{Backend: be, Full: full, Support: p.Support, Vectors: p.Vectors}
		want, err := chooser.Plan(context.Background(), plan.Auto, plan.Request{Layers: 6, Keep: c.keep, Trainable: p.Trainable, Seed: p.Seed}, c.asked, 0)
		if err != nil || rows[i].Name != c.name || rows[i].Plan.String() != want.Plan.String() {
			t.Errorf("row %s: %s; want %s: %s, %v", rows[i].Name, rows[i].Plan, c.name, want.Plan, err)
		}
	}
	one, err := p.Rows[0].Identity()
	if err != nil {
		t.Fatal(err)
	}
	other := p.Rows[0]
	other.Method.Advised = slices.Clone(other.Method.Advised)
	if other.Method.Advised[0].TrainAt, err = plan.ParseTrainAt("0,1"); err != nil {
		t.Fatal(err)
	}
	if two, err := other.Identity(); err != nil || string(two) == string(one) {
		t.Errorf("another recommendation has the identity %s too, %v", one, err)
	}
	other.Method.Advised[0] = plan.Recommended[0]
	other.Method.Advised[0].Why = "for another reason"
	if two, err := other.Identity(); err != nil || string(two) != string(one) {
		t.Errorf("another reason: identity %s, not %s, %v", two, one, err)
	}
}
