//go:build cuda && linux

package sys

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// Built reports whether this binary can load libraries.
const Built = true

type library struct {
	path   string
	handle uintptr
}

// Open loads a shared library by its path, or by a name that the system's loader looks
// for. The error has the loader's own words.
func Open(path string) (Library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &library{path, handle}, nil
}

func (l *library) Path() string { return l.path }

func (l *library) Lookup(symbol string) (Proc, error) {
	address, err := purego.Dlsym(l.handle, symbol)
	if err != nil {
		return nil, fmt.Errorf("%s has no %s: %w", l.path, symbol, err)
	}
	return func(args ...uintptr) uintptr {
		result, _, _ := purego.SyscallN(address, args...)
		return result
	}, nil
}
