package study_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// knowing returns a small model that has learned the pairs that protocols validate on.
func knowing(t *testing.T) *transformer.Decoder {
	t.Helper()
	be := ref.New()
	d := crashtest.Small(be, "opt")
	tr := &train.Trainer{Backend: be, Params: d.Params(), Settings: crashtest.Settings(), Train: crashtest.NextToken(t, d, crashtest.Pairs(24)[10:14])}
	tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.LR, tr.Settings.Dropout, tr.Settings.Schedule = 0, 60, 1e-2, 0, "constant"
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestBrokenEmulatorsAreTold: each row's emulator beside the full model and chance; a
// warning for those that are broken, before they are trained.
func TestBrokenEmulatorsAreTold(t *testing.T) {
	be := ref.New()
	full := knowing(t)
	p := protocol(t, be, full, t.TempDir(), "zs", "full", "whole=0 1 2 3 4 5*", "broken=2*")
	p.LRs, p.SaveEvery = p.LRs[:1], 1
	warned, trained := map[string]string{}, map[string]bool{}
	p.Watch = func(e study.Event) {
		if e.Warning != "" {
			warned[e.Row] = e.Warning
			if trained[e.Row] {
				t.Errorf("%s: warned after it was trained", e.Row)
			}
		}
		trained[e.Row] = trained[e.Row] || e.Metrics.Loss > 0
	}
	rows, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		emulates := r.Name == "whole" || r.Name == "broken"
		if (r.Health != nil) != emulates {
			t.Errorf("%s: health %v", r.Name, r.Health)
		}
		if !emulates {
			continue
		}
		h := *r.Health
		if h.Chance != math.Log(61) || h.Full <= 0 || h.Full > 1 || h.Broken() != (r.Name == "broken") || (warned[r.Name] != "") != h.Broken() {
			t.Errorf("%s: %+v, warned %q", r.Name, h, warned[r.Name])
		}
		if r.Name == "whole" && h.Emulator != h.Full {
			t.Errorf("the model itself has loss %v, as an emulator %v", h.Full, h.Emulator)
		}
	}
	if w := warned["broken"]; !strings.Contains(w, "row broken") || !strings.Contains(w, "--share") || strings.Contains(w, "\n") {
		t.Errorf("warning %q", w)
	}
	if nn.Count(full.Params()) != full.Config.Params() {
		t.Error("the full model was changed")
	}
}
