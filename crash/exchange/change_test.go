package exchange_test

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestHugeChangesNeedForce: their norms are told, and above the bound they are refused
// with the number.
func TestHugeChangesNeedForce(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	for grow, want := range map[float64]float64{1: 0, 1.5: 0.5, 3: 2, 1e30: 1e30} {
		a, err := exchange.OpenAdapter(trainedIn(t, o.emulator, grow))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		out := filepath.Join(t.TempDir(), "tuned")
		changes, err := exchange.ExportPlugged(o.model.Checkpoint, o.model.Decoder, a, out, exchange.PlugOptions{})
		if len(changes) != 1 || changes[0].Layer != 0 || math.Abs(changes[0].Relative-want) > 0.1*want+0.1 {
			t.Errorf("times %v: %v, want %v", grow, changes, want)
		}
		if refused := want > exchange.MostChange; (err != nil) != refused || refused && (!strings.Contains(err.Error(), fmt.Sprintf("layer 0 %.3g", changes[0].Relative)) || !strings.Contains(err.Error(), "--force")) {
			t.Errorf("times %v: %v", grow, err)
		}
		if err == nil {
			continue
		}
		if left := names(t, filepath.Dir(out)); len(left) > 0 {
			t.Errorf("times %v: left %v", grow, left)
		}
		if _, err := exchange.ExportPlugged(o.model.Checkpoint, o.model.Decoder, a, out, exchange.PlugOptions{Force: true}); err != nil {
			t.Errorf("times %v, forced: %v", grow, err)
		}
	}
}

// TestHugeChangesAreTold, wherever an adapter is looked at, with plug's number.
func TestHugeChangesAreTold(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	for grow, want := range map[float64]int{1: 0, 1e30: 1} {
		sent := trainedIn(t, o.emulator, grow)
		for _, path := range []string{o.model.Path, o.emulator} {
			c, _ := crashtest.OpenModel(t, path)
			m, err := exchange.OpenModel(c, ref.New())
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			m.Warn = func(text string) { told = append(told, text) }
			if err := m.Plug(sent, ""); err != nil || len(told) != want || want > 0 && !strings.Contains(told[0], "layer 0 1e+30 is more than 1") {
				t.Errorf("%s, times %v: %q, %v", path, grow, told, err)
			}
			m.Unplug()
		}
	}
}

// TestRoundingMakesNoInfinity: a finite value that the base's type cannot hold is refused
// where it would be rounded, and F32 holds it.
func TestRoundingMakesNoInfinity(t *testing.T) {
	for model, c := range map[string]struct {
		value  float64
		remedy string
	}{"llama-bf16": {3.4028e38, "--dtype f32"}, "bloom-bf16": {-3.4028e38, "--dtype f32"}, "gpt2-f16": {65520, "--dtype bf16 or f32"}} {
		o := hand(t, model, "0* 1")
		name := ""
		bad := forged(t, trainedIn(t, o.emulator, 1), func(p parts) {
			name = slices.Min(slices.Collect(maps.Keys(p.values)))
			x := p.values[name]
			values := x.Floats()
			values[5] = c.value
			p.values[name] = tensor.MustFromFloats(ref.New(), tensor.F32, values, x.Shape()...)
		})
		a, err := exchange.OpenAdapter(bad)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		out := filepath.Join(t.TempDir(), "tuned")
		_, err = exchange.ExportPlugged(o.model.Checkpoint, o.model.Decoder, a, out, exchange.PlugOptions{Force: true})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "element 5 is ") || !strings.Contains(err.Error(), c.remedy) {
			t.Errorf("%s: %v", model, err)
		}
		if _, err := exchange.ExportPlugged(o.model.Checkpoint, o.model.Decoder, a, out, exchange.PlugOptions{Force: true, DType: tensor.F32}); err != nil {
			t.Errorf("%s as F32: %v", model, err)
		}
	}
}
