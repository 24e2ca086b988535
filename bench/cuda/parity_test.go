package main

import (
	"testing"

	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// holds runs the comparisons of check.sh's stage parity, small, and fails where one misses
// its bar.
func holds(t *testing.T, be, host kernels.Backend, precision string) {
	t.Helper()
	err := holdAgainst(t.Context(), be, host, scaleOf(true), barsOf(precision), func(name string, got, bar float64) {
		if c := (check{name, got, bar}); c.holds() {
			t.Log(c)
		} else {
			t.Error(c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHoldAgainst: whole models on a simulated GPU, whose kernels are the PTX that a real one
// is given, are within the bars of the processor's; and these within those of the loops
// that define them.
func TestHoldAgainst(t *testing.T) {
	host := cpu.New(cpu.Options{})
	defer host.Close()
	t.Run("cpu", func(t *testing.T) { holds(t, host, ref.New(), "f32") })
	for _, p := range []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionTF32, kernels.PrecisionBF16} {
		t.Run(p.String(), func(t *testing.T) {
			if cases.Few() && p != kernels.PrecisionF32 {
				t.Skip("one precision will do")
			}
			be := cudatest.Open(t, cudatest.Options{Precision: p})
			holds(t, be, host, p.String())
			if p == kernels.PrecisionF32 && be.Count("cuGraphLaunch") == 0 {
				t.Error("no token was decoded by a graph")
			}
		})
	}
}

// TestFrozenWeightsTakeTheFilesBytes of the device, before and after a training over them:
// nothing keeps them widened.
func TestFrozenWeightsTakeTheFilesBytes(t *testing.T) {
	s := scaleOf(true)
	s.width, s.inner, s.steps = s.block, s.block, 1
	for _, d := range []tensor.DType{tensor.Q8_0, tensor.Q4_K} {
		be := cudatest.Open(t, cudatest.Options{Clean: true})
		before, _ := be.Memory()
		m := transformer.New(s.family("llama"), stored{nn.Init{Device: be, Seed: 3, Std: 0.05}, d})
		check := func(when string) {
			free, _ := be.Memory()
			slack := 0 // an allocation is a multiple of 512 bytes
			for range m.Params() {
				slack += 512
			}
			if took, want := int(before-free), nn.Bytes(m.Params()); took < want || took > want+slack {
				t.Errorf("%v, %s: %d bytes of the device, want %d", d, when, took, want)
			}
		}
		check("made")
		h := holding{ctx: t.Context(), scale: s}
		if _, _, err := h.trained(be, m, nn.ParamsOf(m.Blocks[1])); err != nil {
			t.Fatal(err)
		}
		check("trained")
	}
}

// TestHoldAgainstTells: a device that is off is found by what it is off in.
func TestHoldAgainstTells(t *testing.T) {
	host, rounded := cpu.New(cpu.Options{}), cpu.New(cpu.Options{Precision: kernels.PrecisionBF16})
	defer host.Close()
	defer rounded.Close()
	missed := map[string]bool{}
	err := holdAgainst(t.Context(), rounded, host, scaleOf(true), barsOf("f32"), func(name string, got, bar float64) {
		if !(check{name, got, bar}).holds() {
			missed[name] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"opt: losses of 10 steps, relative", "llama: log-probability of a token", "llama: similarity of layers", "Q4_K frozen: logits, relative"} {
		if !missed[name] {
			t.Errorf("%s is within the bar of F32 though products are BF16; missed are %v", name, missed)
		}
	}
}
