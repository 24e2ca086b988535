package simd

// Unpacked is the left operand of a product that stays where it is: the element of row i
// and inner index p is Data[i·Outer + p·Inner].
type Unpacked struct {
	Data         []float32
	Outer, Inner int
}

// check panics if there are less than m rows of k.
func (a *Unpacked) check(m, k int) { _ = a.Data[(m-1)*a.Outer+(k-1)*a.Inner] }

// Into is what becomes of a product's sums.
type Into int

// Each sum begins with zero, but for More.
const (
	Fresh Into = iota // c = Σ
	Plus              // c = c + Σ
	More              // c is a sum's first terms, and the others are added one by one
)

// GemmAB multiplies operands where they are, where the active level's Tile has Plain:
//
//	c[i·ldc+j] (+)= Σ_p a(i, p)·b[p·ldb+j]   i < m, j < n, p = 0..k-1 in order
//
// with the bits of [Gemm].
func GemmAB(c []float32, ldc int, a Unpacked, b []float32, ldb, m, n, k int, sum Into) {
	if !beginPlain(c, ldc, &a, m, n, k, sum) {
		return
	}
	b = b[:(k-1)*ldb+n]
	if level == AVX512 {
		gemmABVector(c, ldc, &a, b, ldb, m, n, k, sum)
		return
	}
	gemmABGeneric(c, ldc, &a, b, ldb, 1, m, n, k, sum)
}

// GemmABt is GemmAB for a B that is stored by columns:
//
//	c[i·ldc+j] (+)= Σ_p a[i·lda+p]·b[j·ldb+p]
//
// sum is Fresh or Plus.
func GemmABt(c []float32, ldc int, a []float32, lda int, b []float32, ldb, m, n, k int, sum Into) {
	left := Unpacked{a, lda, 1}
	if !beginPlain(c, ldc, &left, m, n, k, sum) {
		return
	}
	b = b[:(n-1)*ldb+k]
	if level == AVX512 {
		gemmABtVector(c, ldc, a, lda, b, ldb, m, n, k, sum == Plus)
		return
	}
	gemmABGeneric(c, ldc, &left, b, 1, ldb, m, n, k, sum)
}

// beginPlain panics where C or A is too short and reports whether there are products.
// Sums of none are zeros.
func beginPlain(c []float32, ldc int, a *Unpacked, m, n, k int, sum Into) bool {
	if m == 0 || n == 0 {
		return false
	}
	_ = c[(m-1)*ldc+n-1]
	if k > 0 {
		a.check(m, k)
		return true
	}
	if sum == Fresh {
		for i := range m {
			clear(c[i*ldc:][:n])
		}
	}
	return false
}

// gemmABGeneric is both; B's element (p, j) is b[p·inner + j·outer].
func gemmABGeneric(c []float32, ldc int, a *Unpacked, b []float32, inner, outer, m, n, k int, sum Into) {
	const width = 8
	for i := range m {
		row, x := c[i*ldc:][:n], a.Data[i*a.Outer:]
		for j := 0; j < n; j += width {
			var sums [width]float32
			to := row[j:min(j+width, n)]
			if sum == More {
				copy(sums[:], to)
			}
			for p := range k {
				v, y := x[p*a.Inner], b[p*inner+j*outer:]
				for q := range to {
					sums[q] += v * y[q*outer]
				}
			}
			if sum != Plus {
				copy(to, sums[:])
				continue
			}
			for q := range to {
				to[q] += sums[q]
			}
		}
	}
}
