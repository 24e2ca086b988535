package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// attentionRows is a tile of four rows that see from nothing to all of cols
// scores; row 1 has an infinite score, row 2 a NaN where it sees that.
func attentionRows(cols int, r *noise) (p *guarded, ld int, sees []int32) {
	ld = (cols+7)&^7 + 3
	p = newGuarded(r, 3*ld+(cols+7)&^7, 3, 40)
	sees = []int32{int32(cols), int32(cols / 2), int32(max(cols-1, 0)), 0}
	p.x[ld] = float32(math.Inf(-1))
	if cols > 3 {
		p.x[2*ld+cols-2] = float32(math.NaN())
	}
	return p, ld, sees
}

func TestSoftmaxRowsAgainstFloat64(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		r := noise(3)
		for cols := 1; cols < 70; cols++ {
			p, ld, sees := attentionRows(cols, &r)
			before := append([]float32(nil), p.x...)
			top, sum := []float32{float32(math.Inf(-1)), 2, -50, 1}, []float32{0, 3, 1, 5}
			wasTop, wasSum, shrink := append([]float32(nil), top...), append([]float32(nil), sum...), make([]float32, 4)
			SoftmaxRows(p.x, ld, cols, sees, top, sum, shrink)
			if !p.intact() {
				t.Fatalf("cols=%d: wrote outside", cols)
			}
			for i, n := range sees {
				name := fmt.Sprintf("cols=%d row %d", cols, i)
				m := float64(wasTop[i])
				sick := false
				for _, s := range before[i*ld:][:n] {
					if s != s {
						sick = true
					} else {
						m = max(m, float64(s))
					}
				}
				row := p.x[i*ld:][:cols]
				if sick {
					if sum[i] == sum[i] || row[cols-2] == row[cols-2] || float64(top[i]) != m {
						t.Fatalf("%s: with a NaN: top %v, sum %v of %v", name, top[i], sum[i], row)
					}
					continue
				}
				was := float64(wasTop[i]) - m
				total := float64(wasSum[i]) * math.Exp(was)
				for j, got := range row {
					x := math.Inf(-1)
					if j < int(n) {
						x = float64(before[i*ld+j]) - m
					}
					total += math.Exp(x)
					wantExp(t, name, got, x)
				}
				if d := math.Abs(float64(sum[i]) - total); d > 1e-5*total {
					t.Fatalf("%s: sum = %v, want %v", name, sum[i], total)
				}
				wantExp(t, name+" shrink", shrink[i], was)
				if float64(top[i]) != m {
					t.Fatalf("%s: top = %v, want %v", name, top[i], m)
				}
			}
		}
	})
}

// Rows go in groups, and a group's size depends on cols: a row has the bits it has
// alone.
func TestScoresDoNotSeeEachOther(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		r := noise(5)
		for _, cols := range []int{1, 16, 100, 300, 1100, 3000} {
			const rows = 35
			ld := (cols + 7) &^ 7
			p, dp := newGuarded(&r, rows*ld, 3, 40), newGuarded(&r, rows*ld, 5, 2)
			sees := make([]int32, rows)
			top, sum, shrink := make([]float32, rows), make([]float32, rows), make([]float32, rows)
			for i := range sees {
				sees[i] = int32((i * 37) % (cols + 1))
				top[i], sum[i] = 30*r.next(), 2+r.next()
			}
			p.x[7*ld] = float32(math.NaN())
			ones := func() (all [][]float32) { // every row by itself
				for i := range rows {
					one, slope := slices.Clone(p.x[i*ld:][:ld]), slices.Clone(dp.x[i*ld:][:ld])
					soft, state := slices.Clone(one), []float32{top[i], sum[i], 0}
					SoftmaxSlopes(one, slope, ld, cols, sees[i:i+1], 0.3)
					SoftmaxRows(soft, ld, cols, sees[i:i+1], state[:1], state[1:2], state[2:])
					all = append(all, slices.Concat(one[:cols], slope[:cols], soft[:cols], state))
				}
				return all
			}()
			soft := slices.Clone(p.x)
			SoftmaxSlopes(p.x, dp.x, ld, cols, sees, 0.3)
			SoftmaxRows(soft, ld, cols, sees, top, sum, shrink)
			for i, want := range ones {
				got := slices.Concat(p.x[i*ld:][:cols], dp.x[i*ld:][:cols], soft[i*ld:][:cols], []float32{top[i], sum[i], shrink[i]})
				for j, v := range got {
					if !sameBits(v, want[j]) {
						t.Fatalf("cols=%d row %d: number %d is %v, alone %v", cols, i, j, v, want[j])
					}
				}
			}
		}
	})
}

// wantExp allows e^x a few units, and one for the rounding of each unit of x;
// values below the normal numbers may be 0.
func wantExp(t *testing.T, name string, got float32, x float64) {
	t.Helper()
	want := math.Exp(x)
	if d := math.Abs(float64(got) - want); got != got || d > (4+math.Abs(x))*0x1p-24*want+0x1p-126 {
		t.Fatalf("%s: got %v, want %v", name, got, want)
	}
}

func TestSoftmaxSlopesAgainstFloat64(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		r := noise(4)
		for cols := 1; cols < 70; cols++ {
			p, ld, sees := attentionRows(cols, &r)
			dp := newGuarded(&r, len(p.x), 5, 2)
			was, wasSlope := append([]float32(nil), p.x...), append([]float32(nil), dp.x...)
			scale := []float32{0.25, -2, 0.1}[cols%3]
			SoftmaxSlopes(p.x, dp.x, ld, cols, sees, scale)
			if !p.intact() || !dp.intact() {
				t.Fatalf("cols=%d: wrote outside", cols)
			}
			for i, n := range sees {
				name := fmt.Sprintf("cols=%d row %d", cols, i)
				for j, v := range p.x[i*ld:][int(n):cols] {
					if v != 0 || dp.x[i*ld+int(n)+j] != 0 {
						t.Fatalf("%s: what it does not see is not cleared", name)
					}
				}
				wantSlopes(t, name, p.x[i*ld:][:n], dp.x[i*ld:][:n], was[i*ld:][:n], wasSlope[i*ld:][:n], float64(scale), 1)
			}
		}
	})
}

// wantSlopes compares a row with its definition: each is off by the rounding of some
// numbers of the size of the largest gradient, and by some of score - maximum.
func wantSlopes(t *testing.T, name string, p, slope, score, dp []float32, scale, roundings float64) {
	t.Helper()
	top, sum, mean, size := math.Inf(-1), 0.0, 0.0, 0.0
	for _, s := range score {
		top = max(top, scale*float64(s))
	}
	for i, s := range score {
		e := math.Exp(scale*float64(s) - top)
		sum += e
		mean += e * float64(dp[i])
		size = max(size, math.Abs(float64(dp[i])))
	}
	mean /= sum
	for i, s := range score {
		if sum != sum {
			if p[i] == p[i] || slope[i] == slope[i] {
				t.Fatalf("%s: NaN is lost: %v %v", name, p, slope)
			}
			continue
		}
		x := scale*float64(s) - top
		want := math.Exp(x) / sum
		off := (16 + roundings*min(math.Abs(x), 200)) * 0x1p-24
		if d := math.Abs(float64(p[i]) - want); !(d <= off*want+0x1p-126) {
			t.Fatalf("%s: p[%d] = %v, want %v", name, i, p[i], want)
		}
		if d := math.Abs(float64(slope[i]) - scale*want*(float64(dp[i])-mean)); !(d <= 4*off*math.Abs(scale)*want*size+0x1p-120) {
			t.Fatalf("%s: slope[%d] = %v, want %v", name, i, slope[i], scale*want*(float64(dp[i])-mean))
		}
	}
}

func TestScaleRows(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		r := noise(8)
		for rows := range 4 {
			for cols := range 40 {
				const src, dst = 43, 47
				x := newGuarded(&r, 3*src+cols, 1, 2)
				out, f := newGuarded(&r, 3*dst+cols, 5, 1), []float32{0.5, -3, 7}[:rows]
				before := append([]float32(nil), out.x...)
				ScaleRows(out.x, dst, x.x, src, cols, f)
				if !out.intact() {
					t.Fatalf("rows=%d cols=%d: wrote outside", rows, cols)
				}
				for i, v := range out.x {
					want := before[i]
					if row, j := i/dst, i%dst; row < rows && j < cols {
						want = f[row] * x.x[row*src+j]
					}
					if v != want {
						t.Fatalf("rows=%d cols=%d: ScaleRows: [%d] = %v, want %v", rows, cols, i, v, want)
					}
				}
			}
		}
	})
}
