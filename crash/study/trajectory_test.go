package study_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/study"
	"lamina/kernels/cpu"
)

// TestPlugInOnly: rows are the same without what emulators score by themselves, and tables are
// made of them.
func TestPlugInOnly(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	run := func(only bool) []study.Row {
		p := protocol(t, be, full, "", "zs", "ceiling", "uniform")
		p.LRs, p.Settings.Steps, p.Settings.EvalEvery, p.PlugInOnly = p.LRs[:1], 2, 2, only
		rows, err := table(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	all, only := run(false), run(true)
	for i := range all {
		if emulates := all[i].Name == "uniform"; (all[i].EmulatorZS != nil) != emulates || (all[i].EmulatorFT != nil) != emulates {
			t.Errorf("%s: an emulator's scores: %v, %v", all[i].Name, all[i].EmulatorZS, all[i].EmulatorFT)
		}
		if only[i].EmulatorZS != nil || only[i].EmulatorFT != nil || only[i].Delta != nil {
			t.Errorf("%s: scored: %+v", only[i].Name, only[i])
		}
		all[i].EmulatorZS, all[i].EmulatorFT, all[i].Delta = nil, nil, nil
	}
	if text(t, all) != text(t, only) {
		t.Errorf("leaving scores out changes the rows:\n%s\nwant\n%s", text(t, only), text(t, all))
	}
}

// TestTrajectory: losses on the way are measured at the steps that are asked for, change nothing
// of the row, end with those of what was trained, and survive an interruption to the bit.
func TestTrajectory(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	run := func(ctx context.Context, dir string, at ...float64) ([]study.Row, error) {
		p := protocol(t, be, full, dir, "ceiling", "uniform")
		p.LRs, p.Settings.Steps, p.Settings.EvalEvery, p.PlugAt = p.LRs[:1], 6, 6, at
		return table(ctx, p)
	}
	without, err := run(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	at := []float64{0.1, 1. / 3, 1, 9} // of three or so steps an epoch
	with, err := run(context.Background(), "", at...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range with {
		tr := r.Trajectory
		if len(tr) < 2 || tr[0].Step != 1 {
			t.Fatalf("%s: moments %+v", r.Name, tr)
		}
		for k, m := range tr {
			if m.Epochs <= 0 || m.Emulator <= 0 || m.PlugIn <= 0 || k > 0 && m.Step <= tr[k-1].Step {
				t.Errorf("%s: %+v", r.Name, tr)
			}
			if r.Name == "ceiling" && m.Emulator != m.PlugIn {
				t.Errorf("inside the full model there are two losses: %+v", m)
			}
		}
		with[i].Trajectory = nil
	}
	if text(t, with) != text(t, without) {
		t.Errorf("measuring on the way changes the row:\n%s\nwant\n%s", text(t, with), text(t, without))
	}
	dir, stops := t.TempDir(), 0
	for left := 5; ; left += 7 {
		rows, err := run(&crashtest.Countdown{Context: context.Background(), Left: left}, dir, at...)
		if errors.Is(err, context.Canceled) {
			stops++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		whole, err := run(context.Background(), "", at...)
		if err != nil || stops < 2 || text(t, rows) != text(t, whole) {
			t.Errorf("stopped %d times:\n%s, %v\nwant\n%s", stops, text(t, rows), err, text(t, whole))
		}
		break
	}
	for _, wrong := range [][]float64{{0}, {1, 1}, {2, 1}} {
		if _, err := run(context.Background(), "", wrong...); err == nil || !strings.Contains(err.Error(), "--plug-at") {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
