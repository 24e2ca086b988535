package train_test

import (
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels/cpu"
	"lamina/kernels/replay"
)

// TestPace: of every family and kind of place each call of a step can be made on a device,
// and the weights are as before.
func TestPace(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		before := crashtest.Logits(be, full)
		for _, text := range []string{"0* 1 2 3 4 5*", "0* 5*", "0* ~ 2:svd0.5 ~patch 5*", "0* 1 1x0.5 3:width0.5 4:heads0.5 5*"} {
			e, err := emulate.OutlineOf(full, crashtest.Plan(t, text))
			if err != nil {
				t.Fatal(err)
			}
			tr := &train.Trainer{Params: e.Params(), Held: e.Decoder.Params(), Settings: crashtest.Settings()}
			tr.Settings.Batch, tr.Settings.MicroBatch = 6, 3
			if tr.Train, err = train.Blank(e.Decoder, 3, 8, 4); err != nil {
				t.Fatal(err)
			}
			p, err := tr.Pace(t.Context(), replay.Meter{Backend: be})
			if err != nil || p.Tokens != 48 || !(p.Step > 0) || !(p.Forward > 0) {
				t.Errorf("%s, %s: %+v, %v", family, text, p, err)
			}
		}
		crashtest.Same(t, family, crashtest.Logits(be, full), before)
	}
}
