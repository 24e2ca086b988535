package exchange_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/undo"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// moved is an adapter of a model's first layer, each weight of which went a little away.
func moved(t *testing.T, model string) string {
	t.Helper()
	_, full := crashtest.OpenModel(t, model)
	e, err := emulate.New(full, crashtest.Plan(t, "0*"))
	if err != nil {
		t.Fatal(err)
	}
	m := exchange.Manifest{Plan: e.Plan, Base: transformer.Fingerprint(e.Params())}
	for w := range e.Params() {
		values := w.Value.Float32s()
		for i := range values {
			values[i] *= 1 + 1/float32(2+i%7)
		}
		w.Value = tensor.Must(tensor.FromFloat32s(ref.New(), tensor.F32, values, w.Value.Shape()...))
	}
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := exchange.SaveAdapter(dir, m, e.Params()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// filesIn reads a file, or all of a directory.
func filesIn(t *testing.T, path string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(path, func(at string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := filepath.Base(at)
		if at != path {
			name, _ = filepath.Rel(path, at)
		}
		all[name], err = os.ReadFile(at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPluggedIsTakenBack: what was plugged in is undone to every byte of every file, of
// directories in one file and in several, of every storage type, and of GGUF; also what was
// plugged into a plugged model.
func TestPluggedIsTakenBack(t *testing.T) {
	for model, most := range map[string]float64{ // of the model's bytes that may be kept
		"llama-gqa-tied": 0.8, "bloom-bf16": 0.8, "gpt2-f16": 0.8, "opt-prenorm": 1, "gguf/mixed.gguf": 1, "gguf/llama3.gguf": 1,
	} {
		path := filepath.Join(crashtest.Models, model)
		want := filesIn(t, path)
		out := filepath.Join(t.TempDir(), "tuned")
		again := filepath.Join(t.TempDir(), "again")
		plugInto(t, path, out)
		plugged := filesIn(t, out)
		plugInto(t, out, again)
		if _, err := exchange.Unplug(again); err != nil {
			t.Fatal(err)
		}
		same(t, model+", the second time", filesIn(t, again), plugged)
		kept, err := undo.Size(out)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, data := range want {
			size += len(data)
		}
		if float64(kept) > most*float64(size)+4096*float64(len(want)+1) {
			t.Errorf("%s: %d bytes are kept of %d", model, kept, size)
		}
		if _, err := exchange.Unplug(out); err != nil {
			t.Fatalf("%s: %v", model, err)
		}
		same(t, model, filesIn(t, out), want)
	}
}

// plugInto plugs an adapter of a model into it.
func plugInto(t *testing.T, model, out string) {
	t.Helper()
	a, err := exchange.OpenAdapter(moved(t, model))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c, full := crashtest.OpenModel(t, model)
	if _, err := exchange.ExportPlugged(c, full, a, out, exchange.PlugOptions{Undo: true}); err != nil {
		t.Fatalf("%s: %v", model, err)
	}
}

// TestPluggedOneAtATime: who plugs into a directory whose way back somebody else is settling
// changes nothing, and so nobody's record goes.
func TestPluggedOneAtATime(t *testing.T) {
	path, out := filepath.Join(crashtest.Models, "opt-prenorm"), filepath.Join(t.TempDir(), "tuned")
	plugInto(t, path, out)
	before := filesIn(t, filepath.Dir(out))
	release, err := undo.Lock(out)
	if err != nil {
		t.Fatal(err)
	}
	a, err := exchange.OpenAdapter(moved(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c, full := crashtest.OpenModel(t, path)
	for _, kept := range []bool{true, false} {
		_, err := exchange.ExportPlugged(c, full, a, out, exchange.PlugOptions{Undo: kept, Overwrite: true})
		if err == nil || !strings.Contains(err.Error(), "is being written") {
			t.Errorf("undo %v: %v", kept, err)
		}
	}
	release()
	same(t, "after two refusals", filesIn(t, filepath.Dir(out)), before)
	if _, err := exchange.ExportPlugged(c, full, a, out, exchange.PlugOptions{Undo: true, Overwrite: true}); err != nil {
		t.Error(err)
	}
}

func same(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s: %s has %d bytes that are not those %d", what, name, len(got[name]), len(data))
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("%s: %s is new", what, name)
		}
	}
}
