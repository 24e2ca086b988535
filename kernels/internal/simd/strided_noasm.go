//go:build noasm || !amd64

package simd

// Without assembly for a machine the vector versions go row by row.

func dotsVector(dst, x, rows []float32, stride int) {
	for i := range dst {
		dst[i] = dotVector(x, rows[i*stride:][:len(x)])
	}
}

func addRowsVector(dst, w, rows []float32, stride int) {
	for i, a := range w {
		axpyVector(dst, rows[i*stride:][:len(dst)], a)
	}
}

func addColumnsVector(dst, w, rows []float32, stride int) { addColumnsGeneric(dst, w, rows, stride) }
