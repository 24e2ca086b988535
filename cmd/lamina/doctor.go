package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"

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

// shownFeatures are the instruction sets that kernels use or may come to use.
var shownFeatures = []cpuid.FeatureID{
	cpuid.SSE42, cpuid.AVX, cpuid.AVX2, cpuid.FMA3, cpuid.F16C, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512VNNI,
	cpuid.AVX512BF16, cpuid.AVX512FP16, cpuid.AMXTILE, cpuid.AMXBF16, cpuid.AMXINT8, cpuid.ASIMD, cpuid.ASIMDHP, cpuid.ASIMDDP, cpuid.SVE,
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
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := doctorResult{
		Version: version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPU: cpuid.CPU.BrandName, Features: []string{}, Processors: runtime.NumCPU(), Threads: threads,
		CacheL1: max(0, cpuid.CPU.Cache.L1D), CacheL2: max(0, cpuid.CPU.Cache.L2), CacheL3: max(0, cpuid.CPU.Cache.L3),
		Backend: be.Name(), BF16: cpu.HasBF16(), GPU: gpuState(), Static: static(),
	}
	for _, f := range shownFeatures {
		if cpuid.CPU.Has(f) {
			r.Features = append(r.Features, f.String())
		}
	}
	memory := readMemory()
	r.Memory, r.MemoryFree, r.MemoryLimit = memory.total, memory.available, memory.limit
	linked := "static"
	if !r.Static {
		linked = "linked with cgo: it needs the C library's loader"
	}
	s.printf("lamina     %s, %s, %s/%s, %s\n", r.Version, r.Go, r.OS, r.Arch, linked)
	s.printf("processor  %s\n", or(r.CPU, "unknown"))
	s.printf("features   %s\n", or(strings.Join(r.Features, " "), "none known"))
	s.printf("caches     L1 %s, L2 %s, L3 %s\n", bytesText(r.CacheL1), bytesText(r.CacheL2), bytesText(r.CacheL3))
	s.printf("threads    %d of %d processors\n", r.Threads, r.Processors)
	s.printf("kernels    %s\n", r.Backend)
	if r.BF16 {
		s.printf("bf16       --precision bf16 has an instruction here\n")
	} else {
		s.printf("bf16       --precision bf16 rounds, but is no faster here: no AVX512_BF16\n")
	}
	s.printf("memory     %s, %s available\n", bytesText(r.Memory), bytesText(r.MemoryFree))
	if r.MemoryLimit > 0 {
		s.printf("           limited to %s by the control group\n", bytesText(r.MemoryLimit))
	}
	s.printf("GPU        %s\n", r.GPU)
	return s.writeJSON(r)
}

// gpuState says why no GPU is used.
func gpuState() string {
	for _, path := range []string{"/dev/nvidia0", "/dev/nvidiactl"} {
		if _, err := os.Stat(path); err == nil {
			return "an NVIDIA device is there, but this version has no CUDA kernels yet"
		}
	}
	return "none used: no NVIDIA device, and this version has no CUDA kernels yet"
}

// static reports whether the binary was built without cgo, so that it needs no
// loader.
func static() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && !slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
}

// version returns what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown version"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	return or(v, "(devel)")
}

// or returns text, or standard if text is empty.
func or(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}
