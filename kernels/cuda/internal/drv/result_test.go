package drv_test

import (
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
	"lamina/kernels/cuda/internal/sys"
)

// wide is a library whose functions leave something in the upper half of the result
// register: a CUresult is the lower one, and C promises nothing of the rest.
type wide struct{ sys.Library }

func (w wide) Lookup(symbol string) (sys.Proc, error) {
	p, err := w.Library.Lookup(symbol)
	return func(args ...uintptr) uintptr { return p(args...) | 0xDEAD<<32 }, err
}

func TestHalfOfTheRegister(t *testing.T) {
	driver, err := drv.Open(wide{sim.New(sim.Options{Fail: func(call string, n int) int {
		if call == "cuMemAlloc_v2" {
			return 100
		}
		return 0
	}})})
	if err != nil {
		t.Fatal(err)
	}
	all, err := driver.Devices()
	if err != nil || all[0].UUID == "" {
		t.Errorf("%+v, %v", all, err)
	}
	dev, err := driver.Device(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Alloc(8); err == nil || !strings.Contains(err.Error(), "no CUDA-capable device is detected (CUDA_ERROR_NO_DEVICE, 100)") {
		t.Error(err)
	}
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}
