package leak

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lamina/internal/philox"
)

// attacks is testdata/attacks.json, made by testdata/gen_attacks.py.
type attacks struct {
	AUC []struct {
		Members, Others                         []float64
		AUC, MannWhitney, Variance, TPR1, TPR10 float64
	}
	LiRA []struct {
		Online  bool
		Losses  []float64
		Shadows [][]float64
		In      [][]bool
		Scores  []float64
	}
}

func golden(t *testing.T) (g attacks) {
	t.Helper()
	data, err := os.ReadFile("testdata/attacks.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= 1e-12*max(1, math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// AUC equals scikit-learn's and the Mann–Whitney statistic, its interval DeLong's variance
// over all pairs, and the true positives a point of scikit-learn's curve.
func TestAUCEqualsReference(t *testing.T) {
	for _, c := range golden(t).AUC {
		got := AUC(c.Members, c.Others)
		near(t, "AUC", got.Value, c.AUC)
		near(t, "AUC", got.Value, c.MannWhitney)
		near(t, "low end", got.Low, max(0, c.AUC-1.959963984540054*math.Sqrt(c.Variance)))
		near(t, "high end", got.High, min(1, c.AUC+1.959963984540054*math.Sqrt(c.Variance)))
		near(t, "TPR at 1 %", tpr(c.Members, c.Others, 0.01), c.TPR1)
		near(t, "TPR at 10 %", tpr(c.Members, c.Others, 0.10), c.TPR10)
		if i := TPR(c.Members, c.Others, 0.10); i.Value != c.TPR10 || !i.Has(i.Value) || i != TPR(c.Members, c.Others, 0.10) {
			t.Errorf("TPR at 10 %% with its interval: %+v", i)
		}
	}
}

func TestLiRAEqualsReference(t *testing.T) {
	for _, c := range golden(t).LiRA {
		how, shadows := Offline, make([]Shadow, len(c.Shadows))
		if c.Online {
			how = Online
		}
		for k := range shadows {
			shadows[k] = Shadow{Losses: c.Shadows[k], In: c.In[k]}
		}
		got, err := LiRA(how, c.Losses, shadows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if d := math.Abs(got[i] - c.Scores[i]); !(d <= 1e-7*max(1, math.Abs(c.Scores[i]))) { // the reference goes through the tail of a cdf and back
				t.Errorf("%s, %d shadows, row %d: %v, want %v", how, len(shadows), i, got[i], c.Scores[i])
			}
		}
	}
	if _, err := LiRA(Offline, []float64{1}, []Shadow{{Losses: []float64{1}}}); err == nil {
		t.Error("one shadow is enough")
	}
	if _, err := LiRA(Online, []float64{1}, []Shadow{{Losses: []float64{1}}, {Losses: []float64{2}}}); err == nil {
		t.Error("online without a shadow that has the row")
	}
}

// TestIntervalsHold counts how often the 95 % interval has the truth, which is Φ(δ/√2) for
// normal scores that differ by δ: 95 % within four standard errors of 400 experiments.
func TestIntervalsHold(t *testing.T) {
	const experiments = 400
	for _, δ := range []float64{0, 0.5, 1.5} {
		truth := 0.5 * math.Erfc(-δ/2)
		held := 0
		for k := range experiments {
			s := philox.New(uint64(k), uint64(δ*8))
			members, others := make([]float64, 80), make([]float64, 120)
			for i := range members {
				members[i] = δ + s.Normal(uint64(i))
			}
			for i := range others {
				others[i] = s.Normal(uint64(1000 + i))
			}
			if AUC(members, others).Has(truth) {
				held++
			}
		}
		if share := float64(held) / experiments; math.Abs(share-0.95) > 4*math.Sqrt(0.95*0.05/experiments) {
			t.Errorf("δ %v: %v of the intervals have %v", δ, share, truth)
		}
	}
}

func TestConfidenceIsTheLogit(t *testing.T) {
	for _, loss := range []float64{1e-6, 0.1, 1, 5, 30} {
		p := math.Exp(-loss)
		if want := math.Log(p) - math.Log1p(-p); math.Abs(Confidence(loss)-want) > 1e-6*math.Abs(want) {
			t.Errorf("φ(%v) = %v, want %v", loss, Confidence(loss), want)
		}
	}
	for _, loss := range []float64{0, -1e-9} { // rounding
		if φ := Confidence(loss); math.IsInf(φ, 0) || math.IsNaN(φ) {
			t.Errorf("φ(%v) = %v", loss, φ)
		}
	}
}
