package simd

import "fmt"

// Feature is what a processor may have beside the instructions of its level, each asked
// for by the kernels that need it.
type Feature uint8

// The features, all of [AVX512].
const (
	DotBF16  Feature = iota // AVX512_BF16: sums of products of pairs of BF16
	DotInt8                 // AVX512_VNNI: sums of products of four bytes
	TileBF16                // AMX: products of tiles of BF16
	TileInt8                // AMX: products of tiles of bytes
	features
)

// String returns the processor's name for it.
func (f Feature) String() string {
	return [...]string{"avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8"}[f]
}

// without are the features that [Without] took away.
var without [features]bool

// Has reports whether the active level, the machine and the operating system have a
// feature. It is asked at the first call for tiles that the system lets the process use
// them.
func Has(f Feature) bool { return level == AVX512 && !without[f] && has(f) }

// Without takes features away until restore is called: it is for tests of what runs on
// machines that have not got them, and not for use while kernels run.
func Without(fs ...Feature) (restore func()) {
	was := without
	for _, f := range fs {
		without[f] = true
	}
	return func() { without = was }
}

// NoTiles says why there are no tiles of BF16 to compute with: "" where there are.
func NoTiles() string {
	switch {
	case level != AVX512:
		return fmt.Sprintf("kernels run at %v", level)
	case without[TileBF16]:
		return "taken away"
	}
	return noTiles()
}
