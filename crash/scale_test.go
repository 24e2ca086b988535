package crash_test

import (
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash"
	"lamina/kernels/ref"
)

// TestScaledByLayerStaysInPlace: a directory gives each block the scale of its place, so
// an emulator is written only where the two agree. In memory a block keeps its scale.
func TestScaledByLayerStaysInPlace(t *testing.T) {
	be := ref.New()
	c, full := openModel(t, filepath.Join(tiny, "gpt2-by-layer"))
	out := filepath.Join(t.TempDir(), "emulator")
	for _, text := range []string{"0* 2", "1*", "0 0* 1"} {
		_, err := crash.Export(c, full, plan(t, text), out, false)
		if err == nil || !strings.Contains(err.Error(), "scale_attn_by_inverse_layer_idx") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"0* 1", "0 1* 2"} {
		dir, _ := export(t, c, full, text)
		own, err := crash.NewEmulator(full, plan(t, text))
		if err != nil {
			t.Fatal(err)
		}
		_, plain := openModel(t, dir)
		same(t, text, logits(be, plain), logits(be, own.Decoder))
	}
	e, err := crash.NewEmulator(full, plan(t, "2* 0"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "plugged back", logits(be, e.Plug(full)), logits(be, full))
}
