package sim

import (
	"fmt"
	"slices"

	"lamina/kernels/cuda/internal/sys"
)

// LtOptions says how cuBLASLt is simulated. The zero value is version 12.8.4, which does
// what lt.Library asks for.
type LtOptions struct {
	Version int      // what cublasLtGetVersion tells; 0 is 120804
	Missing []string // functions that the library lacks
	// Fail, if not nil, is asked before the nth call (from 1) of a function; a status
	// other than 0 is what the call then returns.
	Fail func(call string, n int) int
	// Refuse, if not nil, says for which products the heuristic names nothing.
	Refuse func(p LtProduct) bool
	// RefuseRows, if not nil, says which numbers of rows cublasLtMatmulAlgoCheck refuses.
	RefuseRows func(rows int) bool
	// SplitK puts an algorithm that cuts the inner axis first, whatever was asked for.
	SplitK bool
	// DropNaN makes ReLU of NaN 0.
	DropNaN bool
}

// LtProduct is what a product is, by the library's names: column-major, D [Rows Cols].
type LtProduct struct {
	Rows, Cols, Inner int
	Type              int32 // cudaDataType_t of A and B
	Compute           int32
	Epilogue          uint32
}

// Lt is cuBLASLt on the devices of a [Machine]. It implements sys.Library. Its algorithms
// add up in an order that depends on the number of columns (the rows of a row-major
// product), as the heuristic's choices do: who leaves the choice to it for every number of
// rows gets other bits.
type Lt struct {
	m     *Machine
	o     LtOptions
	calls map[string]int
	// products counts those that were computed, by epilogue.
	products map[uint32]int
	// split counts those whose inner axis was cut.
	split int
}

// Lt returns the library for the machine's devices.
func (m *Machine) Lt(o LtOptions) *Lt {
	if o.Version == 0 {
		o.Version = 120804
	}
	return &Lt{m: m, o: o, calls: map[string]int{}, products: map[uint32]int{}}
}

// Path returns what the library would be loaded by.
func (l *Lt) Path() string { return "libcublasLt.so.12 (simulated)" }

// Count returns how often a function was called.
func (l *Lt) Count(call string) int {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.calls[call]
}

// Products returns how many products with an epilogue were enqueued.
func (l *Lt) Products(epilogue uint32) int {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.products[epilogue]
}

// Split returns how many products were enqueued with their inner axis cut.
func (l *Lt) Split() int {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.split
}

// Lookup returns a function.
func (l *Lt) Lookup(symbol string) (sys.Proc, error) {
	f, ok := ltFunctions[symbol]
	if !ok || slices.Contains(l.o.Missing, symbol) {
		return nil, fmt.Errorf("%s has no %s: undefined symbol: %s", l.Path(), symbol, symbol)
	}
	return func(args ...uintptr) uintptr { return uintptr(l.call(symbol, f, args)) }, nil
}

// ltFunction is a function of the library.
type ltFunction struct {
	args   int
	device bool // the thread has to be bound to a context
	run    func(l *Lt, a []uintptr) int
}

// Statuses of cublasStatus_t.
const (
	ltNotInitialized = 1
	ltInvalidValue   = 7
	ltNotSupported   = 15
)

var ltFunctions = map[string]ltFunction{
	"cublasLtCreate":                       {1, true, ltCreate},
	"cublasLtDestroy":                      {1, true, ltDestroy},
	"cublasLtGetVersion":                   {0, false, func(l *Lt, _ []uintptr) int { return l.o.Version }},
	"cublasLtMatmulDescCreate":             {3, false, ltDescCreate},
	"cublasLtMatmulDescDestroy":            {1, false, ltRemove[*ltDesc]},
	"cublasLtMatmulDescSetAttribute":       {4, false, ltSet[*ltDesc]},
	"cublasLtMatmulDescGetAttribute":       {5, false, ltGet[*ltDesc]},
	"cublasLtMatrixLayoutCreate":           {5, false, ltLayoutCreate},
	"cublasLtMatrixLayoutDestroy":          {1, false, ltRemove[*ltLayout]},
	"cublasLtMatrixLayoutSetAttribute":     {4, false, ltSet[*ltLayout]},
	"cublasLtMatrixLayoutGetAttribute":     {5, false, ltGet[*ltLayout]},
	"cublasLtMatmulPreferenceCreate":       {1, false, ltPreferenceCreate},
	"cublasLtMatmulPreferenceDestroy":      {1, false, ltRemove[*ltPreference]},
	"cublasLtMatmulPreferenceSetAttribute": {4, false, ltSet[*ltPreference]},
	"cublasLtMatmulPreferenceGetAttribute": {5, false, ltGet[*ltPreference]},
	"cublasLtMatmulAlgoGetHeuristic":       {10, true, ltHeuristic},
	"cublasLtMatmulAlgoCheck":              {8, true, ltCheck},
	"cublasLtMatmulAlgoConfigGetAttribute": {5, false, ltAlgoGet},
	"cublasLtMatmul":                       {16, true, ltMatmul},
}

// call runs a function behind the checks that all have.
func (l *Lt) call(name string, f ltFunction, args []uintptr) int {
	m := l.m
	m.mu.Lock()
	defer m.mu.Unlock()
	l.calls[name]++
	if len(args) != f.args {
		m.fault("%s: %d arguments, want %d", name, len(args), f.args)
		return ltInvalidValue
	}
	if l.o.Fail != nil {
		if status := l.o.Fail(name, l.calls[name]); status != 0 {
			return status
		}
	}
	if f.device {
		if m.bound() == nil {
			m.fault("%s: the thread is bound to no context", name)
			return ltNotInitialized
		}
		if m.bound().dead != 0 {
			return ltNotInitialized
		}
	}
	return f.run(l, args)
}
