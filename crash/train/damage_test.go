package train_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/internal/cases"
	"lamina/internal/philox"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// rescue runs six steps, kept after each, in dir.
type rescue struct {
	full *transformer.Decoder
	bits []uint32 // of what is trained
	told []string // warnings
	from int      // the step that the run went on after; -1: it began
}

func (r *rescue) run(t *testing.T, dir string, ctx context.Context, overwrite bool) error {
	t.Helper()
	tr, e := trainer(t, ref.New(), r.full, "0* 1")
	defer tr.Close()
	tr.Settings.Steps, tr.Settings.EvalEvery, tr.SaveEvery = 6, 3, 1
	store, err := train.OpenRunDir(dir, tr.Settings, overwrite)
	if err != nil {
		return err
	}
	defer store.Close()
	r.from, r.told, tr.Store = -1, nil, store
	store.Warn = func(text string) { r.told = append(r.told, text) }
	tr.Resumed = func(step int) { r.from = step }
	out, err := tr.Run(ctx)
	if err == nil && !out.Stopped {
		r.bits = crashtest.Bits(e.Params())
	}
	return err
}

// stopped returns a directory whose run ended early, with checkpoints of two steps.
func (r *rescue) stopped(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	if err := r.run(t, dir, &crashtest.Countdown{Context: context.Background(), Left: 6}, false); err != nil {
		t.Fatal(err)
	}
	if steps, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "step-*")); len(steps) != 2 {
		t.Fatalf("checkpoints %v, want two", steps)
	}
	return dir
}

// spoil flips a bit of a file.
func spoil(t *testing.T, path string, bit int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestDamagedCheckpoints: the newest whole one is gone on from, with a line that names the
// damaged one, the reason and the step; the same damage again does not block; if none is
// whole, nothing begins anew unasked.
func TestDamagedCheckpoints(t *testing.T) {
	r := &rescue{full: crashtest.Small(ref.New(), "opt")}
	dir := r.stopped(t)
	steps, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "step-*"))
	older, newer := steps[0], steps[1] // step-3, step-4 or the like
	var last int
	if _, err := fmt.Sscanf(filepath.Base(older), "step-%d", &last); err != nil {
		t.Fatal(err)
	}
	whole := copied(t, dir)
	again := func(want string) {
		t.Helper()
		if err := r.run(t, dir, &crashtest.Countdown{Context: context.Background(), Left: 1}, false); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(r.told, "\n")
		if r.from != last || len(r.told) != 1 || !strings.Contains(said, filepath.Base(newer)+" is damaged and put aside as "+want+":") ||
			!strings.Contains(said, fmt.Sprintf("goes on after step %d", last)) || !strings.Contains(said, "optim.safetensors") {
			t.Errorf("went on after step %d, told %q, want step %d and %s", r.from, r.told, last, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "checkpoints", want)); err != nil {
			t.Error(err)
		}
		why, err := os.ReadFile(filepath.Join(dir, "checkpoints", want+".txt"))
		if err != nil || !strings.Contains(string(why), "optim.safetensors") || strings.Count(string(why), "\n") != 1 {
			t.Errorf("the reason of %s: %q, %v", want, why, err)
		}
	}
	moments := filepath.Join(newer, "optim.safetensors")
	for _, want := range []string{".bad", ".bad-2", ".bad-3"} {
		os.RemoveAll(newer)
		if err := os.CopyFS(newer, os.DirFS(filepath.Join(whole, "checkpoints", filepath.Base(newer)))); err != nil {
			t.Fatal(err)
		}
		spoil(t, moments, 1000)
		again(filepath.Base(newer) + want)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "step-?"))
	for _, dir := range left {
		spoil(t, filepath.Join(dir, "weights.safetensors"), 999)
	}
	for _, gone := range []bool{false, true} { // damaged, and then put aside by hand
		err := r.run(t, dir, context.Background(), false)
		if err == nil || !strings.Contains(err.Error(), "--overwrite") || !strings.Contains(err.Error(), filepath.Base(newer)) || r.from != -1 {
			t.Errorf("no checkpoint is whole (gone %t): %v", gone, err)
		}
		for _, dir := range left {
			os.Rename(dir, dir+".bad-9")
		}
	}
	if err := r.run(t, dir, context.Background(), true); err != nil || r.from != -1 {
		t.Errorf("with overwrite: from step %d, %v", r.from, err)
	}
	anew := r.bits
	if err := r.run(t, whole, context.Background(), false); err != nil {
		t.Fatal(err)
	}
	crashtest.Same(t, "begun anew and gone on", anew, r.bits)
}

// TestMetricsThatAreNotTheCheckpoints are named; training goes on to the same bits.
func TestMetricsThatAreNotTheCheckpoints(t *testing.T) {
	r := &rescue{full: crashtest.Small(ref.New(), "opt")}
	stopped := r.stopped(t)
	var want []uint32
	for what, change := range map[string]func(text []byte) []byte{
		"":                   func(text []byte) []byte { return text },
		"lines are missing":  func(text []byte) []byte { return text[:len(text)-40] },
		"was changed":        func(text []byte) []byte { return bytes.Replace(text, []byte(`"loss":4`), []byte(`"loss":3`), 1) },
		"lines are missing:": func([]byte) []byte { return nil },
		" ":                  func(text []byte) []byte { return append(text, `{"step":9,"loss":1}`+"\n{\"st"...) }, // a step that is taken again
	} {
		dir := copied(t, stopped)
		path := filepath.Join(dir, "metrics.jsonl")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := r.run(t, dir, context.Background(), false); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(r.told, "\n")
		damaged := strings.TrimSpace(what) != ""
		if damaged != (len(r.told) == 1) || damaged && (!strings.Contains(said, path) || !strings.Contains(said, strings.TrimSuffix(what, ":"))) {
			t.Errorf("%s: told %q", what, r.told)
		}
		if want == nil {
			want = r.bits
		}
		crashtest.Same(t, what, r.bits, want)
		if err := r.run(t, dir, context.Background(), false); err != nil || len(r.told) > 0 {
			t.Errorf("%s: afterwards %q, %v", what, r.told, err)
		}
	}
}

// TestEveryBitOfARunDirectory is named when it is flipped, or harmless: the run ends with
// the same weights and the same lines. Bits of every file are tried, those of short ones
// all over.
func TestEveryBitOfARunDirectory(t *testing.T) {
	most := 8 // bits a file
	if cases.Few() {
		most = 2
	}
	r := &rescue{full: crashtest.Small(ref.New(), "opt")}
	stopped := r.stopped(t)
	undisturbed := copied(t, stopped)
	if err := r.run(t, undisturbed, context.Background(), false); err != nil {
		t.Fatal(err)
	}
	want, wantLines := r.bits, lossesOf(t, undisturbed)
	tried, named := 0, 0
	err := fs.WalkDir(os.DirFS(stopped), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		chance := philox.New(7, uint64(info.Size())).Sequence()
		for range most {
			dir, bit := copied(t, stopped), chance.Intn(8*int(info.Size()))
			spoil(t, filepath.Join(dir, name), bit)
			err := r.run(t, dir, context.Background(), false)
			tried++
			said := strings.Join(r.told, "\n")
			if err != nil {
				said = err.Error()
			}
			switch folder := filepath.Base(filepath.Dir(name)); {
			case strings.Contains(said, filepath.Base(name)) || strings.Contains(said, folder) && folder != ".":
				named++
			case said != "" && name == "config.json":
				named++ // its setting is
			case said != "" || !slices.Equal(r.bits, want) || lossesOf(t, dir) != wantLines:
				t.Errorf("%s: bit %d of %d: told %q, other weights %t", name, bit, 8*info.Size(), said, !slices.Equal(r.bits, want))
			}
			if err == nil && !slices.Equal(r.bits, want) {
				t.Errorf("%s: bit %d: other weights", name, bit)
			}
			os.RemoveAll(dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bits flipped, %d named, the others harmless", tried, named)
}

// lossesOf shows the metrics of a directory without their times.
func lossesOf(t *testing.T, dir string) string {
	t.Helper()
	lines, err := train.ReadMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		lines[i].TokensPerSecond = 0
	}
	return fmt.Sprint(lines)
}

// TestSaveKilledAtItsEndIsCompleted by the run that resumes: the newest checkpoint is
// called so, and those beyond two go.
func TestSaveKilledAtItsEndIsCompleted(t *testing.T) {
	r := &rescue{full: crashtest.Small(ref.New(), "opt")}
	dir := r.stopped(t)
	checkpoints := filepath.Join(dir, "checkpoints")
	latest, err := os.ReadFile(filepath.Join(checkpoints, "LATEST"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(checkpoints, "step-0"), filepath.Join(checkpoints, ".step-1.tmp-7", "step-1")} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(checkpoints, "LATEST"), []byte("step-1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.run(t, dir, &crashtest.Countdown{Context: context.Background()}, false); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(filepath.Join(checkpoints, "LATEST")); err != nil || string(now) != string(latest) {
		t.Errorf("LATEST %q, %v, want %q", now, err, latest)
	}
	if left, err := os.ReadDir(checkpoints); err != nil || len(left) != 3 {
		t.Errorf("%v, %v: want two checkpoints and LATEST", left, err)
	}
}
