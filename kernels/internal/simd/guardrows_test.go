package simd

import (
	"fmt"
	"math"

	"lamina/tensor"
)

var guardRows = []guardRow{
	{"Add", ofTwo(Add)},
	{"AddTo", ofOne(AddTo)},
	{"Sub", ofTwo(Sub)},
	{"Mul", ofTwo(Mul)},
	{"Axpy", plain(2, func(x [][]float32) { Axpy(x[0], x[1], 0.37) })},
	{"Scale", plain(2, func(x [][]float32) { Scale(x[0], x[1], 0.37) })},
	{"Affine", plain(4, func(x [][]float32) { Affine(x[0], x[1], 0.1, 1.7, x[2], x[3]) })},
	{"ReLU", ofOne(ReLU)},
	{"ReLUBackward", ofTwo(ReLUBackward)},
	{"Exp", ofOne(Exp)},
	{"ExpSum", each(2, func(x [][]float32) []float64 { return []float64{float64(ExpSum(x[0], x[1], 0.5))} })},
	{"SumExp", each(1, func(x [][]float32) []float64 { return []float64{float64(SumExp(x[0], 0.5))} })},
	{"ExpScaled", plain(2, func(x [][]float32) { ExpScaled(x[0], x[1], 0.5, 2) })},
	{"Sigmoid", ofOne(Sigmoid)},
	{"SigmoidBackward", ofTwo(SigmoidBackward)},
	{"Tanh", ofOne(Tanh)},
	{"TanhBackward", ofTwo(TanhBackward)},
	{"SiLU", ofOne(SiLU)},
	{"SiLUBackward", ofTwo(SiLUBackward)},
	{"SiLUMul", ofTwo(SiLUMul)},
	{"SiLUMulBackward", plain(5, func(x [][]float32) { SiLUMulBackward(x[0], x[1], x[2], x[3], x[4]) })},
	{"GELU", ofOne(GELU)},
	{"GELUBackward", ofTwo(GELUBackward)},
	{"GELUTanh", ofOne(GELUTanh)},
	{"GELUTanhBackward", ofTwo(GELUTanhBackward)},
	{"SoftmaxBackward", plain(3, func(x [][]float32) { SoftmaxBackward(x[0], x[1], x[2], 0.3) })},
	{"NormSums", each(3, func(x [][]float32) []float64 {
		g, gx := NormSums(x[0], x[1], x[2], 0.1, 1.7)
		return []float64{float64(g), float64(gx)}
	})},
	{"NormBackward", plain(4, func(x [][]float32) { NormBackward(x[0], x[1], x[2], x[3], 0.1, 1.7, 0.2, 0.3) })},
	{"NormBackwardAdd", plain(4, func(x [][]float32) { NormBackwardAdd(x[0], x[1], x[2], x[3], 0.1, 1.7, 0.2, 0.3) })},
	{"NormAccumulate", plain(4, func(x [][]float32) { NormAccumulate(x[0], x[1], x[2], x[3], 0.1, 1.7) })},
	{"Rotate", plain(6, func(x [][]float32) { Rotate(x[0], x[1], x[2], x[3], x[4], x[5], -1) })},
	{"Drop", plain(2, func(x [][]float32) { Drop(x[0], x[1], 1, 2, 3, 1<<31, 2) })},
	{"AdamW", plain(4, func(x [][]float32) {
		AdamW(x[0], x[1], x[2], x[3], &AdamWStep{Coef: 0.7, Decay: 0.999, Beta2: 0.99, Rest1: 0.1, Rest2: 0.01, Size: 0.01, Correction: 3, Eps: 1e-8})
	})},
	{"Dot", each(2, func(x [][]float32) []float64 { return []float64{float64(Dot(x[0], x[1]))} })},
	{"Sum", each(1, func(x [][]float32) []float64 { return []float64{float64(Sum(x[0]))} })},
	{"SumF64", each(1, func(x [][]float32) []float64 { return []float64{SumF64(x[0])} })},
	{"SumSquaresF64", each(1, func(x [][]float32) []float64 { return []float64{SumSquaresF64(x[0], 0.1)} })},
	{"Max", each(1, func(x [][]float32) []float64 { return []float64{float64(Max(x[0]))} })},
	{"RoundBF16", plain(1, func(x [][]float32) { RoundBF16(x[0]) })},
	{"RoundBF16x2", plain(1, func(x [][]float32) { RoundBF16x2(x[0]) })},
	{"Dots", strided(func(c *call, rows, n, stride int) {
		c.floats = []int{rows, n, span(rows, n, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 { Dots(x[0], x[1], x[2], stride); return nil }
	})},
	{"AddRows", strided(func(c *call, rows, n, stride int) {
		c.floats = []int{n, rows, span(rows, n, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 { AddRows(x[0], x[1], x[2], stride); return nil }
	})},
	{"AddColumns", strided(func(c *call, rows, n, stride int) {
		c.floats = []int{rows, n, span(rows, n, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 { AddColumns(x[0], x[1], x[2], stride); return nil }
	})},
	{"ScaleRows", strided(func(c *call, rows, n, stride int) {
		c.floats = []int{span(rows, n, stride+1), span(rows, n, stride), rows}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			ScaleRows(x[0], stride+1, x[1], stride, n, x[2])
			return nil
		}
	})},
	{"Transpose", transposeCalls},
	{"CopyRows", strided(func(c *call, rows, n, stride int) {
		c.floats = []int{span(rows, n, stride+1), span(rows, n, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			CopyRows(x[0], stride+1, x[1], stride, rows, n)
			return nil
		}
	})},
	{"LaneScores", laneCalls(1, func(x [][]float32, k, n int, sees *[3]int) {
		LaneScores(x[0], x[1], x[2], k+1, k, n, sees)
	})},
	{"LaneDistances", laneCalls(1, func(x [][]float32, k, n int, sees *[3]int) {
		LaneDistances(x[0], n, sees, &[3]float32{0.5, 1, -2})
	})},
	{"LaneSoftmax", laneCalls(1, func(x [][]float32, k, n int, sees *[3]int) {
		LaneSoftmax(x[0], n, sees, x[4], x[5], x[6], 0.5)
	})},
	{"LaneSlopes", laneCalls(2, func(x [][]float32, k, n int, sees *[3]int) {
		LaneSlopes(x[0], x[3], n, sees, -0.5)
	})},
	{"LaneValues", laneCalls(0, func(x [][]float32, k, n int, sees *[3]int) {
		LaneValues(x[1], x[0], x[2], k+1, 8, k, n, sees, x[6][:Lanes*(n%2)])
		LaneValues(x[1], x[0], x[7], 8, 8*n, k, n, sees, nil)
	})},
	{"LaneOuter", strided(func(c *call, rows, n, stride int) {
		const k = 7
		tiles := (rows + LaneKeys - 1) / LaneKeys * LaneKeys
		c.floats = []int{span(rows, n, stride), span(tiles, k, Lanes), span(k, n, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			LaneOuter(x[0], stride, x[1], x[2], stride, rows, k, n, n%2 == 0, n%3 == 0)
			return nil
		}
	})},
	{"LaneScale", laneCalls(0, func(x [][]float32, k, n int, sees *[3]int) { LaneScale(x[1], x[4], k) })},
	{"SoftmaxRows", scoreCalls(1, func(x [][]float32, ld, cols int, sees []int32) {
		SoftmaxRows(x[3], ld, cols, sees, x[0], x[1], x[2])
	})},
	{"SoftmaxSlopes", scoreCalls(2, func(x [][]float32, ld, cols int, sees []int32) {
		SoftmaxSlopes(x[3], x[4], ld, cols, sees, 0.5)
	})},
	{"Interleave", packingCalls(func(c *call, width, n, k int) {
		stride := k + 1
		c.floats = []int{width * k, span(n, k, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			Interleave(x[0], width, x[1], stride, n, k)
			return nil
		}
	}, 1)},
	{"Gather", packingCalls(func(c *call, width, n, k int) {
		stride := n + 1
		c.floats = []int{(n + width - 1) / width * width * k, span(k, n, stride)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			Gather(x[0], width, x[1], stride, n, k)
			return nil
		}
	}, 3)},
	{"PairBF16", packingCalls(func(c *call, width, n, k int) {
		c.floats = []int{(k + 1) / 2 * width, k * width}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			PairBF16(x[0], x[1], width, k)
			halves(x, nil) // x[0] holds pairs: only that they are written is of interest
			return nil
		}
	}, 1)},
	{"GemmTiles", gemmTilesCalls},
	{"PackTiles", packTilesCalls},
	{"PackTilesBF16", packStoredTilesCalls},
	{"Gemm", tileCalls(func(c *call, t Tile, ldc, k int) {
		c.floats = []int{span(t.MR, t.NR, ldc), t.MR * k, t.NR * k}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			Gemm(x[0], ldc, x[1], x[2], k, k%2 == 0)
			return nil
		}
	})},
	{"GemmBF16", tileCalls(func(c *call, t Tile, ldc, k int) {
		c.floats = []int{span(t.MR, t.NR, ldc), t.MR * k, t.NR * k}
		c.clean = halves
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			GemmBF16(x[0], ldc, x[1], x[2], k, k%2 == 0)
			return nil
		}
	})},
	{"GemmInPlace", tileCalls(func(c *call, t Tile, ldc, k int) {
		stride, step := k+1, 1
		c.floats = []int{span(t.MR, t.NR, ldc), span(t.MR, k, stride), t.NR * k}
		if ldc%2 != 0 { // A is stored across
			stride, step = 1, t.MR+1
			c.floats[1] = span(k, t.MR, step)
		}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			if GemmTile().InPlace {
				GemmInPlace(x[0], ldc, x[1], stride, step, x[2], k, k%2 == 0)
			}
			return nil
		}
	})},
	{"GemmBlock", blockCalls(GemmBlock, true)},
	{"GemmBlockBF16", blockCalls(GemmBlockBF16, false)},
	{"GemmAB", plainCalls(func(c *call, m, n, k, ldc int) {
		a, lenA, ldb, into := Unpacked{nil, k + 1, 1}, span(m, k, k+1), n+n%3, Into(ldc%3)
		if m%2 == 0 { // A is stored across
			a, lenA = Unpacked{nil, 1, m + 1}, span(k, m, m+1)
		}
		c.floats = []int{span(m, n, ldc), lenA, span(k, n, ldb)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			a := a
			a.Data = x[1]
			GemmAB(x[0], ldc, a, x[2], ldb, m, n, k, into)
			return nil
		}
	})},
	{"GemmABt", plainCalls(func(c *call, m, n, k, ldc int) {
		c.floats = []int{span(m, n, ldc), span(m, k, k+1), span(n, k, k+n%3)}
		c.run = func(x [][]float32, _ []byte, _ []int32) []float64 {
			GemmABt(x[0], ldc, x[1], k+1, x[2], k+n%3, m, n, k, Into(ldc%2))
			return nil
		}
	})},
	{"Decode", storedCalls(func(c *call, d tensor.DType, n int) {
		c.floats, c.bytes = []int{n}, d.Bytes(n)
		c.run = func(x [][]float32, src []byte, _ []int32) []float64 { Decode(x[0], src, d); return nil }
	})},
	{"RoundQ8", q8Calls},
	{"PackQ8Left", func() []call {
		var calls []call
		for blocks := range 4 {
			for _, row := range []int{0, 7, Q8Tile - 1} {
				calls = append(calls, call{
					at: fmt.Sprintf("blocks=%d row=%d", blocks, row), floats: []int{Q8LeftStep * blocks, 32 * blocks}, noTwin: true,
					run: func(x [][]float32, _ []byte, _ []int32) []float64 {
						PackQ8Left(x[0], row, x[1])
						wordsOnly(x[0])
						return nil
					},
				})
			}
		}
		return calls
	}},
	{"ClearQ8Left", func() []call {
		return []call{{at: "2 blocks", floats: []int{2 * Q8LeftStep}, run: func(x [][]float32, _ []byte, _ []int32) []float64 {
			ClearQ8Left(x[0], Q8Tile-1)
			return nil
		}}}
	}},
	{"Q8Codes.Pack", storedCalls(func(c *call, d tensor.DType, n int) {
		if !d.IsBlock() {
			n = 0
		}
		rows := (n/32*5 + 1) % 17
		c.noTwin = true
		c.floats, c.bytes = []int{n / 32 * Q8RightStep}, rows*d.Bytes(n)
		c.run = func(x [][]float32, src []byte, _ []int32) []float64 {
			var s Q8Codes
			s.Pack(x[0], src, d.Bytes(n), rows, n/32, d)
			wordsOnly(x[0])
			return nil
		}
	})},
	{"GemmQ8", func() []call {
		var calls []call
		blockTypes(func(d tensor.DType) {
			for blocks := range 4 {
				for panels := range 3 {
					ldc, step := Q8Tile+blocks, blocks*Q8LeftStep+4
					calls = append(calls, call{
						at: fmt.Sprintf("%v blocks=%d panels=%d", d, blocks, panels), noTwin: true, clean: halves,
						floats: []int{span(Q8Tile*panels, Q8Tile, ldc), span(panels, blocks*Q8LeftStep, step), blocks * Q8RightStep},
						run: func(x [][]float32, _ []byte, _ []int32) []float64 {
							GemmQ8(x[0], ldc, x[1], x[2], blocks, panels, step, d, blocks%2 == 0)
							return nil
						},
					})
				}
			}
		})
		return calls
	}},
	{"UnroundQ8", func() []call {
		var calls []call
		for blocks := range 5 {
			calls = append(calls, call{
				at: fmt.Sprintf("blocks=%d", blocks), floats: []int{32 * blocks, blocks}, bytes: 32 * blocks,
				run: func(x [][]float32, q []byte, _ []int32) []float64 {
					UnroundQ8(x[0], tensor.View[int8](q), x[1])
					return nil
				},
			})
		}
		return calls
	}},
	{"Vector.SetQ8", storedCalls(func(c *call, d tensor.DType, n int) {
		if !d.IsBlock() {
			n = 0
		}
		rows := n / 32 % 4
		c.noTwin = true
		c.floats, c.bytes = []int{rows, n}, rows*d.Bytes(n)
		c.run = func(x [][]float32, src []byte, _ []int32) []float64 {
			var v Vector
			v.SetQ8(x[1], d)
			v.DotRows(x[0], src)
			return nil
		}
	})},
	{"Vector.DotRows", storedCalls(func(c *call, d tensor.DType, n int) {
		rows := n / 32 % 4
		c.noTwin = true // scales of blocks may be infinite
		c.floats, c.bytes = []int{rows, n}, rows*d.Bytes(n)
		c.run = func(x [][]float32, src []byte, _ []int32) []float64 {
			var v Vector
			v.Set(x[1], d)
			v.DotRows(x[0], src)
			return nil
		}
	})},
}

// wordsOnly leaves of floats that hold bits what is the same in all words that are NaN.
func wordsOnly(x []float32) {
	for i, v := range x {
		x[i] = float32(math.Float32bits(v) >> 8)
	}
}

// q8Calls round blocks of 32. What is left of a row that cannot be rounded is of no
// interest.
func q8Calls() []call {
	var calls []call
	for blocks := range 5 {
		n := 32 * blocks
		calls = append(calls, call{
			at: fmt.Sprintf("n=%d", n), floats: []int{n / 32, n}, bytes: n, ints: make([]int32, n/4), noTwin: true,
			run: func(x [][]float32, q []byte, sums []int32) []float64 {
				if !RoundQ8(tensor.View[int8](q), x[0], sums, x[1]) {
					clear(x[0])
					return nil
				}
				all := make([]float64, 0, n)
				for _, s := range sums {
					all = append(all, float64(s))
				}
				return all
			},
		})
	}
	return calls
}

func transposeCalls() []call {
	var calls []call
	for rows := range 19 {
		for n := range 19 {
			stride, across := n+n%3, rows+rows%2
			calls = append(calls, call{
				at: fmt.Sprintf("rows=%d n=%d", rows, n), floats: []int{span(n, rows, across), span(rows, n, stride)},
				run: func(x [][]float32, _ []byte, _ []int32) []float64 {
					Transpose(x[0], across, x[1], stride, rows, n)
					return nil
				},
			})
		}
	}
	return calls
}

// scoreCalls has three operands with an element a row, then matrices of scores,
// whose rows have room for whole vectors: what is left there is of no interest. A
// NaN among the scores makes a row's sum NaN, and every element in the twin only.
func scoreCalls(matrices int, f func(x [][]float32, ld, cols int, sees []int32)) func() []call {
	return func() []call {
		var calls []call
		for cols := 1; cols < guardLengths; cols++ {
			for _, rows := range []int{0, 1, 2, 3, 17} { // a group of AVX-512 and one more
				room := (cols + 7) &^ 7
				ld := room + 8*(cols%2)
				c := call{at: fmt.Sprintf("rows=%d cols=%d", rows, cols), floats: []int{rows, rows, rows}, noTwin: true}
				for range matrices {
					c.floats = append(c.floats, span(rows, room, ld))
				}
				for r := range rows {
					c.ints = append(c.ints, int32((cols+r)*(r+1)%(cols+1)))
				}
				c.run = func(x [][]float32, _ []byte, sees []int32) []float64 {
					f(x, ld, cols, sees)
					for _, p := range x[3:] {
						for r := range rows {
							clear(p[r*ld+cols : r*ld+room])
						}
					}
					return nil
				}
				calls = append(calls, c)
			}
		}
		return calls
	}
}

// laneCalls hands over scores of n keys, k rows of lanes, rows of n keys, scores again,
// three rows of lanes, and the n keys in panels of 8. What lanes do not see in the
// first so many scores is not compared.
func laneCalls(scores int, f func(x [][]float32, k, n int, sees *[3]int)) func() []call {
	return func() []call {
		var calls []call
		for _, n := range []int{1, 2, 7, 8, 9, 17, 35} {
			for _, k := range []int{1, 5, 8, 13} {
				for _, sees := range laneCases(n) {
					calls = append(calls, call{
						at: fmt.Sprintf("k=%d n=%d sees=%v", k, n, sees),
						floats: []int{
							n * Lanes, k * Lanes, span(n, k, k+1), n * Lanes, Lanes, Lanes, Lanes, (k + 7) / 8 * 8 * n,
						},
						run: func(x [][]float32, _ []byte, _ []int32) []float64 {
							f(x, k, n, &sees)
							for _, s := range [][]float32{x[0], x[3]}[:scores] {
								for i := range s {
									if i/Lanes >= laneSees(&sees, i%Lanes, n) {
										s[i] = 0
									}
								}
							}
							return nil
						},
					})
				}
			}
		}
		return calls
	}
}

// packingCalls has panels of every level's widths, and n up to panels of them.
func packingCalls(f func(c *call, width, n, k int), panels int) func() []call {
	return func() []call {
		var calls []call
		for _, width := range []int{4, 6, 8, 12, 16, 32} {
			for _, n := range []int{1, 2, width - 1, width, panels*width - 1, panels * width} {
				for _, k := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 35} {
					c := call{at: fmt.Sprintf("width=%d n=%d k=%d", width, n, k)}
					f(&c, width, n, k)
					calls = append(calls, c)
				}
			}
		}
		return calls
	}
}

func tileCalls(f func(c *call, t Tile, ldc, k int)) func() []call {
	return func() []call {
		t := GemmTile()
		var calls []call
		for _, ldc := range []int{t.NR, t.NR + 1, t.NR + 3} {
			for k := range 12 {
				c := call{at: fmt.Sprintf("ldc=%d k=%d", ldc, k), noTwin: true}
				f(&c, t, ldc, k)
				calls = append(calls, c)
			}
		}
		return calls
	}
}

// blockCalls multiplies packed panels and, where the level can, rows of A and of B
// in place.
func blockCalls(f func(c []float32, ldc int, a, b Panels, m, n, k int, add bool), inPlace bool) func() []call {
	return func() []call {
		t := GemmTile()
		whole := func(n, width int) int { return (n + width - 1) / width * width }
		var calls []call
		block := func(m, n, k, ldc int, a, b Panels, lenA, lenB int) {
			calls = append(calls, call{
				at: fmt.Sprintf("m=%d n=%d k=%d A=%+v B=%+v", m, n, k, a, b), noTwin: true, clean: halves,
				floats: []int{span(m, n, ldc), lenA, lenB},
				run: func(x [][]float32, _ []byte, _ []int32) []float64 {
					a, b := a, b
					a.Data, b.Data = x[1], x[2]
					f(x[0], ldc, a, b, m, n, k, (m+n)%2 == 0)
					return nil
				},
			})
		}
		for m := 1; m <= 2*t.MR+1; m++ {
			for _, n := range []int{1, 2, t.NR/2 - 1, t.NR / 2, t.NR/2 + 1, t.NR - 1, t.NR, t.NR + 1, 2*t.NR + 3} {
				for _, k := range []int{1, 2, 5, 8} {
					a, b := Packed(nil, t.MR, k), Packed(nil, t.NR, k)
					block(m, n, k, n+m%3, a, b, whole(m, t.MR)*k, whole(n, t.NR)*k)
					if !inPlace || !t.Strided {
						continue
					}
					rows := Panels{Outer: k + 1, Inner: 1, Panel: t.MR * (k + 1)}
					block(m, n, k, n, rows, b, span(m, k, k+1), whole(n, t.NR)*k)
					cols := Panels{Outer: 1, Inner: m + 1, Panel: t.MR}
					wide := Panels{Outer: 1, Inner: whole(n, t.NR) + 1, Panel: t.NR}
					block(m, n, k, n, cols, wide, span(k, m, m+1), span(k, whole(n, t.NR), whole(n, t.NR)+1))
				}
			}
		}
		return calls
	}
}

// plainCalls has products of operands where they are.
func plainCalls(f func(c *call, m, n, k, ldc int)) func() []call {
	return func() []call {
		var calls []call
		for m := 1; m <= 26; m++ {
			for _, n := range []int{1, 2, 3, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 65} {
				for _, k := range []int{1, 2, 5, 8, 15, 16, 17, 33} {
					c := call{at: fmt.Sprintf("m=%d n=%d k=%d", m, n, k)}
					f(&c, m, n, k, n+m%4)
					calls = append(calls, c)
				}
			}
		}
		return calls
	}
}

// storedCalls has every storage type, and lengths of whole blocks of it.
func storedCalls(f func(c *call, d tensor.DType, n int)) func() []call {
	return func() []call {
		var calls []call
		for _, d := range storedTypes {
			for n := range 3*256 + 4 {
				if n%d.BlockLen() != 0 || n > 5*32+4 && n%256 != 0 {
					continue
				}
				c := call{at: fmt.Sprintf("%v n=%d", d, n)}
				f(&c, d, n)
				c.clean = func(_ [][]float32, src []byte) {
					if d == tensor.BF16 || d == tensor.F16 { // no sums beyond float32
						for i := 1; i < len(src); i += 2 {
							src[i] &= 0xbf
						}
					}
				}
				calls = append(calls, c)
			}
		}
		return calls
	}
}
