package main

import (
	"fmt"
	"strconv"
	"strings"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// openBackend opens the device that --device names, with products in the type that
// --precision names. The second result closes it.
func openBackend(device, precision string, threads int) (kernels.Backend, func(), error) {
	switch name, number, _ := strings.Cut(device, ":"); {
	case device == "auto", device == "cpu":
		o := cpu.Options{Threads: threads}
		if precision == "bf16" {
			o.Precision = tensor.BF16
		}
		be := cpu.New(o)
		return be, func() { be.Close() }, nil
	case name == "cuda":
		if number != "" {
			if _, err := strconv.ParseUint(number, 10, 8); err != nil {
				return nil, nil, usagef("--device %.32q: want cuda or cuda:N", device)
			}
		}
		return nil, nil, fmt.Errorf("--device %s: CUDA is not built in yet: use --device cpu", device)
	}
	return nil, nil, usagef("--device %.32q is unknown: want auto, cpu, cuda or cuda:N", device)
}
