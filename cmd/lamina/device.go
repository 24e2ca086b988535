package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lamina/kernels"
	"lamina/kernels/cpu"
)

// deviceChoice is what --device says.
type deviceChoice struct {
	kind         string // auto, cpu or cuda
	number       int    // of a GPU
	instructions string // of a processor; "": the best it has
}

func parseDevice(device string) (d deviceChoice, err error) {
	name, number, numbered := strings.Cut(device, ":")
	processor, set, chosen := strings.Cut(device, "/")
	switch {
	case device == "auto", device == "cpu", device == "cuda":
		return deviceChoice{kind: device}, nil
	case name == "cuda" && numbered:
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return d, usagef("--device %.32q: want cuda or cuda:N", device)
		}
		return deviceChoice{kind: "cuda", number: int(n)}, nil
	case processor == "cpu" && chosen:
		if have := cpu.Instructions(); !slices.Contains(have, set) {
			return d, usagef("--device %.32q: this machine or build has cpu/%s", device, strings.Join(have, ", cpu/"))
		}
		return deviceChoice{kind: "cpu", instructions: set}, nil
	}
	return d, usagef("--device %.32q is unknown: want auto, cpu, cpu/INSTRUCTIONS, cuda or cuda:N", device)
}

// String returns what --device said, without the number of a GPU.
func (d deviceChoice) String() string {
	if d.instructions != "" {
		return d.kind + "/" + d.instructions
	}
	return d.kind
}

// limit lets the process compute with the instructions that were asked for, if any were.
func (d deviceChoice) limit() {
	if d.instructions != "" {
		cpu.Limit(d.instructions)
	}
}

// opened is a device that is ready.
type opened struct {
	kernels.Backend
	gpu       *gpu              // nil: it computes in the process's memory
	precision kernels.Precision // of its products
	note      string            // a line for people, or ""
	prepack   int               // bytes that packed weights may take in the process's memory
	room      int               // bytes that its memory had for us at opening, where it has its own
}

// openBackend opens the device that --device names, with products in the arithmetic that
// --precision names. PyTorch's "high" is tf32 on a GPU and bf16x3 on a processor.
func openBackend(device, precision string, threads int, prepack prepackFlag) (*opened, error) {
	d, err := parseDevice(device)
	if err != nil {
		return nil, err
	}
	p, err := kernels.ParsePrecision(precision)
	if err != nil {
		return nil, usagef("--precision: %w", err)
	}
	graphic, note := p, ""
	if precision == "high" {
		graphic = kernels.PrecisionTF32
	}
	switch d.kind {
	case "cuda":
		g, err := cudaGraphics.open(d.number, graphic)
		if err != nil {
			return nil, fmt.Errorf("--device %s: %s", device, strings.TrimPrefix(err.Error(), "cuda: "))
		}
		return onGPU(g, graphic, prepack)
	case "auto":
		g, why := cudaGraphics.choose(graphic)
		if g != nil {
			return onGPU(g, graphic, prepack)
		}
		note = why
	}
	if !slices.Contains(cpu.Precisions(), p) {
		have := processorPrecisions()
		if note != "" {
			return nil, fmt.Errorf("--precision %v is of NVIDIA GPUs, and the CPU has %s: %s", p, have, note)
		}
		return nil, usagef("--precision %v is of NVIDIA GPUs (--device cuda): the CPU has %s", p, have)
	}
	d.limit()
	bytes, unused, err := prepack.bytes(p, false)
	if err != nil {
		return nil, err
	}
	be := cpu.New(cpu.Options{Threads: threads, Precision: p, Prepack: bytes})
	return &opened{Backend: be, precision: p, note: remarks(note, unused), prepack: bytes}, nil
}

func onGPU(g *gpu, p kernels.Precision, prepack prepackFlag) (*opened, error) {
	_, unused, err := prepack.bytes(p, true)
	if err != nil {
		g.Close()
		return nil, err
	}
	free, _ := g.Memory()
	return &opened{Backend: g.Backend, gpu: g, precision: p, note: remarks(g.note, unused), room: max(int(free)-g.overhead, 1)}, nil
}

// remarks are some in one line.
func remarks(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(note string) bool { return note == "" }), "; ")
}

// processorPrecisions are the arithmetics of a processor, for people.
func processorPrecisions() string {
	var names []string
	for _, p := range cpu.Precisions() {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}
