//go:build cuda

package main

import (
	"fmt"
	"strings"

	"lamina/internal/units"
	"lamina/kernels"
	"lamina/kernels/cuda"
)

// cudaGraphics are NVIDIA's GPUs, by package cuda.
var cudaGraphics graphics = nvidia{}

type nvidia struct{}

func (nvidia) open(number int, precision kernels.Precision) (*gpu, error) {
	be, err := cuda.Open(cuda.Options{Device: number, Precision: precision})
	if err != nil {
		return nil, err
	}
	return &gpu{Backend: be, note: be.Note(), notes: be.ProductNotes, overhead: int(be.Overhead())}, nil
}

func (n nvidia) choose(precision kernels.Precision) (*gpu, string) {
	number, why := cuda.Choose()
	if number < 0 {
		return nil, why
	}
	g, err := n.open(number, precision)
	if err != nil {
		return nil, "cuda: not used: " + strings.TrimPrefix(err.Error(), "cuda: ")
	}
	return g, ""
}

func (nvidia) describe() cudaDescription {
	r := cuda.Probe()
	d := cudaDescription{Built: true, Report: r}
	line := func(what, format string, args ...any) {
		d.lines = append(d.lines, [2]string{what, fmt.Sprintf(format, args...)})
	}
	if r.Version != "" {
		line("CUDA", "driver for CUDA %s, %s", r.Version, r.Driver)
	} else {
		line("CUDA", "no driver is in use")
	}
	if r.Fault != "" {
		line("", "%s", r.Fault)
	}
	for _, f := range r.Devices {
		about := fmt.Sprintf("compute capability %s, %s, %s free", f.Compute, units.Bytes(int(f.Memory)), units.Bytes(int(f.Free)))
		if f.Fault != "" {
			about = "cannot be used: " + f.Fault
		}
		line(fmt.Sprintf("cuda:%d", f.Index), "%s, %s", f.Name, about)
	}
	if r.ProductFault == "" {
		line("products", "cuBLASLt %s, %s", r.ProductVersion, r.Product)
	} else {
		line("products", "%s", r.ProductFault)
	}
	line("pack", "kernels of digest %.16s", r.Pack)
	for _, t := range r.Tried {
		line("", "tried %s: %s: %s", t.Library, t.Path, t.Result)
	}
	return d
}
