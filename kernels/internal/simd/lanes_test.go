package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// laneLevels runs f at every level that has blocks of lanes.
func laneLevels(t *testing.T, f func(t *testing.T)) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		if HasLanes() {
			t.Run(l.String(), f)
		}
	}
}

// laneCases are what vectors of a block see of n keys: all, some, none, and the
// diagonal at every place.
func laneCases(n int) [][3]int {
	cases := [][3]int{{n, n, n}, {Blind, n, n}, {Blind, Blind, 1}, {1, 1, 1}, {-15, -14, 0}, {n - 15, n, n}}
	for first := -40; first < n; first += 13 {
		cases = append(cases, [3]int{first, first + 16, first + 32}, [3]int{Blind, first, first})
	}
	return cases
}

// rows are numbers of the order of 1 in guarded memory.
func (r *noise) rows(n, stride, cols int) *guarded {
	return newGuarded(r, span(n, cols, stride), n%5, 1)
}

func TestLaneScoresAgainstFloat64(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(1)
		for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 33, 64} {
			for n := 1; n < 36; n++ {
				stride := k + n%3
				keys, q, s := r.rows(n, stride, k), r.rows(k, Lanes, Lanes), r.rows(n, Lanes, Lanes)
				for _, sees := range laneCases(n) {
					LaneScores(s.x, q.x, keys.x, stride, k, n, &sees)
					if !s.intact() {
						t.Fatalf("k=%d n=%d sees=%v: wrote outside", k, n, sees)
					}
					for j := range Lanes {
						for i := range laneSees(&sees, j, n) {
							want, size := 0.0, 0.0
							for p := range k {
								v := float64(keys.x[i*stride+p]) * float64(q.x[p*Lanes+j])
								want, size = want+v, size+math.Abs(v)
							}
							if got := float64(s.x[i*Lanes+j]); !(math.Abs(got-want) <= float64(k)*0x1p-24*size) {
								t.Fatalf("k=%d n=%d sees=%v: key %d lane %d is %v, want %v", k, n, sees, i, j, got, want)
							}
						}
					}
				}
			}
		}
	})
}

func TestLaneDistances(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(2)
		slopes := [3]float32{0.5, -0.003, 0}
		for n := 1; n < 36; n++ {
			for _, sees := range laneCases(n) {
				s := r.rows(n, Lanes, Lanes)
				was := slices.Clone(s.x)
				LaneDistances(s.x, n, &sees, &slopes)
				if !s.intact() {
					t.Fatalf("n=%d sees=%v: wrote outside", n, sees)
				}
				for j := range Lanes {
					seen := sees[j/16] + j%16
					for i := range laneSees(&sees, j, n) {
						want := float64(was[i*Lanes+j]) + float64(slopes[j/16])*float64(i-(seen-1))
						if got := float64(s.x[i*Lanes+j]); math.Abs(got-want) > 0x1p-22*math.Abs(float64(slopes[j/16])*float64(n)+1) {
							t.Fatalf("n=%d sees=%v: key %d lane %d is %v, want %v", n, sees, i, j, got, want)
						}
					}
				}
			}
		}
	})
}

// laneScores are scores with an infinity, and a NaN, in single places.
func laneScores(n int, r *noise) *guarded {
	s := newGuarded(r, n*Lanes, n%5, 40)
	s.x[3] = float32(math.Inf(-1))
	if n > 5 {
		s.x[5*Lanes+20] = float32(math.NaN())
		s.x[4*Lanes+37] = float32(math.Inf(-1))
	}
	return s
}

// wantPower is [wantExp] with a rounding of each of score - maximum, times scale, and
// of the scale itself.
func wantPower(t *testing.T, name string, got float32, x float64) {
	t.Helper()
	want := math.Exp(x)
	if d := math.Abs(float64(got) - want); got != got || d > (4+3*math.Abs(x))*0x1p-24*want+0x1p-126 {
		t.Fatalf("%s: got %v, want %v", name, got, want)
	}
}

func TestLaneSoftmaxAgainstFloat64(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(3)
		for n := 1; n < 36; n++ {
			for c, sees := range laneCases(n) {
				s := laneScores(n, &r)
				was := slices.Clone(s.x)
				top, sum, shrink := r.rows(1, 0, Lanes), r.rows(1, 0, Lanes), r.rows(1, 0, Lanes)
				for j := range Lanes {
					top.x[j] *= 30
					sum.x[j] = 1 + float32(j)
					if j%3 == c%3 {
						top.x[j], sum.x[j] = laneTop, 0
					}
				}
				wasTop, wasSum := slices.Clone(top.x), slices.Clone(sum.x)
				scale := []float32{0.125, 1, 0.7}[n%3]
				LaneSoftmax(s.x, n, &sees, top.x, sum.x, shrink.x, scale)
				if !s.intact() || !top.intact() || !sum.intact() || !shrink.intact() {
					t.Fatalf("n=%d sees=%v: wrote outside", n, sees)
				}
				for j := range Lanes {
					name, seen := fmt.Sprintf("n=%d sees=%v lane %d", n, sees, j), laneSees(&sees, j, n)
					m, sick := float64(wasTop[j]), false
					for i := range seen {
						v := float64(was[i*Lanes+j])
						if sick = sick || v != v; v > m {
							m = v
						}
					}
					if seen == 0 {
						if shrink.x[j] != 1 || sum.x[j] != wasSum[j] || top.x[j] != wasTop[j] {
							t.Fatalf("%s: it sees nothing, and shrink is %v, sum %v, top %v", name, shrink.x[j], sum.x[j], top.x[j])
						}
						continue
					}
					if float64(top.x[j]) != m {
						t.Fatalf("%s: top = %v, want %v", name, top.x[j], m)
					}
					if sick {
						if sum.x[j] == sum.x[j] {
							t.Fatalf("%s: NaN is lost: sum %v", name, sum.x[j])
						}
						continue
					}
					shrunk := float64(scale) * (float64(wasTop[j]) - m)
					wantPower(t, name+" shrink", shrink.x[j], shrunk)
					total := float64(wasSum[j]) * math.Exp(shrunk)
					for i := range seen {
						x := float64(scale) * (float64(was[i*Lanes+j]) - m)
						total += math.Exp(x)
						wantPower(t, fmt.Sprintf("%s key %d", name, i), s.x[i*Lanes+j], x)
					}
					if d := math.Abs(float64(sum.x[j]) - total); !(d <= 2e-5*total) {
						t.Fatalf("%s: sum = %v, want %v", name, sum.x[j], total)
					}
				}
			}
		}
	})
}

func TestLaneSlopesAgainstFloat64(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(4)
		for n := 1; n < 36; n++ {
			for _, sees := range laneCases(n) {
				s, dp := laneScores(n, &r), r.rows(n, Lanes, Lanes)
				was, wasSlope := slices.Clone(s.x), slices.Clone(dp.x)
				scale := []float32{0.25, -2, 0.1}[n%3]
				LaneSlopes(s.x, dp.x, n, &sees, scale)
				if !s.intact() || !dp.intact() {
					t.Fatalf("n=%d sees=%v: wrote outside", n, sees)
				}
				for j := range Lanes {
					name, seen := fmt.Sprintf("n=%d sees=%v lane %d", n, sees, j), laneSees(&sees, j, n)
					column := func(x []float32, from, to int) (c []float32) {
						for i := from; i < to; i++ {
							c = append(c, x[i*Lanes+j])
						}
						return c
					}
					for _, v := range append(column(s.x, seen, n), column(dp.x, seen, n)...) {
						if v != 0 {
							t.Fatalf("%s: what it does not see is not cleared", name)
						}
					}
					signed := column(was, 0, seen)
					for i := range signed {
						signed[i] = float32(math.Copysign(1, float64(scale))) * signed[i] // q bears the sign
					}
					wantSlopes(t, name, column(s.x, 0, seen), column(dp.x, 0, seen), signed, column(wasSlope, 0, seen), float64(scale), 3)
				}
			}
		}
	})
}

func TestLaneValuesAgainstFloat64(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(5)
		for _, width := range []int{1, 3, 7, 8, 9, 16, 21} {
			for n := 1; n < 36; n++ {
				for c, sees := range laneCases(n) {
					stride := width + n%3
					rows, p, o, shrink := r.rows(n, stride, width), r.rows(n, Lanes, Lanes), r.rows(width, Lanes, Lanes), r.rows(1, 0, Lanes)
					// What a lane does not see may be anything.
					p.x[(n-1)*Lanes] = float32(math.Inf(1))
					if c%2 == 0 {
						for d := range width {
							rows.x[(n-1)*stride+d] = float32(math.NaN())
						}
					}
					was := slices.Clone(o.x)
					values, panel, f := rows.x, 8, shrink.x
					if c%3 == 0 {
						values = make([]float32, (width+7)/8*8*n)
						Gather(values, 8, rows.x, stride, width, n)
						panel = 8 * n
					}
					if c%4 == 0 {
						f = nil
					}
					step := stride
					if panel > 8 {
						step = 8
					}
					LaneValues(o.x, p.x, values, step, panel, width, n, &sees, f)
					if !o.intact() {
						t.Fatalf("width=%d n=%d sees=%v: wrote outside", width, n, sees)
					}
					for d := range width {
						for j := range Lanes {
							seen, want, size := laneSees(&sees, j, n), 0.0, 0.0
							for i := range seen {
								v := float64(rows.x[i*stride+d]) * float64(p.x[i*Lanes+j])
								want, size = want+v, size+math.Abs(v)
							}
							if f != nil {
								v := float64(was[d*Lanes+j]) * float64(f[j])
								want, size = want+v, size+math.Abs(v)
							}
							got := o.x[d*Lanes+j]
							if seen == 0 {
								if got != was[d*Lanes+j] {
									t.Fatalf("width=%d n=%d sees=%v: lane %d sees nothing and has changed", width, n, sees, j)
								}
								continue
							}
							if want != want || math.IsInf(want, 0) {
								if float64(got) == float64(got) && !math.IsInf(float64(got), 0) {
									t.Fatalf("width=%d n=%d sees=%v: NaN is lost in lane %d", width, n, sees, j)
								}
								continue
							}
							if !(math.Abs(float64(got)-want) <= float64(n+2)*0x1p-24*size) {
								t.Fatalf("width=%d n=%d sees=%v: element %d lane %d is %v, want %v", width, n, sees, d, j, got, want)
							}
						}
					}
				}
			}
		}
	})
}

func TestLaneOuterAgainstFloat64(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(9)
		for _, cols := range []int{1, 15, 16, 33, 63, 64, 65, 80, 128} {
			for m := 1; m < 15; m++ {
				for _, k := range []int{1, 3, 4, 9, 16} {
					for bit := range 4 {
						diagonal, add := bit&1 != 0, bit&2 != 0
						ldc, ldb := cols+m%3, cols+k%2
						c, b := r.rows(m, ldc, cols), r.rows(k, ldb, cols)
						p := r.rows((m+LaneKeys-1)/LaneKeys*LaneKeys, Lanes, k)
						was := slices.Clone(c.x)
						LaneOuter(c.x, ldc, p.x, b.x, ldb, m, k, cols, diagonal, add)
						name := fmt.Sprintf("cols=%d m=%d k=%d diagonal=%v add=%v", cols, m, k, diagonal, add)
						if !c.intact() {
							t.Fatalf("%s: wrote outside", name)
						}
						for i := range m {
							from := 0
							if diagonal {
								from = i / LaneKeys * LaneKeys
							}
							for j := range ldc {
								at := i*ldc + j
								if at >= len(c.x) {
									continue
								}
								want, size := float64(was[at]), math.Abs(float64(was[at]))
								if j < cols && !add {
									want, size = 0, 0
								}
								for l := from; l < k && j < cols; l++ {
									v := float64(p.x[i*Lanes+l]) * float64(b.x[l*ldb+j])
									want, size = want+v, size+math.Abs(v)
								}
								if got := float64(c.x[at]); !(math.Abs(got-want) <= float64(k+1)*0x1p-24*size) {
									t.Fatalf("%s: [%d %d] = %v, want %v", name, i, j, got, want)
								}
							}
						}
					}
				}
			}
		}
	})
}

func TestLaneScale(t *testing.T) {
	laneLevels(t, func(t *testing.T) {
		r := noise(6)
		for width := range 5 {
			o, f := r.rows(width, Lanes, Lanes), r.rows(1, 0, Lanes)
			was := slices.Clone(o.x)
			LaneScale(o.x, f.x, width)
			for i, v := range o.x {
				if v != was[i]*f.x[i%Lanes] {
					t.Fatalf("width=%d: [%d] = %v, want %v", width, i, v, was[i]*f.x[i%Lanes])
				}
			}
			if !o.intact() {
				t.Fatalf("width=%d: wrote outside", width)
			}
		}
	})
}

func TestCopyRows(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		r := noise(7)
		for rows := range 4 {
			for cols := range 150 {
				const src, dst = 153, 157
				x, to := r.rows(rows, src, cols), r.rows(rows, dst, cols)
				was := slices.Clone(to.x)
				CopyRows(to.x, dst, x.x, src, rows, cols)
				for i, v := range to.x {
					want := was[i]
					if row, j := i/dst, i%dst; j < cols {
						want = x.x[row*src+j]
					}
					if v != want {
						t.Fatalf("rows=%d cols=%d: [%d] = %v, want %v", rows, cols, i, v, want)
					}
				}
				if !to.intact() {
					t.Fatalf("rows=%d cols=%d: wrote outside", rows, cols)
				}
			}
		}
	})
}

// A block of 48 queries and 128 keys, as attention takes it.
func BenchmarkLanes(b *testing.B) {
	if !HasLanes() {
		b.Skip("this machine has no blocks of lanes")
	}
	r := noise(8)
	const n = 128
	for _, k := range []int{64, 128} {
		keys, q, values := r.rows(n, k, k).x, r.rows(k, Lanes, Lanes).x, r.rows(k/8, n*8, n*8).x
		s, o, lane := make([]float32, n*Lanes), make([]float32, k*Lanes), make([]float32, 3*Lanes)
		sees := [3]int{n, n, n}
		top, sum, shrink := lane[:Lanes], lane[Lanes:2*Lanes], lane[2*Lanes:]
		for name, call := range map[string]func(){
			"scores":  func() { LaneScores(s, q, keys, k, k, n, &sees) },
			"softmax": func() { LaneSoftmax(s, n, &sees, top, sum, shrink, 0.125) },
			"values":  func() { LaneValues(o, s, values, 8, 8*n, k, n, &sees, shrink) },
		} {
			b.Run(fmt.Sprintf("op=%s/k=%d", name, k), func(b *testing.B) {
				for b.Loop() {
					call()
				}
				b.ReportMetric(float64(2*n*k*Lanes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
