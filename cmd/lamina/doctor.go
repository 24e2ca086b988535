package main

import (
	"cmp"
	"runtime"
	"strings"

	"lamina/internal/machine"
	"lamina/internal/units"
	"lamina/kernels/cpu"
)

// doctorCommand shows what the machine offers.
type doctorCommand struct{}

// doctorResult is its JSON.
type doctorResult struct {
	Version     string   `json:"version"`
	Go          string   `json:"go"`
	OS          string   `json:"os"`
	Arch        string   `json:"arch"`
	CPU         string   `json:"cpu"`
	Features    []string `json:"features"`
	Processors  int      `json:"processors"`
	Threads     int      `json:"threads"`
	CacheL1     int      `json:"cache_l1,omitempty"`
	CacheL2     int      `json:"cache_l2,omitempty"`
	CacheL3     int      `json:"cache_l3,omitempty"`
	Backend     string   `json:"backend"`
	BF16        bool     `json:"bf16"` // products in BF16 have an instruction
	Memory      int      `json:"memory"`
	MemoryFree  int      `json:"memory_free"`
	MemoryLimit int      `json:"memory_limit,omitempty"`
	GPU         string   `json:"gpu"`
	Static      bool     `json:"static"`
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
	memory := machine.ReadMemory()
	r := doctorResult{
		Version: machine.Version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPU: machine.Processor(), Features: machine.Features(), Processors: runtime.NumCPU(), Threads: cmp.Or(threads, runtime.GOMAXPROCS(0)),
		Backend: be.Name(), BF16: cpu.HasBF16(), GPU: machine.GPU(), Static: machine.Static(),
		Memory: memory.Total, MemoryFree: memory.Available, MemoryLimit: memory.Limit,
	}
	r.CacheL1, r.CacheL2, r.CacheL3 = machine.Caches()
	linked := "static"
	if !r.Static {
		linked = "linked with cgo: it needs the C library's loader"
	}
	s.printf("lamina     %s, %s, %s/%s, %s\n", r.Version, r.Go, r.OS, r.Arch, linked)
	s.printf("processor  %s\n", cmp.Or(r.CPU, "unknown"))
	s.printf("features   %s\n", cmp.Or(strings.Join(r.Features, " "), "none known"))
	s.printf("caches     L1 %s, L2 %s, L3 %s\n", units.Bytes(r.CacheL1), units.Bytes(r.CacheL2), units.Bytes(r.CacheL3))
	s.printf("threads    %d of %d processors\n", r.Threads, r.Processors)
	s.printf("kernels    %s\n", r.Backend)
	if r.BF16 {
		s.printf("bf16       --precision bf16 has an instruction here\n")
	} else {
		s.printf("bf16       --precision bf16 rounds, but is no faster here: no AVX512_BF16\n")
	}
	s.printf("memory     %s, %s available\n", units.Bytes(r.Memory), units.Bytes(r.MemoryFree))
	if r.MemoryLimit > 0 {
		s.printf("           limited to %s by the control group\n", units.Bytes(r.MemoryLimit))
	}
	s.printf("GPU        %s\n", r.GPU)
	return s.writeJSON(r)
}
