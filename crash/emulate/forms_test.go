package emulate_test

import (
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/transformer"
)

// TestFormsNeedNoWeights: what a plan says of its places is what they are when it is built,
// and what is counted without weights is what is there.
func TestFormsNeedNoWeights(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		for _, b := range crashtest.EveryPlan(t, be, family) {
			full, text, e := b.Full, b.Plan, b.Emulator
			want, err := e.Decoder.Forms()
			if err != nil {
				t.Fatalf("%s, %s: %v", family, text, err)
			}
			got, err := emulate.Forms(full.Config, e.Plan)
			if err != nil {
				t.Fatalf("%s, %s: %v", family, text, err)
			}
			for _, forms := range [][]transformer.Form{want, got} {
				for i := range forms {
					forms[i].HeadNumbers = nil // chosen by weights
				}
			}
			if !slices.EqualFunc(got, want, transformer.Form.Equal) {
				t.Errorf("%s, %s: forms %+v, built %+v", family, text, got, want)
			}
			d, err := emulate.Outline(full.Config, e.Plan)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := nn.Count(d.Params()), nn.Count(e.Decoder.Params()); a != b {
				t.Errorf("%s, %s: %d weights counted, %d built", family, text, a, b)
			}
		}
	}
}
