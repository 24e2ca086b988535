package lens_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lamina/crash/lens"
)

// TestDistancesEqualScipys holds each against testdata/distances.json, of given
// probabilities, to 1e-9; see gen_distances.py.
func TestDistancesEqualScipys(t *testing.T) {
	data, err := os.ReadFile("testdata/distances.json")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []struct {
		P, Q                          []float64
		KL, JS, Hellinger, L2, Cosine float64
		Entropy                       float64
	}
	if err := json.Unmarshal(data, &pairs); err != nil {
		t.Fatal(err)
	}
	if len(pairs) < 10 {
		t.Fatalf("%d pairs", len(pairs))
	}
	for i, c := range pairs {
		want := map[string]float64{"kl": c.KL, "js": c.JS, "hellinger": c.Hellinger, "l2": c.L2, "cosine": c.Cosine}
		p, q := lens.RowOf(c.P), lens.RowOf(c.Q)
		for _, d := range lens.Distances {
			got := d.Of(p, q)
			if !(math.Abs(got-want[d.Name]) <= 1e-9) {
				t.Errorf("pair %d: %s is %v, scipy says %v", i, d.Name, got, want[d.Name])
			}
			if back := d.Of(q, p); d.Symmetric && math.Abs(back-got) > 1e-15 {
				t.Errorf("pair %d: %s is %v one way and %v the other", i, d.Name, got, back)
			}
			if same := d.Of(p, p); same > 1e-15 || d.Likeness(0) != 1 {
				t.Errorf("pair %d: %s of a row from itself is %v, likeness %v", i, d.Name, same, d.Likeness(0))
			}
		}
		if got := lens.Entropy(p); math.Abs(got-c.Entropy) > 1e-9 {
			t.Errorf("pair %d: entropy %v, scipy says %v", i, got, c.Entropy)
		}
	}
}

// TestLikenessFalls: what clusters by likeness clusters by distance.
func TestLikenessFalls(t *testing.T) {
	for _, d := range lens.Distances {
		if !(d.Likeness(0.1) > d.Likeness(0.2)) || d.Likeness(0.1) >= 1 {
			t.Errorf("%s: likeness %v at 0.1 and %v at 0.2", d.Name, d.Likeness(0.1), d.Likeness(0.2))
		}
	}
	if _, err := lens.DistanceNamed("wasserstein"); err == nil {
		t.Error("an unknown distance is taken")
	}
}
