package exchange_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// sent is a directory that one house sends the other, and how the other opens it.
type sent struct {
	what string
	dir  string
	open func(dir string) (unsealed bool, err error)
}

// bothWays returns an emulator, one that is compact, and an adapter.
func bothWays(t *testing.T) []sent {
	t.Helper()
	be := ref.New()
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-prenorm"))
	emulator, _ := crashtest.Export(t, c, full, "0* 1 1 2")
	adapter := filepath.Join(t.TempDir(), "adapter")
	saveAdapter(t, be, full, "0* 1 1 2", adapter, 1e-3)
	small := filepath.Join(t.TempDir(), "compact")
	if _, err := emulate.Export(c, full, crashtest.Plan(t, "0* 1 1 2"), small, emulate.Options{Compact: true}); err != nil {
		t.Fatal(err)
	}
	openEmulator := func(dir string) (bool, error) {
		c, err := transformer.Open(dir)
		if err != nil {
			return false, emulate.Blame(dir, err)
		}
		defer c.Close()
		m, err := exchange.OpenModel(c, be)
		if err != nil {
			return false, err
		}
		return m.Emulator.Unsealed, nil
	}
	return []sent{
		{"emulator", emulator, openEmulator},
		{"compact emulator", small, openEmulator},
		{"adapter", adapter, func(dir string) (bool, error) {
			a, err := exchange.OpenAdapter(dir)
			if err != nil {
				return false, err
			}
			defer a.Close()
			return a.Unsealed, nil
		}},
	}
}

// names lists the files of a directory.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestEveryTamperingIsNamed: a bit flipped anywhere, a file cut, lengthened, taken away,
// added or exchanged for another. Each is one line that names the file.
func TestEveryTamperingIsNamed(t *testing.T) {
	for _, s := range bothWays(t) {
		if unsealed, err := s.open(s.dir); err != nil || unsealed {
			t.Fatalf("%s as it was written: unsealed %t, %v", s.what, unsealed, err)
		}
		dir := filepath.Join(t.TempDir(), s.what)
		if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
			t.Fatal(err)
		}
		refused := func(what, name string) {
			t.Helper()
			_, err := s.open(dir)
			if err == nil {
				t.Errorf("%s: %s, %s: accepted", s.what, name, what)
			} else if text := err.Error(); !strings.Contains(text, dir) || !strings.Contains(text, name) || strings.ContainsAny(text, "\n\x1b") || len(text) > 500 {
				t.Errorf("%s: %s, %s: %q: want one line that names the file", s.what, name, what, text)
			}
		}
		all := names(t, dir)
		for i, name := range all {
			path := filepath.Join(dir, name)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			put := func(data []byte) {
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			// Some forty places of a file, the first and the last among them, at every bit.
			for at := 0; at < len(good); at = min(at+len(good)/40+1, max(len(good)-1, at+1)) {
				bad := bytes.Clone(good)
				bad[at] ^= 1 << (at % 8)
				put(bad)
				refused("a flipped bit", name)
			}
			put(good[:len(good)-1])
			refused("cut", name)
			put(append(bytes.Clone(good), '\n'))
			refused("lengthened", name)
			if other := all[(i+1)%len(all)]; other != name {
				data, err := os.ReadFile(filepath.Join(dir, other))
				if err != nil {
					t.Fatal(err)
				}
				put(data)
				refused("exchanged for "+other, name)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			refused("taken away", name)
			put(good)
		}
		for _, added := range []string{"notes.txt", ".hidden", "model-00002-of-00002.safetensors"} {
			path := filepath.Join(dir, added)
			if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			refused("added", added)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(dir, "more"), 0o755); err != nil {
			t.Fatal(err)
		}
		refused("an added directory", "more")
		if err := os.Remove(filepath.Join(dir, "more")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.open(dir); err != nil {
			t.Errorf("%s, put right again: %v", s.what, err)
		}
	}
}

// TestDirectoriesOfEarlierVersionsOpen: format 1 had no MANIFEST.json.
func TestDirectoriesOfEarlierVersionsOpen(t *testing.T) {
	for _, s := range bothWays(t) {
		manifest := map[string]string{"emulator": "lamina.json", "compact emulator": "lamina.json", "adapter": "adapter.json"}[s.what]
		path := filepath.Join(s.dir, manifest)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		m["format"] = 1
		if data, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(s.dir, "MANIFEST.json")); err != nil {
			t.Fatal(err)
		}
		if unsealed, err := s.open(s.dir); err != nil || !unsealed {
			t.Errorf("%s of format 1: unsealed %t, %v", s.what, unsealed, err)
		}
	}
}

// TestEmulatorWithoutItsPlanIsNoPlainModel: an emulator whose lamina.json is lost is not
// opened as a model, of which all would be trained.
func TestEmulatorWithoutItsPlanIsNoPlainModel(t *testing.T) {
	s := bothWays(t)[0]
	for _, lost := range []string{"lamina.json", "MANIFEST.json"} { // the second with the first
		if err := os.Remove(filepath.Join(s.dir, lost)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.open(s.dir); err == nil || !strings.Contains(err.Error(), filepath.Join(s.dir, "lamina.json")+": missing") {
			t.Errorf("without %s: %v", lost, err)
		}
	}
}

// TestModelsMadeOfAnEmulatorAreModels: what is written from an emulator as a plain model
// does not say that it is one.
func TestModelsMadeOfAnEmulatorAreModels(t *testing.T) {
	s := bothWays(t)[0]
	c, d := crashtest.OpenModel(t, s.dir)
	for name, write := range map[string]func(out string) error{
		"converted": func(out string) error { return c.WriteDir(out, c.Whole()) },
		"saved":     d.Save,
	} {
		out := filepath.Join(t.TempDir(), name)
		if err := write(out); err != nil {
			t.Fatal(err)
		}
		again, _ := crashtest.OpenModel(t, out)
		if m, err := exchange.OpenModel(again, ref.New()); err != nil || m.Emulator != nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}
