package parcel_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/parcel"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// houses is an exchange up to the point where a package arrives: what each house keeps,
// and the two packages.
type houses struct {
	t        *testing.T
	dir      string
	full     *exchange.Model
	receipt  string
	emulator string // the package
	adapter  string // the package
	plugged  map[string]string
	unpacked map[string]string
}

const onDate = "2026-11-28"

// newHouses plays the exchange with packages that nobody signs.
func newHouses(t *testing.T) *houses {
	t.Helper()
	dir := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	copyDir(t, at("owner", "model"), filepath.Join(crashtest.Models, "opt-prenorm"))
	h := &houses{t: t, dir: dir, receipt: at("owner", "emulator.receipt.json"), emulator: at("to-trainer"), adapter: at("to-owner")}
	h.full = h.open(at("owner", "model"))
	must(t, ignore(h.full.Emulate(crashtest.Plan(t, "0* 1 1 2"), "none", at("owner", "emulator"), h.receipt, emulate.Options{})))
	options := parcel.PackOptions{Date: onDate, Version: "v0", Licence: "Ask before you share.\n"}
	must(t, ignore(parcel.PackEmulator(h.open(at("owner", "emulator")), h.emulator, options)))

	p, err := parcel.Open(h.emulator, parcel.Trusting{})
	must(t, err)
	must(t, ignore(p.Unpack(ref.New(), at("trainer", "emulator"), parcel.UnpackOptions{})))
	h.unpacked = contents(t, at("trainer", "emulator"))
	e := h.open(at("trainer", "emulator"))
	train(t, e, 1e-3)
	h.save(e, at("trainer", "run"))
	options = parcel.PackOptions{Date: onDate, Version: "v0", Claims: map[string]string{"epochs": "3"}}
	must(t, ignore(parcel.PackAdapter(at("trainer", "run"), h.open(at("trainer", "emulator")), h.adapter, options)))

	a, err := exchange.OpenAdapter(at("trainer", "run"))
	must(t, err)
	defer a.Close()
	must(t, ignore(exchange.ExportPlugged(h.full.Checkpoint, h.full.Decoder, a, at("reference"), exchange.PlugOptions{})))
	h.plugged = contents(t, at("reference"))
	return h
}

// open opens a model for as long as the test runs.
func (h *houses) open(path string) *exchange.Model {
	h.t.Helper()
	c, err := transformer.Open(path)
	must(h.t, err)
	h.t.Cleanup(func() { c.Close() })
	m, err := exchange.OpenModel(c, ref.New())
	must(h.t, err)
	return m
}

// train moves every weight that trains.
func train(t *testing.T, m *exchange.Model, step float32) {
	t.Helper()
	for w := range m.Emulator.Params() {
		values := w.Value.Float32s()
		for i := range values {
			values[i] += step * float32(1+i%7)
		}
		var err error
		w.Value, err = tensor.FromFloat32s(ref.New(), tensor.F32, values, w.Value.Shape()...)
		must(t, err)
	}
}

// save writes what finetune would.
func (h *houses) save(m *exchange.Model, run string) {
	h.t.Helper()
	origin := exchange.Manifest{Plan: m.Manifest.Plan, Base: m.Manifest.Base, Origin: m.Emulator.Origin}
	must(h.t, exchange.SaveAdapter(filepath.Join(run, "adapter"), origin, m.Emulator.Params()))
}

// accept takes a package as lamina accept does, to an out of its own.
func (h *houses) accept(pkg string, trusted parcel.Trusting, again bool) (out string, err error) {
	out = filepath.Join(h.dir, "out")
	p, err := parcel.Open(pkg, trusted)
	switch {
	case err != nil:
	case strings.Contains(filepath.Base(pkg), "trainer"):
		_, err = p.Unpack(ref.New(), out, parcel.UnpackOptions{Again: again})
	default:
		_, err = p.PlugIn(context.Background(), h.full, out, parcel.PlugInOptions{Receipt: h.receipt, Again: again})
	}
	return out, err
}

// parcelled is a copy of a package that a test makes worse.
type parcelled struct {
	*houses
	pkg     string
	trusted parcel.Trusting
	after   func() // cleans up what is outside of the houses
}

func (p *parcelled) path(names ...string) string {
	return filepath.Join(append([]string{p.pkg}, names...)...)
}
func (p *parcelled) payload(name string) string { return p.path("payload", name) }

// write puts a file into the package.
func (p *parcelled) write(path, text string) {
	p.t.Helper()
	must(p.t, os.WriteFile(path, []byte(text), 0o644))
}

func (p *parcelled) read(path string) string {
	p.t.Helper()
	data, err := os.ReadFile(path)
	must(p.t, err)
	return string(data)
}

// replace changes a text in a file that has it.
func (p *parcelled) replace(path, from, to string) {
	p.t.Helper()
	text := p.read(path)
	if !strings.Contains(text, from) {
		p.t.Fatalf("%s has no %q", path, from)
	}
	p.write(path, strings.Replace(text, from, to, 1))
}

// edit changes the manifest, to the letter of how lamina writes one.
func (p *parcelled) edit(change func(m *parcel.Manifest)) {
	p.t.Helper()
	m, err := parcel.ParseManifest([]byte(p.read(p.path("manifest.json"))))
	must(p.t, err)
	change(&m)
	data, err := files.JSON(m)
	must(p.t, err)
	p.write(p.path("manifest.json"), string(data))
}

// refit makes everything agree again that says what is in payload/: a liar who is careful.
func (p *parcelled) refit() {
	p.t.Helper()
	must(p.t, os.Remove(p.payload("MANIFEST.json")))
	must(p.t, files.Seal(p.path("payload")))
	p.edit(func(m *parcel.Manifest) {
		m.Files = nil
		entries, err := os.ReadDir(p.path("payload"))
		must(p.t, err)
		for _, e := range entries {
			data := []byte(p.read(p.payload(e.Name())))
			sum := sha256.Sum256(data)
			m.Files = append(m.Files, parcel.File{Name: e.Name(), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
		}
		all, err := parcel.TensorsOf(p.path("payload"), m.Files)
		must(p.t, err)
		m.Tensors = parcel.TensorsDigest(all)
		if m.Emulator != nil {
			m.Emulator.Manifest = digest(p.t, p.payload("MANIFEST.json"))
			m.Emulator.Config = digest(p.t, p.payload("config.json"))
			return
		}
		m.Adapter.Expected = nil
		for _, t := range all {
			m.Adapter.Expected = append(m.Adapter.Expected, t.Slot)
		}
	})
}

// weights changes the tensors of a safetensors file and what goes with them.
func (p *parcelled) weights(name string, change func(values map[string]value)) {
	p.t.Helper()
	file, err := safetensors.Open(p.payload(name))
	must(p.t, err)
	values := map[string]value{}
	for _, n := range file.Names() {
		e, _ := file.Entry(n)
		data, err := file.Bytes(n)
		must(p.t, err)
		v := make([]float32, e.Elems())
		tensor.DecodeF32(v, data, e.DType)
		values[n] = value{e.Shape, v}
	}
	meta := file.Metadata()
	must(p.t, file.Close())
	change(values)
	writeTensors(p.t, p.payload(name), values, meta)
	if name != "model.safetensors" {
		p.adapterManifest(func(m *exchange.Manifest) {
			m.Tensors, m.Weights = slices.Sorted(maps.Keys(values)), ""
		})
	}
	p.refit()
}

type value struct {
	shape  []int
	values []float32
}

// adapterManifest changes adapter.json.
func (p *parcelled) adapterManifest(change func(m *exchange.Manifest)) {
	p.t.Helper()
	var m exchange.Manifest
	must(p.t, files.ReadJSON(p.payload("adapter.json"), &m))
	change(&m)
	must(p.t, files.WriteJSON(p.payload("adapter.json"), m))
}

func copyDir(t *testing.T, to, from string) {
	t.Helper()
	must(t, os.CopyFS(to, os.DirFS(from)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ignore drops a result.
func ignore[T any](_ T, err error) error { return err }

func digest(t *testing.T, path string) string {
	t.Helper()
	sum, _, err := files.SHA256(path)
	must(t, err)
	return sum
}

// contents returns the files below a directory; what is no file counts by its kind.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if !e.Type().IsRegular() {
			all[name] = e.Type().String()
			return nil
		}
		data, err := os.ReadFile(path)
		all[name] = string(data)
		return err
	}))
	return all
}

func writeTensors(t *testing.T, path string, values map[string]value, meta map[string]string) {
	t.Helper()
	var entries []formats.Entry
	for _, name := range slices.Sorted(maps.Keys(values)) {
		entries = append(entries, formats.Entry{Name: name, DType: tensor.F32, Shape: values[name].shape})
	}
	must(t, safetensors.Write(path, entries, meta, func(name string, w io.Writer) error {
		_, err := w.Write(tensor.Bytes(values[name].values))
		return err
	}))
}

// reseal is refit for a payload whose tensors cannot be read.
func (p *parcelled) reseal() {
	p.t.Helper()
	must(p.t, os.Remove(p.payload("MANIFEST.json")))
	must(p.t, files.Seal(p.path("payload")))
	p.edit(func(m *parcel.Manifest) {
		for i, f := range m.Files {
			data := p.read(p.payload(f.Name))
			m.Files[i].Size, m.Files[i].SHA256 = int64(len(data)), digest(p.t, p.payload(f.Name))
		}
	})
}

// stateChanges lets the manifest say how far the adapter's weights are from the model's.
func (p *parcelled) stateChanges() {
	p.t.Helper()
	a, err := exchange.OpenAdapter(p.path("payload"))
	must(p.t, err)
	defer a.Close()
	must(p.t, ignore2(a.Plugged(p.full.Decoder)))
	var delta, base float64
	for _, t := range a.TensorChanges() {
		delta += t.Delta * t.Delta
		base += t.Start * t.Start
	}
	p.edit(func(m *parcel.Manifest) {
		m.Adapter.Changes = []parcel.Moved{{Delta: math.Sqrt(delta), Base: math.Sqrt(base)}}
	})
}

func ignore2[T, U any](_ T, _ U, err error) error { return err }
