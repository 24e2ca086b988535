package main

import (
	"cmp"

	"lamina/internal/machine"
	"lamina/kernels/cpu"
)

// doctorCommand shows what the machine offers.
type doctorCommand struct{}

// doctorResult is its JSON.
type doctorResult struct {
	machine.Description
	AMX      string            `json:"amx"`      // "", or why not
	Products map[string]string `json:"products"` // what computes them, by precision
	CUDA     cudaDescription   `json:"cuda"`
}

// Run shows processor, kernels, memory and GPU; of a GPU that was asked for and cannot be
// used, what was looked for and where, before the error.
func (doctorCommand) Run(s *session) error {
	be, err := s.backend()
	if err != nil {
		d, wrong := parseDevice(s.Device)
		if r := cudaGraphics.describe(); wrong == nil && d.kind == "cuda" && r.Built {
			s.printLines(r.lines)
		}
		return err
	}
	threads, err := s.workers()
	if err != nil {
		return err
	}
	d := doctorResult{machine.Describe(be.Name(), threads, cpu.HasBF16() || s.device.gpu != nil), cpu.NoTiles(), map[string]string{}, cudaGraphics.describe()}
	lines := append(d.Lines(), [2]string{"AMX", cmp.Or(d.AMX, "usable")})
	for _, p := range cpu.Precisions() {
		d.Products[p.String()] = cpu.Instruction(p)
		lines = append(lines, [2]string{p.String(), "--precision " + p.String() + " on the processor: " + d.Products[p.String()]})
	}
	s.printLines(append(lines, d.CUDA.lines...))
	return s.writeJSON(d)
}

// printLines prints what something is called, and what it is.
func (s *session) printLines(lines [][2]string) {
	for _, line := range lines {
		s.printf("%-10s %s\n", line[0], oneLine(line[1]))
	}
}
