package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/tensor"
)

// sameWords compares floats that hold bits.
func sameWords(t *testing.T, got, want []float32, what string) {
	t.Helper()
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%s: word %d is %08x (%v), want %08x (%v)", what, i, math.Float32bits(v), v, math.Float32bits(want[i]), want[i])
		}
	}
}

func TestPackQ8LeftHasTheBitsOfItsTwin(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		for _, n := range []int{32, 64, 32 * 9, 576} {
			r := noise(n)
			got := newGuarded(&r, n/32*Q8LeftStep, n%5, 1)
			want := slices.Clone(got.x)
			for row := range Q8Tile {
				x := q8Inputs(&r, n)
				if row%5 == 4 {
					x[n/2] = unroundable[row%len(unroundable)]
					clear(x[n/2/32*32 : n/2])
					clear(x[n/2+1 : n/2/32*32+32])
				}
				if fit := PackQ8Left(got.x, row, x); fit == (row%5 == 4) {
					t.Fatalf("n=%d row %d: rounded %v", n, row, fit)
				}
				if !packQ8LeftGeneric(want, row, x) {
					ClearQ8Left(want, row)
				}
				sameWords(t, got.x, want, fmt.Sprintf("n=%d, row %d", n, row))
			}
			if !got.intact() {
				t.Fatalf("n=%d: wrote outside", n)
			}
		}
	})
}

func TestQ8CodesPackHasTheBitsOfItsTwin(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			for _, n := range []int{32, 96, 256, 768} {
				if n%d.BlockLen() != 0 {
					continue
				}
				for _, rows := range []int{1, 2, 7, 15, 16} {
					r := noise(n + rows)
					stride := d.Bytes(n) + rows%3
					src := storage(&r, d, (rows+1)*n)
					src = append(src, make([]byte, 3*rows)...)[:(rows-1)*stride+d.Bytes(n)]
					got := newGuarded(&r, n/32*Q8RightStep, 3, 1)
					want := slices.Clone(got.x)
					var s, twin Q8Codes
					s.Pack(got.x, src, stride, rows, n/32, d)
					generic(func() { twin.Pack(want, src, stride, rows, n/32, d) })
					for i, v := range want { // NaN of scales are the same, whatever their payload
						if v != v && got.x[i] != got.x[i] && i%Q8RightStep >= 128 {
							want[i] = got.x[i]
						}
					}
					if !got.intact() {
						t.Fatalf("%v n=%d rows=%d: wrote outside", d, n, rows)
					}
					sameWords(t, got.x, want, fmt.Sprintf("%v n=%d rows=%d", d, n, rows))
				}
			}
		})
	})
}

func TestGemmQ8HasTheBitsOfItsTwin(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			for _, n := range []int{32, 64, 96, 256, 576, 768} {
				if n%d.BlockLen() != 0 {
					continue
				}
				for panels := range 4 {
					for _, add := range []bool{false, true} {
						blocks := n / 32
						r := noise(n + panels + int(d))
						step, ldc := blocks*Q8LeftStep+panels, Q8Tile+panels%3
						a := make([]float32, panels*step)
						for i := range panels * Q8Tile {
							PackQ8Left(a[i/Q8Tile*step:], i%Q8Tile, q8Inputs(&r, n))
						}
						b := make([]float32, blocks*Q8RightStep)
						src := finiteStorage(&r, d, Q8Tile*n)
						var s Q8Codes
						s.Pack(b, src, d.Bytes(n), Q8Tile, blocks, d)
						got := newGuarded(&r, span(panels*Q8Tile, Q8Tile, ldc), 1, 1)
						want := slices.Clone(got.x)
						GemmQ8(got.x, ldc, a, b, blocks, panels, step, d, add)
						gemmQ8Generic(want, ldc, a, b, blocks, panels, step, d, add)
						if !got.intact() {
							t.Fatalf("%v n=%d panels=%d: wrote outside", d, n, panels)
						}
						sameWords(t, got.x, want, fmt.Sprintf("%v n=%d panels=%d add=%v", d, n, panels, add))
					}
				}
			}
		})
	})
}

// TestGemmQ8IsWithinTheBound holds it to the product of the numbers as they are.
func TestGemmQ8IsWithinTheBound(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			const n, blocks = 768, 768 / 32
			r := noise(d)
			src := finiteStorage(&r, d, Q8Tile*n)
			wide := make([]float32, Q8Tile*n)
			tensor.DecodeF32(wide, src, d)
			size := make([]float32, n)
			a, b, c := make([]float32, blocks*Q8LeftStep), make([]float32, blocks*Q8RightStep), make([]float32, Q8Tile*Q8Tile)
			var s Q8Codes
			s.Pack(b, src, d.Bytes(n), Q8Tile, blocks, d)
			x := newGuarded(&r, Q8Tile*n, 0, 1).x
			for i := range Q8Tile {
				PackQ8Left(a, i, x[i*n:][:n])
			}
			GemmQ8(c, Q8Tile, a, b, blocks, 1, len(a), d, false)
			for i := range Q8Tile {
				for j := range Q8Tile {
					want := 0.0
					for p, w := range wide[j*n:][:n] {
						want += float64(w) * float64(x[i*n+p])
						size[p] = float32(math.Abs(float64(w))) + 0x1p-4*63
					}
					if bound := q8Bound(x[i*n:][:n], wide[j*n:][:n], size); !(math.Abs(float64(c[i*Q8Tile+j])-want) <= bound) {
						t.Fatalf("%v: element %d %d is %v, want %v ± %.2g", d, i, j, c[i*Q8Tile+j], want, bound)
					}
				}
			}
		})
	})
}

// BenchmarkGemmQ8 multiplies 512 rows by 64 columns, packed, and reports operations.
func BenchmarkGemmQ8(b *testing.B) {
	for _, d := range []tensor.DType{tensor.Q8_0, tensor.Q4_1, tensor.Q6_K} {
		for _, n := range []int{576, 768, 1536} {
			if n%d.BlockLen() != 0 {
				continue
			}
			b.Run(fmt.Sprintf("%v/k=%d", d, n), func(b *testing.B) {
				const m, cols = 512, 64
				blocks := n / 32
				r := noise(1)
				left, right := make([]float32, m/Q8Tile*blocks*Q8LeftStep), make([]float32, blocks*Q8RightStep*cols/Q8Tile)
				for i := range m {
					PackQ8Left(left[i/Q8Tile*blocks*Q8LeftStep:], i%Q8Tile, newGuarded(&r, n, 0, 1).x)
				}
				src := finiteStorage(&r, d, cols*n)
				var s Q8Codes
				for j := 0; j < cols; j += Q8Tile {
					s.Pack(right[j/Q8Tile*blocks*Q8RightStep:], src[j*d.Bytes(n):], d.Bytes(n), Q8Tile, blocks, d)
				}
				c := make([]float32, m*cols)
				for b.Loop() {
					for j := 0; j < cols; j += Q8Tile {
						GemmQ8(c[j:], cols, left, right[j/Q8Tile*blocks*Q8RightStep:], blocks, m/Q8Tile, blocks*Q8LeftStep, d, false)
					}
				}
				b.ReportMetric(float64(b.N)*2*m*cols*float64(n)/b.Elapsed().Seconds()/1e9, "Gop/s")
			})
		}
	}
}

// BenchmarkPackQ8 reports elements.
func BenchmarkPackQ8(b *testing.B) {
	const n = 1536
	r := noise(1)
	b.Run("left", func(b *testing.B) {
		x, dst := newGuarded(&r, n, 0, 1).x, make([]float32, n/32*Q8LeftStep)
		b.SetBytes(n)
		for b.Loop() {
			PackQ8Left(dst, 3, x)
		}
	})
	blockTypes(func(d tensor.DType) {
		b.Run(d.String(), func(b *testing.B) {
			src := finiteStorage(&r, d, Q8Tile*n)
			dst := make([]float32, n/32*Q8RightStep)
			var s Q8Codes
			b.SetBytes(Q8Tile * n)
			for b.Loop() {
				s.Pack(dst, src, d.Bytes(n), Q8Tile, n/32, d)
			}
		})
	})
}
