package study_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// TestReady: a row of an emulator that was written beforehand is, to the bit, that of the plan
// it was made of, and what does not fit is refused before anything is computed.
func TestReady(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	ckpt, full := crashtest.Made(t, be, "llama", 32)
	p := protocol(t, be, full, "", "zs", "ceiling", "uniform+ghost")
	p.LRs = p.LRs[:1]
	rows, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := rows[2]
	write := func(opt emulate.Options) string {
		e, _, err := emulate.Fit(context.Background(), be, full, want.Plan, p.Support.Rows, emulate.FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		dir := filepath.Join(t.TempDir(), "emulator")
		if _, err := e.Export(ckpt, full, dir, opt); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := write(emulate.Options{Distilled: &emulate.Distilled{Train: "norms", Steps: 3}})
	again := protocol(t, be, full, "", "zs", "mine=@"+dir)
	again.LRs = again.LRs[:1]
	if r := again.Rows[1]; !r.OwnerTrains || !r.Emulates() || !strings.Contains(r.Help, "distilled (norms") {
		t.Errorf("row %+v", r)
	}
	rows, err = table(context.Background(), again)
	if err != nil {
		t.Fatal(err)
	}
	got := rows[1]
	if len(got.Fits) != len(want.Fits) || len(want.Fits) == 0 {
		t.Errorf("%d fits, want %d", len(got.Fits), len(want.Fits))
	}
	if got.Name = want.Name; text(t, []study.Row{got}) != text(t, []study.Row{want}) {
		t.Errorf("opened:\n%s\nbuilt:\n%s", text(t, []study.Row{got}), text(t, []study.Row{want}))
	}

	one, _ := again.Rows[1].Identity()
	elsewhere, err := study.Select(nil, []string{"other=@" + dir}, plan.Read)
	if err != nil {
		t.Fatal(err)
	}
	if two, _ := elsewhere[0].Identity(); string(one) != string(two) || !strings.Contains(string(one), `"ready"`) {
		t.Errorf("identities %s and %s", one, two)
	}

	described := t.TempDir() // without its weights it is the same row, which can't be run
	for _, name := range []string{"lamina.json", "MANIFEST.json"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(described, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lacking := protocol(t, be, full, "", "zs", "mine=@"+described)
	if two, _ := lacking.Rows[1].Identity(); string(one) != string(two) {
		t.Errorf("identities %s and %s", one, two)
	}
	if err := lacking.Validate(); err == nil || !strings.Contains(err.Error(), "row mine: ") || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a row without weights: %v", err)
	}

	if _, err := study.Select(nil, []string{"mine=@" + t.TempDir()}, plan.Read); err == nil || !strings.Contains(err.Error(), "row mine: ") || !strings.Contains(err.Error(), "is no emulator: give") {
		t.Error(err)
	}

	_, other := crashtest.Made(t, be, "llama", 64)
	foreign := protocol(t, be, other, "", "zs", "mine=@"+dir)
	if err := foreign.Validate(); err == nil || !strings.Contains(err.Error(), "row mine: "+dir+": is an emulator of another model") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := table(context.Background(), again); err == nil || !strings.Contains(err.Error(), "row mine: ") || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("a file was changed: %v", err)
	}
}

// TestReadyRepaired: of an emulator whose owner trained the starred blocks before, what training
// adds to them is plugged in: nothing, where no step changes them, whatever they were.
func TestReadyRepaired(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	ckpt, full := crashtest.Made(t, be, "opt", 32)
	e, err := emulate.New(full, crashtest.Plan(t, "0* 2 3 5*"))
	if err != nil {
		t.Fatal(err)
	}
	for w := range e.Params() {
		values := w.Value.Float32s()
		for i := range values {
			values[i] += 0.01 * float32(i%7-3)
		}
		w.Value = tensor.MustFromFloat32s(be, tensor.F32, values, w.Value.Shape()...)
	}
	dir := filepath.Join(t.TempDir(), "emulator")
	if _, err := e.Export(ckpt, full, dir, emulate.Options{Repaired: &emulate.Distilled{Train: "trained", Steps: 3}}); err != nil {
		t.Fatal(err)
	}
	run := func(lr float64) []study.Row {
		p := protocol(t, be, full, "", "zs", "mine=@"+dir)
		p.Valid = p.Train // so that what is learned shows
		if p.LRs = []float64{lr}; !p.Rows[1].OwnerTrains || !strings.Contains(p.Rows[1].Help, "starred blocks were trained by their owner (trained") {
			t.Errorf("row %+v", p.Rows[1])
		}
		rows, err := table(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	still := run(1e-30)
	if *still[1].AnswerLoss != *still[0].AnswerLoss || *still[1].Measures.SupportGain != 0 {
		t.Errorf("without a change the plug-in has a loss of %v, the model %v", *still[1].AnswerLoss, *still[0].AnswerLoss)
	}
	if share := *still[1].Measures.ExactShare; share > 0.9 {
		t.Errorf("%v of the model's weights stand in it, and its starred blocks are others", share)
	}
	moved := run(1e-3)
	if moved[1].BestStep == 0 || *moved[1].AnswerLoss == *moved[0].AnswerLoss {
		t.Error("training changes nothing")
	}

	// The same by hand: what is added to the emulator's own weights stands in the model.
	again := e.Again()
	before := []tensor.Tensor{}
	for w := range again.Params() {
		before = append(before, w.Value)
		values := w.Value.Float32s()
		values[1] += 0.5
		w.Value = tensor.MustFromFloat32s(be, tensor.F32, values, w.Value.Shape()...)
	}
	_, params, err := exchange.Added(full, e.Plan, exchange.Returned{After: again.Params(), Before: before})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string][]float32{}
	for w := range full.Params() {
		own[w.Name] = w.Value.Float32s()
	}
	for w := range params {
		for i, v := range w.Value.Float32s() {
			want := own[w.Name][i]
			if i == 1 {
				want += 0.5
			}
			if diff := v - want; diff > 1e-6 || diff < -1e-6 || i != 1 && v != want {
				t.Fatalf("%s[%d] = %v, want %v", w.Name, i, v, want)
			}
		}
	}
}
