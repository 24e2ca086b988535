package main

import (
	"errors"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

func openDevice(device, precision string) (kernels.Backend, error) {
	if device != "cpu" {
		return nil, errors.New("not yet")
	}
	o := cpu.Options{}
	if precision == "bf16" {
		o.Precision = tensor.BF16
	}
	return cpu.New(o), nil
}
