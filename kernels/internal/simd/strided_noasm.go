//go:build noasm || !amd64

package simd

// Without assembly for a machine the vector versions are the Go twins.

func dotsVector(dst, x, rows []float32, stride int)    { dotsGeneric(dst, x, rows, stride) }
func addRowsVector(dst, w, rows []float32, stride int) { addRowsGeneric(dst, w, rows, stride) }
