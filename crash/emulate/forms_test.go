package emulate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/transformer"
)

// everyPlan returns a plan with each map and each transform that plans may name, alone and
// scaled, by the width of a model that has the sizes for it.
func everyPlan() map[string]int {
	plans := map[string]int{"0* 1 1 5*": 32, "0* 1x0.5 1 1x-2 0 5*": 32}
	for _, m := range plan.Maps() {
		plans[fmt.Sprintf("0* %s 3 %s 5*", m, m)] = 32
	}
	for _, k := range plan.Transforms {
		word := plan.Transform{Name: k.Name, Amount: map[plan.Amount]float64{plan.OfWeights: 0.5, plan.OfBits: 4}[k.Amount]}
		width := 32
		if strings.HasSuffix(k.Name, "_k") { // blocks of 256
			width = 256
		}
		if plans[fmt.Sprintf("0* 1:%s 3:%[1]s 5*", word)] = width; !(plan.Slot{Transform: word}).Fills() {
			plans[fmt.Sprintf("0* 0:%s 2:%[1]s 2x0.5:%[1]s ~ 5*", word)] = width
		}
	}
	return plans
}

// TestFormsNeedNoWeights: what a plan says of its places is what they are when it is built,
// and what is counted without weights is what is there.
func TestFormsNeedNoWeights(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		models := map[int]*transformer.Decoder{}
		for text, width := range everyPlan() {
			if width > 32 && family != "llama" {
				continue
			}
			if models[width] == nil {
				_, models[width] = crashtest.Made(t, be, family, width)
			}
			full := models[width]
			e, _ := fitted(t, be, full, text, texts(40), emulate.FitOptions{})
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
