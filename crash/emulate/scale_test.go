package emulate_test

import (
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
)

// TestScaledByLayerStaysInPlace: a directory gives each block the scale of its place, so
// an emulator is written only where the two agree. In memory a block keeps its scale.
func TestScaledByLayerStaysInPlace(t *testing.T) {
	be := ref.New()
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "gpt2-by-layer"))
	out := filepath.Join(t.TempDir(), "emulator")
	for _, text := range []string{"0* 2", "1*", "0 0* 1"} {
		_, err := emulate.Export(c, full, crashtest.Plan(t, text), out, emulate.Options{})
		if err == nil || !strings.Contains(err.Error(), "scale_attn_by_inverse_layer_idx") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"0* 1", "0 1* 2"} {
		dir, _ := crashtest.Export(t, c, full, text)
		own, err := emulate.New(full, crashtest.Plan(t, text))
		if err != nil {
			t.Fatal(err)
		}
		_, plain := crashtest.OpenModel(t, dir)
		crashtest.Same(t, text, crashtest.Logits(be, plain), crashtest.Logits(be, own.Decoder))
	}
	e, err := emulate.New(full, crashtest.Plan(t, "2* 0"))
	if err != nil {
		t.Fatal(err)
	}
	crashtest.Same(t, "plugged back", crashtest.Logits(be, e.Plug(full)), crashtest.Logits(be, full))
}
