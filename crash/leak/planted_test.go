package leak_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/leak"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn/optim"
	"lamina/transformer"
)

// sequences are some of the pairs that crashtest draws.
func sequences(from, n int) (all []train.Sequence) {
	for _, p := range crashtest.Pairs(from + n)[from:] {
		all = append(all, train.NewSequence(p))
	}
	return all
}

// overfit trains rows far beyond what they teach.
var overfit = train.Settings{LR: 1e-2, Steps: 60, Batch: 16, Schedule: optim.Constant, Clip: 1, Seed: 5}

// trained trains the starred blocks of a new emulator on rows; after the test its weights go.
func trained(t *testing.T, be kernels.Backend, rows []train.Sequence, s train.Settings) *emulate.Emulator {
	t.Helper()
	e := untrained(t, be)
	o, err := train.NewSequences(e.Decoder, rows)
	if err != nil {
		t.Fatal(err)
	}
	tr := &train.Trainer{Backend: be, Params: e.Params(), Settings: s, Train: o}
	t.Cleanup(tr.Close)
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return e
}

func untrained(t *testing.T, be kernels.Backend) *emulate.Emulator {
	t.Helper()
	e, err := emulate.New(crashtest.Small(be, "llama"), crashtest.Plan(t, "0* 1 4 5*"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// brought are the measures of what training made, with shadows that are trained likewise.
func brought(t *testing.T, be kernels.Backend, a leak.Audited, plugged *transformer.Decoder, how leak.Variant, shadows int) leak.Brought {
	t.Helper()
	e := untrained(t, be)
	return leak.Brought{
		Backend: be, Base: e.Decoder, Audited: a, Complete: leak.CompleteOptions{Rows: 12, Tokens: 8},
		Shadows: &leak.Shadows{
			Backend: be, Decoder: e.Decoder, Params: e.Params(), Settings: overfit, Public: sequences(3000, 60), Audited: a, Count: shadows, How: how, Seed: 3,
		},
		Plug: func() (*transformer.Decoder, error) { return plugged, nil },
	}
}

func byMeasure(t *testing.T, b leak.Brought) map[string]leak.Row {
	t.Helper()
	table, err := b.Table(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]leak.Row{}
	for _, r := range table.Rows {
		if _, ok := rows[r.Measure]; !ok {
			rows[r.Measure] = r
		}
	}
	return rows
}

// attacks of a variant.
func attacks(how leak.Variant) []string {
	return []string{"membership by loss, AUC", "membership by loss less the untrained model's, AUC", "membership by LiRA (" + string(how) + "), AUC"}
}

// TestPlantedOverfittingIsFound: an adapter that was trained on some rows until it knows
// them by heart gives them away, to each attack and word for word; the untrained model, and
// shadows in its place, do not.
func TestPlantedOverfittingIsFound(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	a := leak.Audited{Members: sequences(0, 40), Others: sequences(1000, 40)}
	plugged := trained(t, be, a.Members, overfit).Decoder
	for _, how := range []leak.Variant{leak.Offline, leak.Online} {
		rows := byMeasure(t, brought(t, be, a, plugged, how, map[leak.Variant]int{leak.Offline: 3, leak.Online: 6}[how]))
		for _, name := range attacks(how) {
			r := rows[name]
			if !(r.Value >= 0.8 && r.Low > 0.7) || r.N != 80 || r.Control == nil || !(math.Abs(r.Control.Value-0.5) < 0.2) {
				t.Errorf("%s: %+v, control %+v", name, r, r.Control)
			}
		}
		if r := rows["members, longest run in common, of the second half"]; !(r.Value > r.Control.Value) || r.N == 0 {
			t.Errorf("completions %+v, control %+v", r, r.Control)
		}
	}
}

// TestUntrainedKnowsNobody: weights that were not trained, and weights that were trained on
// other rows, have an AUC of 0.5 ± 0.05 for rows that they have not seen: 500 of each kind,
// of which chance gives a standard error of 0.018.
func TestUntrainedKnowsNobody(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	a := leak.Audited{Members: sequences(0, 500), Others: sequences(1000, 500)}
	for what, e := range map[string]*emulate.Emulator{"untrained": untrained(t, be), "trained on others": trained(t, be, sequences(2000, 40), overfit)} {
		b := brought(t, be, a, e.Decoder, leak.Offline, 3)
		rows := byMeasure(t, b)
		for _, name := range attacks(leak.Offline) {
			if r := rows[name]; !(math.Abs(r.Value-0.5) <= 0.05) || r.N != 1000 {
				t.Errorf("%s: %s: %+v", what, name, r)
			}
		}
	}
}

// TestShadowsGoOn: shadows that are kept are the same bits as those of one call, whether the
// call before was stopped, or asked for fewer; and the decoder has its weights back.
func TestShadowsGoOn(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	a := leak.Audited{Members: sequences(0, 4), Others: sequences(1000, 4)}
	short := overfit
	short.Steps = 3
	shadows := func(dir string, count int, ctx context.Context) ([]leak.Shadow, error) {
		e := untrained(t, be)
		before := crashtest.Bits(e.Decoder.Params())
		s := &leak.Shadows{Backend: be, Decoder: e.Decoder, Params: e.Params(), Settings: short, Public: sequences(3000, 8), Audited: a, Count: count, How: leak.Online, Dir: dir}
		all, err := s.Train(ctx)
		crashtest.Same(t, "weights after shadows", crashtest.Bits(e.Decoder.Params()), before)
		return all, err
	}
	want, err := shadows("", 4, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "shadows")
	if _, err := shadows(dir, 3, context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := shadows(dir, 4, &crashtest.Countdown{Context: context.Background(), Left: 2}); err == nil {
		t.Fatal("was not stopped")
	}
	got, err := shadows(dir, 4, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	in := 0
	for k := range want {
		for i, loss := range want[k].Losses {
			if got[k].Losses[i] != loss || got[k].In[i] != want[k].In[i] {
				t.Errorf("shadow %d, row %d: %v, want %v", k, i, got[k].Losses[i], loss)
			}
			if want[k].In[i] {
				in++
			}
		}
	}
	if in != 2*8 { // each of eight rows is in one of two neighbours
		t.Errorf("rows are in %d shadows together, want 16", in)
	}
	path := filepath.Join(dir, "shadow-1.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "true", "false", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := shadows(dir, 4, context.Background()); err == nil || !strings.Contains(err.Error(), "shadow-1.json") {
		t.Errorf("a shadow that was changed: %v", err)
	}
	a.Others = sequences(1004, 4)
	if _, err := shadows(dir, 4, context.Background()); err == nil {
		t.Error("shadows of other rows are taken for these")
	}
}

// TestAuditedAreHeldApart names rows that are where they should not be.
func TestAuditedAreHeldApart(t *testing.T) {
	a := leak.Audited{Members: sequences(0, 6), Others: sequences(4, 6)}
	doubts := strings.Join(a.Doubts(sequences(8, 4)), "\n")
	for _, want := range []string{"2 of 6 others are members too", "2 of 4 public rows are audited ones"} {
		if !strings.Contains(doubts, want) {
			t.Errorf("no %q in %q", want, doubts)
		}
	}
	if clean := (leak.Audited{Members: sequences(0, 4), Others: sequences(4, 4)}).Doubts(sequences(8, 4)); clean != nil {
		t.Errorf("doubts of nothing: %q", clean)
	}
	if err := (leak.Audited{Members: sequences(0, 1), Others: sequences(4, 4)}).Validate(); err == nil {
		t.Error("one member is enough")
	}
}

// questions are pairs as documents with two choices, of which the target is the right one.
func questions(t *testing.T, pairs []task.Pair) *task.Requests {
	t.Helper()
	docs := make([]task.Document, len(pairs))
	for i, p := range pairs {
		docs[i] = task.Document{Shape: task.Tokens, ContextIDs: p.Context, TargetIDs: p.Target}
	}
	r, err := task.EncodeAll(task.Task{}, docs, nil, task.Setting{}, 64)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGivenAway: an emulator that is the model has all of it; one without the layers that
// know something has their weights not, and less skill, of which training on the rows brings
// some back and leaves the emulator's weights as they were.
func TestGivenAway(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	pairs := crashtest.Pairs(40)
	model := trained(t, be, sequences(0, 40), overfit).Decoder // four layers that know the rows
	given := func(plan string, restore *leak.Restoring) map[string]leak.Row {
		e, err := emulate.New(model, crashtest.Plan(t, plan))
		if err != nil {
			t.Fatal(err)
		}
		before := crashtest.Bits(e.Decoder.Params())
		table, err := leak.Given{Backend: be, Full: model, Emulator: e, Requests: questions(t, pairs), Restore: restore}.Table(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, "weights after restoring", crashtest.Bits(e.Decoder.Params()), before)
		rows := map[string]leak.Row{}
		for _, r := range table.Rows {
			rows[r.Measure] = r
		}
		return rows
	}
	whole := given("0* 1 2 3*", nil)
	if r := whole["weights of the model, to the bit"]; r.Value != 1 || !r.Exact {
		t.Errorf("exact weights of the whole: %+v", r)
	}
	if r := whole["skill by answer loss, of the full model's"]; r.Value != 1 || r.Low != 1 || r.High != 1 || r.N != 40 {
		t.Errorf("skill of the whole: %+v", r)
	}
	settings := overfit
	settings.Steps = 20
	some := given("0* 1 2", &leak.Restoring{Rows: sequences(0, 40), Trainer: &train.Trainer{Backend: be, Settings: settings}})
	if r := some["weights of the model, to the bit"]; !(r.Value < 1 && r.Value > 0.5) {
		t.Errorf("exact weights of three of four layers: %+v", r)
	}
	less, again := some["skill by answer loss, of the full model's"], some["skill after 20 steps on public rows by answer loss, of the full model's"]
	if !(less.Value < 0.9) || !(again.Value > less.Value) || again.Control == nil || again.Control.Value != less.Value {
		t.Errorf("skill %+v, after a training %+v", less, again)
	}
	if r := some["answer loss of the emulator, nats a token"]; r.Control == nil || !(r.Value > r.Control.Value) {
		t.Errorf("losses %+v, %+v", r, r.Control)
	}
}
