package train_test

import (
	"context"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
)

// TestTrainingBitsDoNotDependOnLateWork: a run on a device that works only when it is
// waited for, validation and the best weights included.
func TestTrainingBitsDoNotDependOnLateWork(t *testing.T) {
	inner := ref.New()
	var want []float64
	for _, be := range []kernels.Backend{inner, kerneltest.NewLagging(inner)} {
		tr, e := trainer(t, be, crashtest.Small(inner, "opt"), "0* 1 2*")
		tr.Settings.Dropout, tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.EvalEvery = 0.1, 0, 4, 1
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		var got []float64
		for w := range e.Params() {
			got = append(got, w.Value.Floats()...)
		}
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Error("late work trains other weights")
		}
		tr.Close()
	}
}
