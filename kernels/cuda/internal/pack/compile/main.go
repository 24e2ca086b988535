//go:build cuda

// Compile makes the PTX files of package pack from its CUDA C sources, with NVRTC 11.8,
// whose PTX 7.8 every driver from 520 on loads:
//
//	go run -tags cuda ./kernels/cuda/internal/pack/compile --nvrtc DIR [--check] [MODULE…]
//
// DIR holds libnvrtc.so.11.2 and libnvrtc-builtins.so.11.8. With --check nothing is
// written, and a file that would come out otherwise is an error. No GPU is needed.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"unsafe"

	"lamina/internal/files"
	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/sys"
)

func main() {
	dir := flag.String("nvrtc", "", "folder of libnvrtc.so.11.2 and libnvrtc-builtins.so.11.8")
	check := flag.Bool("check", false, "write nothing; fail where a file is not what its source makes")
	out := flag.String("out", "kernels/cuda/internal/pack", "folder of the sources")
	flag.Parse()
	if err := run(*dir, *out, *check, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, out string, check bool, only []string) error {
	n, err := load(dir)
	if err != nil {
		return err
	}
	for _, module := range pack.Names() {
		if len(only) > 0 && !slices.Contains(only, module) {
			continue
		}
		source, err := pack.ReadSource(os.DirFS(out), module)
		if err != nil {
			return err
		}
		ptx, err := n.compile(module+".cu", source)
		if err != nil {
			return err
		}
		ptx = append([]byte(pack.Header(source)), ptx...)
		path := filepath.Join(out, module+".ptx")
		if check {
			if have, err := files.Read(path, maxPTX); err != nil || !bytes.Equal(have, ptx) {
				return fmt.Errorf("%s is not what its source makes (%v): run this without --check", path, err)
			}
			continue
		}
		if err := files.WriteBytes(path, ptx); err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes\n", path, len(ptx))
	}
	return nil
}

// nvrtc is the compiler's library.
type nvrtc struct{ lib sys.Library }

func load(dir string) (nvrtc, error) {
	// NVRTC asks for its builtins by name; loaded before, they are found.
	if _, err := sys.Open(filepath.Join(dir, "libnvrtc-builtins.so.11.8")); err != nil {
		return nvrtc{}, err
	}
	lib, err := sys.Open(filepath.Join(dir, "libnvrtc.so.11.2"))
	return nvrtc{lib}, err
}

// call calls a function that answers 0 for success.
func (n nvrtc) call(symbol string, args ...uintptr) error {
	proc, err := n.lib.Lookup(symbol)
	if err != nil {
		return err
	}
	if status := proc(args...); int32(status) != 0 {
		return fmt.Errorf("%s: error %d", symbol, int32(status))
	}
	return nil
}

// maxPTX is more than any module has.
const maxPTX = 16 << 20

// options are those of every module. Nothing loosens the arithmetic: no fast-math flag, and
// no product fused with a sum but where the source says fmaf. Each then says .rn in PTX,
// which keeps the driver from fusing it too: otherwise it might do so in one form of a
// kernel and not in another, and a row's bits would depend on the rows beside it.
var options = []string{"--gpu-architecture=compute_80", "--std=c++17", "--fmad=false"}

func (n nvrtc) compile(name string, source []byte) ([]byte, error) {
	var pinned runtime.Pinner
	defer pinned.Unpin()
	text := func(s string) uintptr {
		b := append([]byte(s), 0)
		pinned.Pin(&b[0])
		return uintptr(unsafe.Pointer(&b[0]))
	}
	program := new(uintptr)
	pinned.Pin(program)
	address := uintptr(unsafe.Pointer(program))
	if err := n.call("nvrtcCreateProgram", address, text(string(source)), text(name), 0, 0, 0); err != nil {
		return nil, err
	}
	defer n.call("nvrtcDestroyProgram", address)
	flags := make([]uintptr, len(options))
	for i, o := range options {
		flags[i] = text(o)
	}
	pinned.Pin(&flags[0])
	if err := n.call("nvrtcCompileProgram", *program, uintptr(len(flags)), uintptr(unsafe.Pointer(&flags[0]))); err != nil {
		log, _ := n.text(*program, "nvrtcGetProgramLog")
		return nil, fmt.Errorf("%s: %w\n%s", name, err, log)
	}
	ptx, err := n.text(*program, "nvrtcGetPTX")
	return bytes.TrimRight(ptx, "\x00"), err
}

// text fetches what symbol tells of a program, after its size.
func (n nvrtc) text(program uintptr, symbol string) ([]byte, error) {
	var pinned runtime.Pinner
	defer pinned.Unpin()
	size := new(uintptr)
	pinned.Pin(size)
	if err := n.call(symbol+"Size", program, uintptr(unsafe.Pointer(size))); err != nil {
		return nil, err
	}
	b := make([]byte, *size+1)
	pinned.Pin(&b[0])
	err := n.call(symbol, program, uintptr(unsafe.Pointer(&b[0])))
	return b[:*size], err
}
