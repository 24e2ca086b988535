package main

import (
	"lamina/internal/machine"
	"lamina/kernels/cpu"
)

// doctorCommand shows what the machine offers.
type doctorCommand struct{}

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
	d := machine.Describe(be.Name(), threads, cpu.HasBF16())
	for _, line := range d.Lines() {
		s.printf("%-10s %s\n", line[0], line[1])
	}
	return s.writeJSON(d)
}
