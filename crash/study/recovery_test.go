package study

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
)

// lossy gives a row losses of its documents, all of so many tokens.
func lossy(r Row, tokens []int, losses ...float32) Row {
	r.Losses = losses
	loss := total(losses) / float64(count(tokens))
	r.AnswerLoss = &loss
	return r
}

// tableOf is an experiment with rows, related to each other as they are when added.
func tableOf(t *testing.T, names string, tokens []int, rows ...Row) *Experiment {
	t.Helper()
	x := experimentOf(t, names)
	x.Table.AnswerTokens = tokens
	x.protocols = []*Protocol{{Full: crashtest.Small(ref.New(), "opt"), Keep: 4, Trainable: 2, Rows: x.Protocol.Rows}}
	for _, r := range rows {
		x.Table.Rows = append(x.Table.Rows, r)
		x.relate()
		x.Table.Comparisons, x.Table.Baselines = x.compared(), x.baselines()
	}
	return x
}

// TestStatisticsEqualScipy: McNemar's test to the last digits; errors and intervals of
// drawing documents again within five standard errors of so many draws, s/√(2n) of a
// deviation s, and √(q(1-q)/n)/φ(z_q) s of the quantile q of what is normal.
func TestStatisticsEqualScipy(t *testing.T) {
	data, err := os.ReadFile("testdata/statistics.json")
	if err != nil {
		t.Fatal(err)
	}
	type ratio struct{ Value, Stderr float64 }
	var golden []struct {
		Right                            []string
		Losses                           [][]float32
		Tokens                           []int
		Won, Lost                        int
		P, Difference, Stderr, Low, High float64
		Recovery                         struct{ Accuracy, Answer ratio }
	}
	if err := json.Unmarshal(data, &golden); err != nil || len(golden) < 3 {
		t.Fatalf("%d cases, %v", len(golden), err)
	}
	const n = resamples
	near := func(what string, got, want, bar float64) {
		t.Helper()
		if !(math.Abs(got-want) <= bar) {
			t.Errorf("%s: %.12g, want %.12g ± %.3g", what, got, want, bar)
		}
	}
	quantile := func(q float64) float64 {
		z := math.Sqrt2 * math.Erfinv(2*q-1)
		return 5 * math.Sqrt(q*(1-q)/n) / (math.Exp(-z*z/2) / math.Sqrt(2*math.Pi))
	}
	for i, g := range golden {
		rows := []Row{scored("zs", 1, g.Right[1]), scored("ceiling", 1, g.Right[2]), scored("crash", 1, g.Right[0])}
		for k, at := range []int{1, 2, 0} {
			rows[k] = lossy(rows[k], g.Tokens, g.Losses[at]...)
		}
		x := tableOf(t, "zs,ceiling,crash", g.Tokens, rows...)
		at := slices.IndexFunc(x.Table.Comparisons, func(c Comparison) bool { return c.Against == "zs" })
		c := x.Table.Comparisons[at]
		if c.Won != g.Won || c.Lost != g.Lost || c.Loss == nil {
			t.Fatalf("case %d: %+v", i, c)
		}
		near("McNemar", c.P, g.P, 1e-12*g.P)
		near("difference of losses", c.Loss.Difference, g.Difference, 1e-12)
		near("its error", c.Loss.Stderr, g.Stderr, 5*g.Stderr/math.Sqrt(2*n))
		near("low", c.Loss.Low, g.Low, quantile(0.025)*g.Stderr)
		near("high", c.Loss.High, g.High, quantile(0.975)*g.Stderr)
		m := x.Table.Rows[2].Measures
		for _, r := range []struct {
			what string
			got  *Recovery
			want ratio
		}{{"recovery", m.Recovery, g.Recovery.Accuracy}, {"recovery of loss", m.LossRecovery, g.Recovery.Answer}} {
			if r.got == nil || r.got.Stderr == nil {
				t.Fatalf("case %d: no %s: %v", i, r.what, x.Table.Notes)
			}
			near(r.what, r.got.Value, r.want.Value, 1e-9)
			near(r.what+", error", *r.got.Stderr, r.want.Stderr, quantile(0.158655)*r.want.Stderr)
		}
	}
}

// TestRecoveryOfTheEnds: the untrained model recovers 0 and the ceiling 1, without error,
// each seed by its own ceiling.
func TestRecoveryOfTheEnds(t *testing.T) {
	tokens := slices.Repeat([]int{2}, 40)
	losses := func(v float32) []float32 { return slices.Repeat([]float32{v}, 40) }
	half, most, all := strings.Repeat("01", 20), "0"+strings.Repeat("1", 39), strings.Repeat("1", 40)
	x := tableOf(t, "zs,ceiling,uniform", tokens,
		lossy(scored("zs", 1, half), tokens, losses(4)...), lossy(scored("ceiling", 1, all), tokens, losses(2)...), lossy(scored("uniform", 1, most), tokens, losses(3)...),
		lossy(scored("ceiling", 2, most), tokens, losses(1)...), lossy(scored("uniform", 2, half), tokens, losses(5)...))
	want := map[string][2]float64{"zs 1": {0, 0}, "ceiling 1": {1, 1}, "uniform 1": {0.95, 0.5}, "ceiling 2": {1, 1}, "uniform 2": {0, -1.0 / 3}}
	for _, r := range x.Table.Rows {
		m, w := r.Measures, want[rowKey(r)]
		if m.Recovery == nil || m.LossRecovery == nil || math.Abs(m.Recovery.Value-w[0]) > 1e-12 || math.Abs(m.LossRecovery.Value-w[1]) > 1e-12 {
			t.Errorf("%s: %+v, %+v, want %v", rowKey(r), m.Recovery, m.LossRecovery, w)
			continue
		}
		if ends := r.Name != "uniform"; ends && (m.Recovery.Value != w[0] || *m.Recovery.Stderr != 0 || *m.LossRecovery.Stderr != 0) {
			t.Errorf("%s: %v ± %v", rowKey(r), m.Recovery.Value, *m.Recovery.Stderr)
		}
	}
}

// TestNoRecovery says why: a row that is missing, a gain that is not beyond its error, a
// row of an earlier version.
func TestNoRecovery(t *testing.T) {
	tokens := slices.Repeat([]int{1}, 8)
	near := "11110000"
	for _, c := range []struct {
		what, names string
		rows        []Row
		note        string
	}{
		{"no zs", "ceiling,uniform", []Row{scored("ceiling", 1, "11111111"), scored("uniform", 1, near)}, "without a row of the full model untrained (zs)"},
		{"no ceiling", "zs,uniform", []Row{scored("zs", 1, near), scored("uniform", 1, near)}, "without a row of training inside the full model (ceiling)"},
		{"no ceiling of a seed", "zs,ceiling,uniform", []Row{scored("zs", 1, "10000000"), scored("ceiling", 1, "11111111"), scored("uniform", 2, near)}, "of each seed that trains"},
		{"no gain", "zs,ceiling,uniform", []Row{scored("zs", 1, near), scored("ceiling", 1, "11111000"), scored("uniform", 1, near)}, "no recovery in accuracy of seed 1: ceiling is better than zs by 12.5 points"},
		{"a loss", "zs,ceiling,uniform", []Row{scored("zs", 1, "11111111"), scored("ceiling", 1, near), scored("uniform", 1, near)}, "ceiling is better than zs by -50 points"},
		{"earlier", "zs,ceiling,uniform", []Row{scored("zs", 1, "00000000"), scored("ceiling", 1, "11111111"), scored("uniform", 1, near)}, "gradients were not measured of ceiling, uniform"},
	} {
		x := tableOf(t, c.names, tokens, c.rows...)
		last := x.Table.Rows[len(x.Table.Rows)-1].Measures
		if !strings.Contains(strings.Join(x.Table.Notes, "\n"), c.note) {
			t.Errorf("%s: no %q in %q", c.what, c.note, x.Table.Notes)
		}
		if (last.Recovery == nil) != (c.what != "earlier") || last.LossRecovery != nil {
			t.Errorf("%s: %+v, %+v", c.what, last.Recovery, last.LossRecovery)
		}
		if text := x.Text(); !strings.Contains(text, c.note) || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s: %s", c.what, text)
		}
	}
}

// TestSkill is over chance, and nothing is divided by where the full model has none.
func TestSkill(t *testing.T) {
	emulator := 0.3
	with := func(r Row, h *emulate.Health) Row {
		r.EmulatorZS, r.Health = &emulator, h
		return r
	}
	for _, c := range []struct {
		zs        string
		health    *emulate.Health
		skill     float64 // 0: none
		lossSkill float64
	}{
		{strings.Repeat("1", 30) + strings.Repeat("0", 10), &emulate.Health{Emulator: 6, Full: 2, Chance: 10}, 0.05 / 0.5, 0.5},
		{strings.Repeat("1", 12) + strings.Repeat("0", 28), nil, 0, 0},
		{strings.Repeat("0", 40), &emulate.Health{Emulator: 6, Full: 9.5, Chance: 10}, 0, 0},
	} {
		x := tableOf(t, "zs,uniform", nil)
		x.Table.Chance = 0.25
		x.Table.Rows = []Row{scored("zs", 1, c.zs), with(scored("uniform", 1, c.zs), c.health)}
		x.relate()
		m := x.Table.Rows[1].Measures
		for what, pair := range map[string]struct {
			got  *float64
			want float64
		}{"accuracy": {m.Skill, c.skill}, "loss": {m.LossSkill, c.lossSkill}} {
			if (pair.got == nil) != (pair.want == 0) || pair.got != nil && math.Abs(*pair.got-pair.want) > 1e-12 {
				t.Errorf("zs %s, %s: %v, want %v", c.zs, what, pair.got, pair.want)
			}
		}
		if want := c.skill == 0; want != strings.Contains(strings.Join(x.Table.Notes, " "), "no skill in accuracy") {
			t.Errorf("notes %q", x.Table.Notes)
		}
	}
}

// TestBaselines: every emulator against each baseline that there is, draws as their mean,
// two baselines once, corrected by baseline.
func TestBaselines(t *testing.T) {
	tokens := []int{1, 2, 1, 2, 1, 2, 1, 2}
	row := func(name, right string, loss float32) Row {
		return lossy(scored(name, 1, right), tokens, slices.Repeat([]float32{loss}, 8)...)
	}
	x := tableOf(t, "zs,uniform,random,crash,sleb", tokens, row("zs", "11000000", 3), row("uniform", "11110000", 2),
		row("random-1", "11111100", 2), row("random-2", "11000000", 4), row("crash", "11111111", 1), row("sleb", "00001111", 2))
	var got []string
	for _, c := range x.Table.Baselines {
		got = append(got, fmt.Sprintf("%s/%s %.3f %d:%d %.3f", c.Row, c.Against, c.Difference, c.Won, c.Lost, c.Loss.Difference))
	}
	want := []string{
		"random/uniform 0.000 2:2 0.667", "crash/uniform 0.500 4:0 -0.667", "sleb/uniform 0.000 4:4 0.000",
		"crash/random 0.500 6:0 -1.333", "sleb/random 0.000 4:4 -0.667", "sleb/crash -0.500 0:4 0.667",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	crash := x.Table.Baselines[1]
	if math.Abs(crash.P-0.125) > 1e-12 || math.Abs(crash.PHolm-3*0.125) > 1e-12 { // 2/2^4, the least of three
		t.Errorf("p %v, corrected %v", crash.P, crash.PHolm)
	}
	if l := crash.Loss; l.P != 2.0/(resamples+1) || l.PHolm != 3*l.P || l.Low > l.Difference || l.High < l.Difference {
		t.Errorf("%+v", l)
	}
}
