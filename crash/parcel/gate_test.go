package parcel_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/parcel"
	"lamina/eval"
)

// TestMcNemar against the binomial distribution, summed by hand.
func TestMcNemar(t *testing.T) {
	for _, c := range []struct {
		won, lost int
		want      float64
	}{
		{0, 0, 1}, {1, 0, 1}, {0, 5, 2.0 / 32}, {8, 0, 2.0 / 256}, {3, 3, 1},
		{2, 8, 2 * (1 + 10 + 45) / 1024.0}, {10, 25, 0.016673847800120713}, // scipy 1.17: binomtest(10, 35)
	} {
		if got := parcel.McNemar(c.won, c.lost); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%d won, %d lost: %v, want %v", c.won, c.lost, got, c.want)
		}
	}
}

// TestPairedLoss: weights by tokens, and the p-value of a difference that is known.
func TestPairedLoss(t *testing.T) {
	before, after, tokens := []float64{2, 6, 4}, []float64{1, 4, 4}, []int{1, 3, 2}
	got := parcel.PairedLoss(before, after, tokens)
	// D = -3/6; residuals -1+.5, -2+1.5, 0+1; s = √(3/2·1.5).
	want := math.Erfc(3 / math.Sqrt(1.5*(.25+.25+1)) / math.Sqrt2)
	if got.Before != 2 || got.After != 1.5 || math.Abs(got.P-want) > 1e-12 {
		t.Errorf("%+v, want 2, 1.5, %v", got, want)
	}
	if same := parcel.PairedLoss(before, before, tokens); same.P != 1 {
		t.Errorf("the same model: %+v", same)
	}
}

// TestGate: rows that the adapter gets better at, rows that it gets worse at, and a gain
// that it does not reach.
func TestGate(t *testing.T) {
	h := newHouses(t)
	p, err := parcel.Open(h.adapter, parcel.Trusting{})
	must(t, err)
	row := func(name string, text string) eval.Data {
		path := filepath.Join(h.dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return eval.Data{Path: path}
	}
	plug := func(g parcel.Gate, force bool) (parcel.PluggedIn, error) {
		t.Helper()
		out := filepath.Join(h.dir, "out")
		done, err := p.PlugIn(context.Background(), h.full, out, parcel.PlugInOptions{Receipt: h.receipt, Again: true, Force: force, Gate: g})
		_, there := os.Stat(out)
		if (err == nil) != (there == nil) {
			t.Errorf("%v, and what was written: %v", err, there)
		}
		must(t, os.RemoveAll(out))
		return done, err
	}
	// The first token that each model thinks likeliest, so that who is right is known.
	one := row("one.jsonl", `{"context_ids":[5,6,7],"target_ids":[8,9]}`+"\n")
	done, err := plug(parcel.Gate{Valid: one}, false)
	must(t, err)
	if s := done.Scores; s == nil || s.Documents != 1 || s.Accuracy == nil || s.Loss == nil || s.Loss.P != 1 || s.Loss.Before == s.Loss.After {
		t.Fatalf("scores %+v", done.Scores)
	}
	half := 0.5
	_, err = plug(parcel.Gate{Valid: one, LeastGain: &half}, false)
	refused(t, "too small a gain", err, p.Dir, "and 0.5 is wanted")
	done, err = plug(parcel.Gate{Valid: one, LeastGain: &half}, true)
	if err != nil || len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], "and 0.5 is wanted") {
		t.Errorf("forced: %v, %q", err, done.Warnings)
	}
	text := ""
	for i := range 30 {
		text += fmt.Sprintf(`{"context_ids":[%d,%d,3],"target_ids":[%d]}`+"\n", 5+i, 40-i, 10+i)
	}
	many := row("many.jsonl", text)
	done, err = plug(parcel.Gate{Valid: many, Limit: 20}, false)
	must(t, err)
	if done.Scores.Documents != 20 {
		t.Errorf("%d documents", done.Scores.Documents)
	}
	none := row("none.jsonl", "")
	if _, err := plug(parcel.Gate{Valid: none}, false); err == nil || !strings.Contains(err.Error(), none.Path) {
		t.Errorf("no documents: %v", err)
	}
}

// TestGateRefusesWhatGotWorse beyond chance, whatever was asked for.
func TestGateRefusesWhatGotWorse(t *testing.T) {
	worse := parcel.Scores{Documents: 40, Accuracy: &parcel.Paired{Before: 0.6, After: 0.4, P: 0.008}}
	chance := parcel.Scores{Documents: 40, Accuracy: &parcel.Paired{Before: 0.6, After: 0.55, P: 0.6}}
	loss := parcel.Scores{Documents: 40, Loss: &parcel.Paired{Before: 2, After: 2.5, P: 1e-4}}
	nan := parcel.Scores{Documents: 40, Loss: &parcel.Paired{Before: 2, After: math.NaN(), P: math.NaN()}}
	gain := 0.0
	for _, c := range []struct {
		what string
		s    parcel.Scores
		g    parcel.Gate
		want string
	}{
		{"worse", worse, parcel.Gate{}, "it got worse beyond chance"},
		{"worse by chance", chance, parcel.Gate{}, ""},
		{"worse by chance, where no loss is allowed", chance, parcel.Gate{LeastGain: &gain}, "and 0 is wanted"},
		{"a higher loss", loss, parcel.Gate{}, "the loss of answers"},
		{"no loss at all", nan, parcel.Gate{}, "the loss of answers"},
		{"a gain of what has none", loss, parcel.Gate{LeastGain: &gain}, "have no accuracy"},
		{"nothing", parcel.Scores{}, parcel.Gate{}, "neither"},
	} {
		err := parcel.CheckScores(&c.s, c.g)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}
