package study_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/kernels/cpu"
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

	_, other := crashtest.Made(t, be, "llama", 64)
	foreign := protocol(t, be, other, "", "zs", "mine=@"+dir)
	if err := foreign.Validate(); err == nil || !strings.Contains(err.Error(), "row mine: "+dir+": is an emulator of another model") {
		t.Error(err)
	}
	repaired := write(emulate.Options{Repaired: &emulate.Distilled{Train: "trained", Steps: 3}})
	if _, err := study.Select(nil, []string{"mine=@" + repaired}, plan.Read); err == nil || !strings.Contains(err.Error(), "its starred blocks are not the model's own (trained") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := table(context.Background(), again); err == nil || !strings.Contains(err.Error(), "row mine: ") || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("a file was changed: %v", err)
	}
}
