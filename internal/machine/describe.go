package machine

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"

	"lamina/internal/units"
)

// Description is all that this package and a backend know of a machine.
type Description struct {
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
	BF16        bool     `json:"bf16"` // products in BF16 have an instruction that is faster than F32's
	Memory      int      `json:"memory"`
	MemoryFree  int      `json:"memory_free"`
	MemoryLimit int      `json:"memory_limit,omitempty"`
	GPU         string   `json:"gpu"`
	Static      bool     `json:"static"`
}

// Describe describes the machine, on which a backend computes in so many goroutines; 0
// is one per processor. bf16 says whether its products in BF16 have an instruction
// that is faster than F32's.
func Describe(backend string, threads int, bf16 bool) Description {
	memory := ReadMemory()
	d := Description{
		Version: Version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPU: Processor(), Features: Features(), Processors: runtime.NumCPU(), Threads: cmp.Or(threads, runtime.GOMAXPROCS(0)),
		Backend: backend, BF16: bf16, GPU: GPU(), Static: Static(),
		Memory: memory.Total, MemoryFree: memory.Available, MemoryLimit: memory.Limit,
	}
	d.CacheL1, d.CacheL2, d.CacheL3 = Caches()
	return d
}

// Lines are the description for people: what a line is about, and what it says.
func (d Description) Lines() [][2]string {
	linked := "static"
	if !d.Static {
		linked = "not static: it needs the C library's loader"
	}
	lines := [][2]string{
		{"lamina", fmt.Sprintf("%s, %s, %s/%s, %s", d.Version, d.Go, d.OS, d.Arch, linked)},
		{"processor", cmp.Or(d.CPU, "unknown")},
		{"features", cmp.Or(strings.Join(d.Features, " "), "none known")},
		{"caches", fmt.Sprintf("L1 %s, L2 %s, L3 %s", units.Bytes(d.CacheL1), units.Bytes(d.CacheL2), units.Bytes(d.CacheL3))},
		{"threads", fmt.Sprintf("%d of %d processors", d.Threads, d.Processors)},
		{"kernels", d.Backend},
		{"memory", fmt.Sprintf("%s, %s available", units.Bytes(d.Memory), units.Bytes(d.MemoryFree))},
	}
	if d.MemoryLimit > 0 {
		lines = append(lines, [2]string{"", fmt.Sprintf("limited to %s by the control group", units.Bytes(d.MemoryLimit))})
	}
	return append(lines, [2]string{"GPU", d.GPU})
}
