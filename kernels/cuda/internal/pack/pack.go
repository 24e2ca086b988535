// Package pack holds the kernels: CUDA C sources, the PTX that NVRTC made of them, and
// what each kernel takes.
//
// A module is a source NAME.cu behind what it shares with others: common.cuh, and the
// files that its first line names ("// with blocks": blocks.cuh). Program compile writes
// its .ptx, which begins with the digest of those sources. The sources include nothing,
// use no atomic operation on floats, and are compiled without any flag that loosens
// arithmetic: a product is fused with a sum where the source says fmaf, and nowhere else.
// The PTX is for compute capability 8.0 and PTX version 7.8; a driver from
// 520 on makes machine code of it, for this GPU and any later one, when a module's first
// kernel is wanted.
//
//	k, ok := pack.Find("lamina_fill")
//	fmt.Println(k.Module, k.Params)
package pack

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"sync"
)

//go:embed *.cuh *.cu *.ptx
var files embed.FS

// Names returns the modules, in the order of their names.
func Names() []string {
	paths, _ := fs.Glob(files, "*.cu") // the pattern is good
	var names []string
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(p, ".cu"))
	}
	sort.Strings(names)
	return names
}

// ReadSource returns what is compiled for a module: what it shares, then its own source.
func ReadSource(from fs.FS, module string) ([]byte, error) {
	own, err := fs.ReadFile(from, module+".cu")
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, name := range shared(string(own)) {
		b, err := fs.ReadFile(from, name+".cuh")
		if err != nil {
			return nil, fmt.Errorf("%s.cu: %w", module, err)
		}
		all = append(all, b...)
	}
	return append(all, own...), nil
}

// shared returns the shared sources of one: common, and those that its first line names.
func shared(source string) []string {
	names := []string{"common"}
	line, _, _ := strings.Cut(source, "\n")
	if with, ok := strings.CutPrefix(line, "// with "); ok {
		names = append(names, strings.Fields(with)...)
	}
	return names
}

// Source returns what the module was compiled from.
func Source(module string) ([]byte, error) { return ReadSource(files, module) }

// Header returns the first line of the PTX that is made of source.
func Header(source []byte) string {
	return fmt.Sprintf("// lamina: source sha256 %x\n", sha256.Sum256(source))
}

// PTX returns a module's PTX.
func PTX(module string) ([]byte, error) { return files.ReadFile(module + ".ptx") }

// Digest returns the SHA-256 of all PTX: what a report names the kernels by.
var Digest = sync.OnceValue(func() string {
	h := sha256.New()
	for _, name := range Names() {
		b, _ := PTX(name)
		h.Write(b)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
})
