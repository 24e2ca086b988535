package main

import (
	"fmt"

	"lamina/internal/machine"
	"lamina/internal/units"
	"lamina/kernels"
	"lamina/kernels/cpu"
)

// prepackFlag says how much memory frozen weights take that are kept as AMX wants them.
type prepackFlag struct {
	Prepack string `default:"auto" placeholder:"SIZE" help:"On a processor with AMX, with --precision bf16, bf16x3 or bf16x6: keep weights that do not train packed for it, beside what they are stored in: auto (default; in an eighth of the memory that is free), off, or in so much memory (2GiB). Results do not depend on it."`
}

// autoPrepackShare is the part of the free memory that auto takes at the most.
const autoPrepackShare = 8

// parse returns the bytes that weights may take; 0 for none, and for auto where auto is true.
func (f prepackFlag) parse() (bytes int, auto bool, err error) {
	switch f.Prepack {
	case "auto":
		return 0, true, nil
	case "off":
		return 0, false, nil
	}
	bytes, err = units.ParseBytes(f.Prepack)
	if err != nil {
		return 0, false, usagef("--prepack: want auto, off or a size: %w", err)
	}
	if bytes == 0 {
		return 0, false, usagef("--prepack %s: want off, or a size above 0", f.Prepack)
	}
	return bytes, false, nil
}

// bytes returns what weights may take on this machine in a precision, and a line for people
// where memory was offered that nothing uses, on a GPU too.
func (f prepackFlag) bytes(p kernels.Precision, onGPU bool) (bytes int, note string, err error) {
	bytes, auto, err := f.parse()
	switch {
	case err != nil:
		return 0, "", err
	case onGPU && bytes > 0:
		return 0, fmt.Sprintf("--prepack %s keeps nothing: it is for processors with AMX, and products run on a GPU", f.Prepack), nil
	case !onGPU && !cpu.CanPrepack(p) && bytes > 0:
		return 0, fmt.Sprintf("--prepack %s keeps nothing: products in %v do not go through AMX here", f.Prepack, p), nil
	case onGPU || !cpu.CanPrepack(p):
		return 0, "", nil
	case auto:
		return machine.ReadMemory().Usable() / autoPrepackShare, "", nil
	}
	return bytes, "", nil
}
