package main

import (
	"fmt"
	"strconv"
	"strings"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/cuda"
)

// openDevice opens what -device names. The processor, to rehearse on, has no TF32: that is
// F32 there.
func openDevice(device, precision string) (kernels.Backend, error) {
	p, err := kernels.ParsePrecision(precision)
	if err != nil {
		return nil, err
	}
	name, number, numbered := strings.Cut(device, ":")
	switch {
	case device == "cpu":
		if p == kernels.PrecisionTF32 {
			p = kernels.PrecisionF32
		}
		return cpu.New(cpu.Options{Precision: p}), nil
	case name != "cuda":
		return nil, fmt.Errorf("want cuda, cuda:N or cpu")
	}
	n := 0
	if numbered {
		if n, err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("want cuda, cuda:N or cpu")
		}
	}
	be, err := cuda.Open(cuda.Options{Device: n, Precision: p})
	if err != nil {
		return nil, err
	}
	return be, nil
}
