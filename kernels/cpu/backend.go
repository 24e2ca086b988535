// Package cpu is the backend that computes on the host's processor, with the
// vector instructions that package simd finds and one pool of goroutines. It
// knows F32 activations and weights in any storage type; F64 belongs to package
// ref.
//
//	be := cpu.New(cpu.Options{})
//	defer be.Close()
//	x := tensor.MustFromFloats(be, tensor.F32, values, 512, 768)
//	y := tensor.MustNew(be, tensor.F32, 512, 768)
//	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true})
//
// Invariants: work is cut into chunks by shape alone (but for the tiles of products,
// which reach no bits) and every chunk writes elements, or sums into a slot, of its
// own, so that results have the same bits for any number of threads; scratch memory is kept and reused, so that a call
// allocates nothing once its like has run.
package cpu

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"lamina/internal/par"
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Options says how a backend is made. The zero value is the usual one.
type Options struct {
	// Threads is the number of goroutines that compute at once; 0 means
	// runtime.GOMAXPROCS(0).
	Threads int
	// Precision is the arithmetic of MatMul, one of [Precisions]. Where [HasBF16] is
	// false BF16 is no faster than F32. MatVec is F32 but with Q8; attention and all else
	// is F32.
	Precision kernels.Precision
	// TilesInGo computes products in parts of BF16 as AMX does, to the bit, by plain Go
	// where the machine has none: very slowly, for tests and tables of errors.
	TilesInGo bool
	// Prepack bounds the bytes of weights that stay as they are, as tensor.Tensor.Fix says,
	// that are kept as the tiles of AMX want them, in addition to what they are stored
	// in: two bytes a part and a weight for forward products, as many for backward ones. 0 keeps
	// none. Other products gain nothing by it. The bits are the same.
	Prepack int
	// Delay, if not nil, is called before every chunk of work, for tests of
	// independence from scheduling.
	Delay func()
	// SplitAll hands work to other goroutines however small it is, for the same
	// tests.
	SplitAll bool
}

// Backend implements kernels.Backend. It may be used from several goroutines
// at once; Close it when done.
type Backend struct {
	tensor.Host
	pool       *par.Pool
	precision  kernels.Precision
	tilesInGo  bool
	prepacked  prepackedWeights
	small      int // work below which a call stays on its caller: smallWork, 0 in tests
	scratch    freeList[scratch]
	products   freeList[product]
	productsQ8 freeList[q8Product]
	vectors    freeList[vector]
}

// New returns a backend with goroutines of its own.
func New(o Options) *Backend {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if !slices.Contains(Precisions(), o.Precision) {
		panic(fmt.Sprintf("cpu: New: no products in %v", o.Precision))
	}
	pool := par.Open(par.Options{Workers: o.Threads, Delay: o.Delay})
	be := &Backend{pool: pool, precision: o.Precision, tilesInGo: o.TilesInGo, small: smallWork}
	be.prepacked.most = o.Prepack
	if o.SplitAll {
		be.small = 0
	}
	return be
}

// Name returns "cpu/" and the instruction set: "cpu/avx2"; with products in another
// arithmetic than F32 that too: "cpu/avx2+bf16x3".
func (be *Backend) Name() string {
	name := "cpu/" + simd.Active().String()
	if be.precision != kernels.PrecisionF32 {
		name += "+" + be.precision.String()
	}
	return name
}

// Instructions returns the instruction sets that this machine has kernels for, the
// slowest first: "generic", "avx2", "avx512".
func Instructions() []string {
	var names []string
	for _, l := range simd.Levels() {
		names = append(names, l.String())
	}
	return names
}

// Limit lets this process compute with one of [Instructions] instead of the best, so that
// results have the bits of a machine that has no better. It is for the start of a program,
// before a backend computes. It panics on another name.
func Limit(instructions string) {
	i := slices.Index(Instructions(), instructions)
	if i < 0 {
		panic(fmt.Sprintf("cpu: Limit: no %q: this machine or build has %s", instructions, strings.Join(Instructions(), ", ")))
	}
	simd.Set(simd.Levels()[i])
}

// Precisions returns the arithmetics that MatMul has on a processor.
func Precisions() []kernels.Precision {
	return []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionBF16, kernels.PrecisionBF16x3, kernels.PrecisionBF16x6, kernels.PrecisionQ8}
}

// Precision returns the arithmetic that the backend was made with.
func (be *Backend) Precision() kernels.Precision { return be.precision }

// HasBF16 reports whether this machine has an instruction for products in BF16 that is
// faster than F32's.
func HasBF16() bool { return simd.FastBF16() || simd.Has(simd.TileBF16) }

// NoTiles says why products do not go through AMX, Intel's tiles: "" where they do.
func NoTiles() string { return simd.NoTiles() }

// Instruction says what multiplies numbers in a precision on this machine.
func Instruction(p kernels.Precision) string {
	be := Backend{precision: p}
	if p == kernels.PrecisionQ8 {
		if simd.Has(simd.DotInt8) {
			return "AVX512_VNNI (VPDPBUSD) with weights in blocks, F32 kernels with others"
		}
		return "sums of integers where one row meets weights in blocks, F32 kernels on rounded operands elsewhere"
	}
	switch be.format() {
	case tiles1:
		return "AMX (TDPBF16PS)"
	case tiles2, tiles3:
		return fmt.Sprintf("AMX (TDPBF16PS) on %d parts", be.format().parts())
	case pairs:
		return "AVX512_BF16 (VDPBF16PS)"
	case rounded, rounded2:
		return "F32 kernels on rounded operands: no faster than f32" + map[bool]string{true: ", and twice as fast as VDPBF16PS on this processor"}[be.format() == rounded && simd.HasBF16()]
	}
	return "F32 kernels"
}

// Threads returns the number of goroutines that compute at once.
func (be *Backend) Threads() int { return be.pool.Workers() }

// Queue returns be: every call is done when it returns.
func (be *Backend) Queue() (kernels.Backend, error) { return be, nil }

// Close ends the backend's goroutines and gives back what it kept of weights. Memory that it
// handed out stays valid.
func (be *Backend) Close() error {
	be.pool.Close()
	be.prepacked.free()
	return nil
}
