package main

import (
	"fmt"
	"strconv"
	"strings"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// deviceChoice is what --device says.
type deviceChoice struct {
	kind   string // auto, cpu or cuda
	number int
}

func parseDevice(device string) (d deviceChoice, err error) {
	name, number, numbered := strings.Cut(device, ":")
	switch {
	case device == "auto", device == "cpu", device == "cuda":
		return deviceChoice{kind: device}, nil
	case name == "cuda" && numbered:
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return d, usagef("--device %.32q: want cuda or cuda:N", device)
		}
		return deviceChoice{"cuda", int(n)}, nil
	}
	return d, usagef("--device %.32q is unknown: want auto, cpu, cuda or cuda:N", device)
}

// opened is a device that is ready.
type opened struct {
	kernels.Backend
	gpu  *gpu   // nil: it computes in the process's memory
	note string // a line for people, or ""
	room int    // bytes that its memory had for us at opening, where it has its own
}

// openBackend opens the device that --device names, with products in the type that
// --precision names.
func openBackend(device, precision string, threads int) (*opened, error) {
	d, err := parseDevice(device)
	if err != nil {
		return nil, err
	}
	note := ""
	switch d.kind {
	case "cuda":
		g, err := cudaGraphics.open(d.number, precision)
		if err != nil {
			return nil, fmt.Errorf("--device %s: %s", device, strings.TrimPrefix(err.Error(), "cuda: "))
		}
		return onGPU(g), nil
	case "auto":
		g, why := cudaGraphics.choose(precision)
		if g != nil {
			return onGPU(g), nil
		}
		note = why
	}
	o := cpu.Options{Threads: threads}
	switch precision {
	case "bf16":
		o.Precision = tensor.BF16
	case "tf32":
		if note != "" {
			return nil, fmt.Errorf("--precision tf32 is of NVIDIA GPUs, and the CPU has f32 and bf16: %s", note)
		}
		return nil, usagef("--precision tf32 is of NVIDIA GPUs (--device cuda): the CPU has f32 and bf16")
	}
	return &opened{Backend: cpu.New(o), note: note}, nil
}

func onGPU(g *gpu) *opened {
	free, _ := g.Memory()
	return &opened{Backend: g.Backend, gpu: g, note: g.note, room: max(int(free)-g.overhead, 1)}
}
