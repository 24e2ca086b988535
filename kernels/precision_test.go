package kernels_test

import (
	"testing"

	"lamina/kernels"
)

func TestPrecisionNames(t *testing.T) {
	for p := kernels.PrecisionF32; p <= kernels.PrecisionQ8; p++ {
		if got, err := kernels.ParsePrecision(p.String()); err != nil || got != p {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	for name, want := range map[string]kernels.Precision{"highest": kernels.PrecisionF32, "high": kernels.PrecisionBF16x3, "medium": kernels.PrecisionBF16} {
		if got, err := kernels.ParsePrecision(name); err != nil || got != want {
			t.Errorf("%q is read as %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "F32", "f16", "bf16x4"} {
		if _, err := kernels.ParsePrecision(name); err == nil {
			t.Errorf("%q is a precision", name)
		}
	}
	if n := len(kernels.PrecisionNames()); n != 9 {
		t.Errorf("%d names", n)
	}
}
