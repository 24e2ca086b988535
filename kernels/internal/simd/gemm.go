package simd

// Tile is the shape of a GEMM micro-kernel's result and what goes with it.
type Tile struct {
	MR, NR int // rows and columns of one micro-kernel's result
	KC     int // products summed before the sum is added to C

	InPlace bool // whether there is GemmInPlace
	Strided bool // whether GemmBlock takes operands that are not packed
	Plain   bool // whether there are GemmAB and GemmABt
}

// KC is the same for every level, so that a product's partial sums are cut at
// the same places everywhere: B's panel of KC·16 floats is 16 KiB, half of the
// smallest first-level cache in use.
const kc = 256

// tiles has one entry a level.
//
//   - Generic: 16 sums are what Go keeps near registers.
//   - NEON: 16 registers of sums, 2 of A, 2 of B.
//   - AVX2: 12 of 16 registers hold sums, which covers four cycles of latency
//     at two FMA a cycle; 2 hold B, 2 broadcast A.
//   - AVX512: 24 of 32 hold sums: see gemmavx512_amd64.h.
var tiles = [...]Tile{
	Generic: {MR: 4, NR: 4, KC: kc, InPlace: true, Strided: true, Plain: true},
	NEON:    {MR: 8, NR: 8, KC: kc},
	AVX2:    {MR: 6, NR: 16, KC: kc, InPlace: true, Strided: true},
	AVX512:  {MR: 12, NR: 32, KC: kc, InPlace: true, Plain: true},
}

// GemmTile returns the shape of the active level's micro-kernel.
func GemmTile() Tile { return tiles[level] }

// Gemm adds the product of two packed panels to a tile of C, or stores it
// there:
//
//	c[i·ldc+j] (+)= Σ_p a[p·MR+i]·b[p·NR+j]   p = 0..k-1, in order
//
// for all i < MR, j < NR of [GemmTile].
func Gemm(c []float32, ldc int, a, b []float32, k int, add bool) {
	t := &tiles[level]
	_ = c[(t.MR-1)*ldc+t.NR-1]
	a, b = a[:k*t.MR], b[:k*t.NR]
	if level == Generic {
		gemmGeneric(c, ldc, a, 1, t.MR, b, k, add)
		return
	}
	gemmVector(c, ldc, a, b, k, add)
}

// GemmInPlace is Gemm for an A that is not packed, where the active level's
// Tile has InPlace:
//
//	c[i·ldc+j] (+)= Σ_p a[i·rowStep+p·step]·b[p·NR+j]   p = 0..k-1, in order
//
// with the bits of Gemm on the same numbers.
func GemmInPlace(c []float32, ldc int, a []float32, rowStep, step int, b []float32, k int, add bool) {
	t := &tiles[level]
	_ = c[(t.MR-1)*ldc+t.NR-1]
	b = b[:k*t.NR]
	if k > 0 {
		_ = a[(t.MR-1)*rowStep+(k-1)*step]
	}
	if level == Generic {
		gemmGeneric(c, ldc, a, rowStep, step, b, k, add)
		return
	}
	gemmInPlaceVector(c, ldc, a, rowStep, step, b, k, add)
}

func gemmGeneric(c []float32, ldc int, a []float32, rowStep, step int, b []float32, k int, add bool) {
	var sum [4][4]float32
	for p := range k {
		y := (*[4]float32)(b[4*p:])
		for i := range sum {
			v, row := a[i*rowStep+p*step], &sum[i]
			row[0] += v * y[0]
			row[1] += v * y[1]
			row[2] += v * y[2]
			row[3] += v * y[3]
		}
	}
	for i := range sum {
		row := (*[4]float32)(c[i*ldc:])
		for j, v := range sum[i] {
			if add {
				v += row[j]
			}
			row[j] = v
		}
	}
}
