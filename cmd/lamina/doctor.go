package main

import (
	"lamina/internal/machine"
	"lamina/kernels/cpu"
)

// doctorCommand shows what the machine offers.
type doctorCommand struct{}

// doctorResult is its JSON.
type doctorResult struct {
	machine.Description
	CUDA cudaDescription `json:"cuda"`
}

// Run shows processor, kernels, memory and GPU.
func (doctorCommand) Run(s *session) error {
	be, err := s.backend()
	if err != nil {
		return err
	}
	threads, err := s.workers()
	if err != nil {
		return err
	}
	d := doctorResult{machine.Describe(be.Name(), threads, cpu.HasBF16() || s.device.gpu != nil), cudaGraphics.describe()}
	for _, line := range append(d.Lines(), d.CUDA.lines...) {
		s.printf("%-10s %s\n", line[0], oneLine(line[1]))
	}
	return s.writeJSON(d)
}
