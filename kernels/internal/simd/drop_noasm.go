//go:build noasm || (!amd64 && !arm64)

package simd

// Without assembly for a machine the vector version is the Go twin.
func dropVector(dst, x []float32, seed, stream, counter uint64, threshold uint32, scale float32) {
	dropGeneric(dst, x, seed, stream, counter, threshold, scale)
}
