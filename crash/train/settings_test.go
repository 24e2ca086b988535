package train_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn/optim"
)

// TestDecayLeavesVectorsAlone: a step shrinks matrices by rate times decay, and neither
// biases nor gains of norms, unless the groups say otherwise.
func TestDecayLeavesVectorsAlone(t *testing.T) {
	const rate, decay = 1e-3, 10
	be := ref.New()
	step := func(decay float64, groups []optim.Group) map[string][]float64 {
		tr, e := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
		defer tr.Close()
		tr.Valid, tr.Settings = nil, train.Settings{LR: rate, Steps: 1, Batch: 4, Schedule: optim.Constant, WeightDecay: decay, Groups: groups}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		values := map[string][]float64{}
		for w := range e.Params() {
			values[w.Name] = w.Value.Floats()
		}
		return values
	}
	plain := step(0, nil)
	for _, c := range []struct {
		groups  []optim.Group
		decayed func(name string, vector bool) bool
	}{
		{nil, func(name string, vector bool) bool { return !vector }},
		{[]optim.Group{}, func(string, bool) bool { return true }},
		{[]optim.Group{{Match: "*.fc1.*"}}, func(name string, _ bool) bool { return !strings.Contains(name, ".fc1.") }},
	} {
		for name, values := range step(decay, c.groups) {
			vector := strings.HasSuffix(name, ".bias") || strings.Contains(name, "norm.")
			want := 0.0
			if c.decayed(name, vector) {
				want = rate * decay
			}
			for i, v := range values {
				// Where a weight is smaller than a step, its share says nothing.
				if share := (plain[name][i] - v) / plain[name][i]; math.Abs(plain[name][i]) > 0.05 && math.Abs(share-want) > 0.1*rate*decay {
					t.Errorf("groups %+v: element %d of %s shrank by %v of itself, want %v", c.groups, i, name, share, want)
					break
				}
			}
		}
	}
}

// TestRunsOfAnotherDecayAreToldApart: a directory made when weight decay held for all is
// not resumed now that it does not; one without weight decay is.
func TestRunsOfAnotherDecayAreToldApart(t *testing.T) {
	old := func(decay float64) json.RawMessage { // as it was written before there were groups
		text, err := json.Marshal(struct {
			LR          float64 `json:"lr"`
			Epochs      int     `json:"epochs"`
			Batch       int     `json:"batch"`
			Schedule    string  `json:"schedule"`
			Warmup      int     `json:"warmup"`
			Clip        float64 `json:"clip"`
			WeightDecay float64 `json:"weight_decay"`
			Dropout     float64 `json:"dropout"`
			EvalEvery   int     `json:"eval_every"`
			Seed        uint64  `json:"seed"`
		}{0.1, 2, 4, "linear", 1, 1, decay, 0.1, 3, 5})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range []struct {
		decay  float64
		groups []optim.Group
		want   string
	}{
		{0, nil, ""},
		{0.01, nil, `groups is absent there, [{"vectors":true,"weight_decay":0}] now`},
		{0.01, []optim.Group{}, ""},
		{0, []optim.Group{{Match: "*.bias", LR: 2}}, `groups is absent there, [{"lr":2,"match":"*.bias"`},
	} {
		dir := t.TempDir()
		r, err := train.OpenRunDir(dir, old(c.decay), false)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		now := train.Settings{LR: 0.1, Epochs: 2, Batch: 4, Schedule: optim.Linear, Warmup: 1, Clip: 1, WeightDecay: c.decay, Dropout: 0.1, EvalEvery: 3, Seed: 5, Groups: c.groups}
		r, err = train.OpenRunDir(dir, now, false)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("decay %v, groups %+v: %v, want %q", c.decay, c.groups, err, c.want)
		case err == nil:
			r.Close()
		}
	}
}

func TestSettingsValidateGroups(t *testing.T) {
	s := crashtest.Settings()
	s.Groups = []optim.Group{{Match: "[a"}}
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), `group "[a"`) {
		t.Errorf("%v", err)
	}
}
