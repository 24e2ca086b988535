package emulate_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/cpu"
)

// TestFolds: an emulator of every plan has a standard form, or the fold names the places
// that have none; what is written is a model that knows nothing of lamina, and opened again
// the emulator that was folded. But for scales and blocks its logits are those of the
// emulator up to rounding.
func TestFolds(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		for _, b := range crashtest.EveryPlan(t, be, family) {
			what := family + ", " + b.Plan
			e, said, err := b.Emulator.Fold(be, b.Full.Config)
			if strings.Contains(b.Plan, "~") {
				if err == nil || !strings.Contains(err.Error(), "--fold: place ") || !strings.Contains(err.Error(), ", ~") || !strings.Contains(err.Error(), "replaceme") {
					t.Errorf("%s: %v", what, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			defer e.Close()
			was, is := crashtest.Logits(be, b.Emulator.Decoder), crashtest.Logits(be, e.Decoder)
			worst := 0.0
			for i := range was {
				worst = max(worst, math.Abs(float64(math.Float32frombits(was[i]))-float64(math.Float32frombits(is[i]))))
			}
			if worst > 1e-4 && said.Scaled == nil {
				t.Errorf("%s: logits %.2g apart from the emulator's", what, worst)
			}
			apart, err := emulate.Apart(be, b.Emulator.Decoder, e.Decoder, crashtest.Texts(5))
			if err != nil || (apart > 1e-5) != (said.Scaled != nil) {
				t.Errorf("%s: hidden states %v apart, scales %v: %v", what, apart, said.Scaled, err)
			}
			lost := len(said.Pairs) + len(said.Channels) + len(said.Heads) + len(said.Scaled) + len(said.Blocks)
			if text := said.Text(apart); strings.Count(text, "folded: ") > 1 != (lost > 0) || lost == 0 && text != "" {
				t.Errorf("%s: of %+v it says %q", what, said, text)
			}
			dir, m := exported(t, crashtest.Built{Plan: b.Plan, Checkpoint: b.Checkpoint, Full: b.Full, Emulator: e}, emulate.Options{})
			again, back := opened(t, be, dir)
			if config := string(must(os.ReadFile(filepath.Join(dir, "config.json")))); strings.Contains(config, "LaminaForCausalLM") || !back.Folded || !m.Folded {
				t.Errorf("%s: %s", what, config)
			}
			if said.Blocks == nil {
				crashtest.Same(t, what+": opened", crashtest.Logits(be, again.Decoder), is)
			}
			crashtest.Same(t, what+": plugged", crashtest.Logits(be, again.Plug(b.Full)), crashtest.Logits(be, b.Full))
		}
	}
}
