package study

import (
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/eval"
	"lamina/kernels/ref"
)

// summarised are the paragraphs of an experiment on a model of six blocks.
func summarised(t *testing.T, names string, rows ...Row) string {
	t.Helper()
	x := experimentOf(t, names, rows...)
	x.Table.Model, x.Table.Task, x.Table.Splits = "tiny", "ids", Counts{Train: 30, Test: len(rows[0].Right)}
	full := crashtest.Small(ref.New(), "opt")
	x.told = &Telling{Blocks: len(full.Blocks), Params: full.Config.Params(), keep: 4, trainable: 2}
	return strings.ReplaceAll(strings.Join(x.summary(), "\n"), "\u00a0", " ")
}

// tuned adds the accuracy of a row's trained emulator.
func tuned(r Row, v float64) Row {
	delta := *r.PlugIn - v
	r.EmulatorFT, r.Delta = &v, &delta
	return r
}

// TestSummary says which row won, by how much, and whether chance may have done it.
func TestSummary(t *testing.T) {
	ones, zeros := strings.Repeat("1", 40), strings.Repeat("0", 40)
	half := strings.Repeat("01", 20)
	almost := "0" + ones[1:]
	for _, c := range []struct {
		what, names string
		rows        []Row
		want        []string
		not         string
	}{
		{"a row won", "zs,crash,uniform", []Row{scored("zs", 1, half), tuned(scored("crash", 1, almost), 0.9), scored("uniform", 1, zeros)},
			[]string{"4 of the 6 blocks", "trains 2 of them", "30 rows of ids", "The best plug-in, that of crash, answers 97.5 % right", "47.5 points more (±", "which is more than chance gives", "behind crash by more than chance gives: uniform (by 97.5 points", "7.5 points better"}, "Nothing won"},
		{"nothing won", "zs,crash", []Row{scored("zs", 1, almost), tuned(scored("crash", 1, ones), 1)},
			[]string{"Nothing won: no plug-in is better", "2.5 points more", "p = 1.000", "which chance may give", "no better (delta 0.0)"}, "which is more than chance"},
		{"worse", "zs,crash", []Row{scored("zs", 1, ones), scored("crash", 1, half)}, []string{"Nothing won: training made every row worse", "50.0 points less"}, "best emulator"},
		{"equal", "zs,crash", []Row{scored("zs", 1, half), scored("crash", 1, half)}, []string{"Nothing won", "the same"}, "points more"},
		{"two first", "crash,uniform", []Row{scored("crash", 1, ones), scored("uniform", 1, almost)},
			[]string{"was not scored here", "Chance may have put crash before uniform (by 2.5 points", "does not say which of these"}, "Nothing won"},
		{"level", "crash,uniform", []Row{scored("crash", 1, half), scored("uniform", 1, half)}, []string{"Level with uniform: crash."}, "Chance may"},
		{"the limit", "zs,full,crash", []Row{scored("zs", 1, zeros), scored("full", 1, ones), scored("crash", 1, half)},
			[]string{"full (the full model, all of it trained) answers 100.0 % right; crash has 50.0 points less"}, ""},
		{"no emulator", "zs,full", []Row{scored("zs", 1, zeros), scored("full", 1, ones)}, []string{"no row of this table hands out an emulator", "The best trained model, that of full"}, "plug-in, that"},
		{"nothing trained", "zs", []Row{scored("zs", 1, ones)}, []string{"Nothing was trained", "100.0 % of 40 documents right"}, "won"},
		{"a plan of one's own", "zs,mine=0* 1", []Row{scored("zs", 1, zeros), scored("mine", 1, ones)}, []string{"the blocks that the plans below name", "the starred ones", "that of mine"}, "4 of the 6"},
		{"several seeds", "zs,crash", []Row{scored("zs", 1, zeros), scored("crash", 1, ones), scored("crash", 2, half)}, []string{"75.0 % right", "the mean of 2 runs", "± 25.0 over seeds"}, ""},
		{"seeds that do not agree", "zs,crash", []Row{scored("zs", 1, half), scored("crash", 1, ones), scored("crash", 2, half)},
			[]string{"Nothing won", "25.0 points more", "± 25.0 over seeds", "which other seeds may undo"}, "which is more"},
	} {
		got := summarised(t, c.names, c.rows...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", c.what, want, got)
			}
		}
		if c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %q in\n%s", c.what, c.not, got)
		}
	}
}

// TestSummaryOwnsUp where scored documents were trained on, or choices made by them.
func TestSummaryOwnsUp(t *testing.T) {
	const unseen = "on which nothing was trained or chosen"
	a, b, c := eval.Identity{Name: "a.jsonl", SHA256: "a"}, eval.Identity{Name: "b.jsonl", SHA256: "b"}, eval.Identity{Name: "c.jsonl", SHA256: "c"}
	for _, k := range []struct {
		ids  identities
		want string
	}{
		{identities{Train: a, Test: b}, unseen},
		{identities{Train: a, Test: b, Valid: &c, Support: &c}, unseen},
		{identities{Train: a, Test: b, Support: &a}, unseen},
		{identities{Train: a, Test: a}, "a.jsonl: the documents of --test are those of --train"},
		{identities{Train: a, Test: b, Valid: &b}, "b.jsonl: the documents of --test are those of --valid"},
		{identities{Train: a, Test: b, Support: &b}, "b.jsonl: the documents of --test are those of --support"},
		{identities{Train: a, Test: b, Valid: &a}, "a.jsonl: the documents of --valid are those of --train"},
	} {
		x := Experiment{Overlaps: k.ids.overlaps()}
		if got := x.scoredOn(); !strings.Contains(got, k.want) || (k.want == unseen) != (len(x.Overlaps) == 0) {
			t.Errorf("%+v: %q, want %q", k.ids, got, k.want)
		}
	}
}

// TestCeilingNote tells overfitting from what is not.
func TestCeilingNote(t *testing.T) {
	with := func(r Row, train, valid float64, weights int) Row {
		r.TrainLoss, r.ValidLoss, r.TrainParams = train, valid, weights
		return r
	}
	high, low := scored("ceiling", 1, "1111"), scored("full", 1, "1100")
	for _, c := range []struct {
		want          string
		ceiling, full Row
	}{
		{"as overfitting does", with(high, 0.3, 0.4, 10), with(low, 0.1, 0.5, 1000)},
		{"fits even its training rows less well", with(high, 0.1, 0.2, 10), with(low, 0.3, 0.4, 1000)},
		{"The losses do not explain it", with(high, 0.3, 0.4, 10), with(low, 0.2, 0.3, 1000)},
		{"The losses do not explain it", with(high, 0.9, 0.4, 10), with(low, 0.6, 0.5, 1000)},
		{"stays at or below", with(scored("ceiling", 1, "1000"), 0.3, 0.4, 10), with(low, 0.1, 0.5, 1000)},
		{"trains 10 weights, not 1,000", high, low},
	} {
		if c.full.TrainParams == 0 {
			c.ceiling.TrainParams, c.full.TrainParams = 10, 1000
		}
		if got := experimentOf(t, "ceiling,full", c.ceiling, c.full).ceilingNote(); !strings.Contains(got, c.want) {
			t.Errorf("no %q in %s", c.want, got)
		}
	}
	if got := experimentOf(t, "full", low).ceilingNote(); got != "" {
		t.Error(got)
	}
}
