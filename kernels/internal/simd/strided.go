package simd

// Dots does dst[i] = Σ_j x[j]·rows[i·stride+j]: the scores of a query against
// keys that lie a stride apart.
func Dots(dst, x, rows []float32, stride int) {
	if len(dst) == 0 {
		return
	}
	_ = rows[:(len(dst)-1)*stride+len(x)]
	if level == Generic || len(x) == 0 {
		dotsGeneric(dst, x, rows, stride)
		return
	}
	dotsVector(dst, x, rows, stride)
}

func dotsGeneric(dst, x, rows []float32, stride int) {
	for i := range dst {
		dst[i] = dotGeneric(x, rows[i*stride:][:len(x)])
	}
}

// AddRows does dst[j] += Σ_i w[i]·rows[i·stride+j], one row after the other: rows
// may be added in several calls without a change of bits.
func AddRows(dst, w, rows []float32, stride int) {
	if len(w) == 0 || len(dst) == 0 {
		return
	}
	_ = rows[:(len(w)-1)*stride+len(dst)]
	if level == Generic {
		addRowsGeneric(dst, w, rows, stride)
		return
	}
	addRowsVector(dst, w, rows, stride)
}

func addRowsGeneric(dst, w, rows []float32, stride int) {
	for i, a := range w {
		axpyGeneric(dst, rows[i*stride:][:len(dst)], a)
	}
}

// AddColumns does dst[j] += Σ_p w[p]·rows[j·stride+p], one product after the other: a sum
// has the order and the bits that [AddRows] has of the same numbers turned, and may be made
// in several calls.
func AddColumns(dst, w, rows []float32, stride int) {
	if len(w) == 0 || len(dst) == 0 {
		return
	}
	_ = rows[:(len(dst)-1)*stride+len(w)]
	if level < AVX2 {
		addColumnsGeneric(dst, w, rows, stride)
		return
	}
	addColumnsVector(dst, w, rows, stride)
}

func addColumnsGeneric(dst, w, rows []float32, stride int) {
	for j := range dst {
		for p, v := range rows[j*stride:][:len(w)] {
			dst[j] += float32(w[p] * v)
		}
	}
}
