//go:build !noasm && (amd64 || arm64)

package simd

import "unsafe"

// tooLarge is the sum of squares from which a vector goes by the Go loop: NaN and
// infinities, which must not meet codes that an offset makes zero, and numbers
// whose products with codes could overflow before a scale makes them small.
const tooLarge = 0x1p160

// reserve makes the layout n floats long, aligned to a cache line: kernels read it
// in vectors of that size once for each row.
func (v *Vector) reserve(n int) []float32 {
	if cap(v.memory) < n {
		const line = 64
		raw := make([]float32, n+line/4)
		skip := int(-uintptr(unsafe.Pointer(&raw[0]))&(line-1)) / 4
		v.memory = raw[skip:]
	}
	v.layout = v.memory[:n]
	return v.layout
}
