package cpu

import (
	"math"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

// vectorLevels runs f for the instruction sets of this machine beside plain Go,
// which differs from them in the last bits alone and is slow.
func vectorLevels(t *testing.T, f func(t *testing.T)) {
	was := simd.Active()
	defer simd.Set(was)
	for _, l := range simd.Levels()[1:] {
		simd.Set(l)
		t.Run(l.String(), f)
	}
}

// inPairsToo runs f by the instruction for pairs, where this machine has it and does not
// choose it.
func inPairsToo(t *testing.T, f func(t *testing.T)) {
	if !simd.HasBF16() || simd.FastBF16() {
		return
	}
	defer simd.Without(simd.TileBF16)()
	inPairs = simd.HasBF16
	defer func() { inPairs = simd.FastBF16 }()
	t.Run("pairs", f)
}

// roundedPrecisions are those whose operands are rounded to parts in BF16.
func roundedPrecisions() []kernels.Precision {
	return []kernels.Precision{kernels.PrecisionBF16, kernels.PrecisionBF16x3, kernels.PrecisionBF16x6}
}

// eachMachine runs f at all levels beside plain Go, and at the best one also as if the
// machine had fewer of its features, for each every-th case then.
func eachMachine(t *testing.T, f func(t *testing.T, every int)) {
	// Of the cases where F32 kernels multiply, which TestConformance goes through whole: a
	// prime, so that each shape comes with other storage types and flags.
	const every = 7
	vectorLevels(t, func(t *testing.T) {
		first := 1
		if !simd.Has(simd.TileBF16) {
			first = every
		}
		t.Run("all", func(t *testing.T) { f(t, first) })
		inPairsToo(t, func(t *testing.T) { f(t, every) })
		var gone []simd.Feature
		for _, feature := range []simd.Feature{simd.TileBF16, simd.DotBF16} {
			if simd.Has(feature) {
				gone = append(gone, feature)
				restore := simd.Without(gone...)
				t.Run("without="+feature.String(), func(t *testing.T) { f(t, every) })
				restore()
			}
		}
	})
}

func TestConformanceOfPrecisions(t *testing.T) {
	for _, p := range roundedPrecisions() {
		t.Run(p.String(), func(t *testing.T) {
			eachMachine(t, func(t *testing.T, every int) {
				be, other := New(Options{Threads: 2, Precision: p}), New(Options{Threads: 5, Precision: p, SplitAll: true})
				defer be.Close()
				defer other.Close()
				kerneltest.RunProducts(t, be, p, kerneltest.Options{Same: []kernels.Backend{other}, Every: every})
			})
		})
	}
}

// TestBF16OperandsAreRounded multiplies numbers beside BF16 ones: the results are
// those of the rounded numbers, in every place of a tile and of a pair.
func TestBF16OperandsAreRounded(t *testing.T) {
	be := New(Options{Threads: 2, Precision: kernels.PrecisionBF16})
	exact := New(Options{Threads: 2})
	defer be.Close()
	defer exact.Close()
	check := func(t *testing.T) {
		for _, k := range []int{1, 2, 3, 31, 256, 257, 300} {
			for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
				for bit := range 4 {
					r := noise(k)
					const m, n = 41, 45
					a, b := r.slice(m*k), r.slice(n*k)
					round := func(x []float32) []float32 {
						y := slices.Clone(x)
						for i, v := range y {
							y[i] = tensor.BF16ToF32(tensor.F32ToBF16(v))
						}
						return y
					}
					run := func(be *Backend, a, b []float32) []float32 {
						args := kernels.MatMulArgs{TransA: bit&1 != 0, TransB: bit&2 != 0, C: tensor.MustNew(be, tensor.F32, m, n)}
						args.A = tensorOf(be, a, m, k)
						if args.TransA {
							args.A = tensorOf(be, a, k, m)
						}
						args.B = tensor.MustNew(be, d, k, n)
						if args.TransB {
							args.B = tensor.MustNew(be, d, n, k)
						}
						args.B.SetFloat32s(b)
						be.MatMul(args)
						return args.C.Float32s()
					}
					stored := make([]float32, len(b))
					raw := make([]byte, d.Bytes(len(b)))
					tensor.EncodeF32(raw, b, d)
					tensor.DecodeF32(stored, raw, d)
					got := run(be, a, b)
					d = tensor.F32
					want := run(exact, round(a), round(stored))
					for i, v := range got {
						// Both sums are off by γ_k·Σ|a||b|, and no term is above 1.
						if limit := 2 * float64(k+2) * 0x1p-24 * float64(k); !(math.Abs(float64(v-want[i])) <= limit) {
							t.Fatalf("k=%d %v transA=%v transB=%v: C[%d] = %v, with rounded operands %v", k, d, bit&1 != 0, bit&2 != 0, i, v, want[i])
						}
					}
					if be.format() == rounded && !slices.Equal(got, want) {
						t.Fatalf("k=%d: other bits than the product in F32 of the rounded operands", k)
					}
				}
			}
		}
	}
	eachLevel(t, check)
	inPairsToo(t, check)
}

func TestPrecisionIsInTheName(t *testing.T) {
	for d, want := range map[kernels.Precision]string{kernels.PrecisionF32: "", kernels.PrecisionBF16: "+bf16", kernels.PrecisionBF16x3: "+bf16x3", kernels.PrecisionBF16x6: "+bf16x6", kernels.PrecisionQ8: "+q8"} {
		be := New(Options{Precision: d})
		defer be.Close()
		if got := be.Name(); got != "cpu/"+simd.Active().String()+want {
			t.Errorf("%v: %s", d, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("New took TF32")
		}
	}()
	New(Options{Precision: kernels.PrecisionTF32})
}

// Denormal numbers count as 0 in the instruction for BF16 products, and denormal
// results become 0; elsewhere they are kept.
func TestBF16ProductsFlushDenormals(t *testing.T) {
	be := New(Options{Threads: 1, Precision: kernels.PrecisionBF16})
	defer be.Close()
	check := func(t *testing.T) {
		for _, x := range [][2]float32{{0x1p-130, 0x1p10}, {0x1p10, 0x1p-130}, {0x1p-70, 0x1p-70}} {
			c := tensor.MustNew(be, tensor.F32, 1, 1)
			be.MatMul(kernels.MatMulArgs{C: c, A: tensorOf(be, []float32{x[0]}, 1, 1), B: tensorOf(be, []float32{x[1]}, 1, 1)})
			want := x[0] * x[1]
			if be.format() != rounded {
				want = 0
			}
			if got := c.Float32s()[0]; got != want {
				t.Errorf("%g·%g = %g, want %g", x[0], x[1], got, want)
			}
		}
	}
	eachLevel(t, check)
	inPairsToo(t, check)
}

// TestStripsArePackedApart: workers that pack neighbouring columns do not write where
// another packs, whatever comes first: the bits are those of one worker.
func TestStripsArePackedApart(t *testing.T) {
	one, many := New(Options{Threads: 1, Precision: kernels.PrecisionBF16}), New(Options{Threads: 4, Precision: kernels.PrecisionBF16, SplitAll: true})
	defer one.Close()
	defer many.Close()
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.Q8_0, tensor.Q4_K} {
		const m, n, k = 8, 2 * stripCols, 256
		r := noise(k)
		a, w := r.slice(m*k), r.slice(n*k)
		product := func(be *Backend, times int) (all [][]float32) {
			left, right := tensorOf(be, a, m, k), tensorOf(be, w, n, k)
			if d != tensor.F32 {
				raw := make([]byte, d.Bytes(n*k))
				if d == tensor.F16 {
					tensor.EncodeF32(raw, w, d)
				} else {
					raw = tensor.Must(tensor.EncodeRows(w, k, d))
				}
				right = tensor.MustNew(be, d, n, k)
				right.SetRaw(raw)
			}
			for range times {
				c := tensor.MustNew(be, tensor.F32, m, n)
				kernels.MatMul(be, kernels.MatMulArgs{C: c, A: left, B: right, TransB: true})
				all = append(all, c.Float32s())
			}
			return all
		}
		want := product(one, 1)[0]
		for i, got := range product(many, 50) {
			if !slices.Equal(got, want) {
				t.Errorf("%v: product %d by 4 workers is another than by one", d, i)
				break
			}
		}
	}
}

// TestInfinitiesInParts: in several parts an infinity makes what it makes in F32, and no
// NaN of 0·∞, wherever it stands and whatever the weight is stored as; rows and columns
// beside it keep their bits.
func TestInfinitiesInParts(t *testing.T) {
	inf := float32(math.Inf(1))
	exact := New(Options{Threads: 1})
	defer exact.Close()
	eachMachine(t, func(t *testing.T, _ int) {
		for _, p := range roundedPrecisions() {
			be := New(Options{Threads: 2, Precision: p})
			defer be.Close()
			for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
				for bit := range 8 {
					const m, n, k = 150, 70, 300
					r := noise(bit)
					a, b := r.slice(m*k), r.slice(n*k)
					product := func(be *Backend) []float32 {
						args := kernels.MatMulArgs{TransA: bit&1 != 0, TransB: bit&2 != 0, C: tensor.MustNew(be, tensor.F32, m, n), A: tensorOf(be, a, m, k)}
						if args.TransA {
							args.A = tensorOf(be, a, k, m)
						}
						args.B = tensor.MustNew(be, d, k, n)
						if args.TransB {
							args.B = tensor.MustNew(be, d, n, k)
						}
						args.B.SetFloat32s(b)
						kernels.MatMul(be, args)
						return args.C.Float32s()
					}
					for _, x := range []*[]float32{&a, &b} { // numbers with one part, so that others are 0
						for i := range *x {
							(*x)[i] = float32(1 + i%7)
						}
					}
					clean := product(be)
					if bit&4 != 0 {
						a[len(a)/2], a[7] = inf, -inf
					} else {
						b[len(b)/2], b[7] = inf, -inf
					}
					got, want := product(be), product(exact)
					for i, v := range got {
						w := want[i]
						if w-w == 0 && v != clean[i] || w-w != 0 && v != w && (v == v || w == w) {
							t.Fatalf("%v %v transA=%v transB=%v, in A %v: C[%d] = %v, in F32 %v", p, d, bit&1 != 0, bit&2 != 0, bit&4 != 0, i, v, w)
						}
					}
				}
			}
		}
	})
}

// TestLargestNumbersInParts: a number whose BF16 is infinite is not, in several parts.
func TestLargestNumbersInParts(t *testing.T) {
	eachMachine(t, func(t *testing.T, _ int) {
		for _, p := range roundedPrecisions()[1:] {
			be := New(Options{Threads: 1, Precision: p})
			defer be.Close()
			for _, x := range []float32{math.MaxFloat32, -math.MaxFloat32, 0x1.fffp127, 0x1.fep127} {
				for _, swap := range []bool{false, true} {
					a, b := []float32{x}, []float32{0.25}
					if swap {
						a, b = b, a
					}
					c := tensor.MustNew(be, tensor.F32, 1, 1)
					kernels.MatMul(be, kernels.MatMulArgs{C: c, A: tensorOf(be, a, 1, 1), B: tensorOf(be, b, 1, 1)})
					if got := c.Float32s()[0]; math.Abs(float64(got-x/4)) > 0x1p-15*math.Abs(float64(x)) {
						t.Errorf("%v: %g·0.25 = %g", p, x, got)
					}
				}
			}
		}
	})
}
