package simd

import "math"

// Lanes is how many queries stand side by side in attention's blocks: three vectors
// of 16 places of a sequence and one head each. What is a row elsewhere is a lane
// here, so that maxima and sums of a row's scores go from key to key and never across
// a vector, keys and values enter products where they lie, and a key that a query
// does not see is left out of its sums.
//
// Of n keys of a block, lane l of vector u sees the first sees[u]+l, none where that
// is below 0, all from n on. sees does not fall from vector to vector, so that
// vectors without a query, which come first, see nothing: sees[u] = [Blind].
const Lanes = 48

// Blind is what a vector without a query sees.
const Blind = -16

// HasLanes reports whether the active level has the functions of blocks of lanes.
func HasLanes() bool { return level == Generic || level == AVX512 }

// laneSees returns how many of n keys a lane sees.
func laneSees(sees *[3]int, lane, n int) int {
	return min(max(sees[lane/16]+lane%16, 0), n)
}

// LaneScores does, for all keys i < n that lane j sees,
//
//	s[48i+j] = Σ_p keys[i·stride+p]·q[48p+j]   p = 0..k-1, in order
//
// Elsewhere s is undefined then.
func LaneScores(s, q, keys []float32, stride, k, n int, sees *[3]int) {
	if n == 0 {
		return
	}
	s, q = s[:n*Lanes], q[:k*Lanes]
	_ = keys[(n-1)*stride+k-1]
	if level != AVX512 {
		laneScoresGeneric(s, q, keys, stride, k, n, sees)
		return
	}
	laneScoresVector(s, q, keys, stride, k, n, sees)
}

func laneScoresGeneric(s, q, keys []float32, stride, k, n int, sees *[3]int) {
	for i := range n {
		row := s[i*Lanes:][:Lanes]
		clear(row)
		for p, key := range keys[i*stride:][:k] {
			for j, v := range q[p*Lanes:][:Lanes] {
				row[j] += key * v
			}
		}
	}
}

// LaneSoftmax takes a block's scores a step further in a softmax that goes block by
// block of keys (Milakov and Gimelshein, "Online normalizer calculation for
// softmax", 2018). For lane j, with m = max(top[j], s[48i+j] of the keys that it
// sees), NaN aside:
//
//	shrink[j] = e^(scale·(top[j]-m));  s[48i+j] = e^(scale·(s[48i+j]-m))
//	sum[j] = sum[j]·shrink[j] + Σ_i s[48i+j];  top[j] = m
//
// A lane that sees nothing keeps top and sum, and its shrink is 1. Values below
// 2^-126 are 0. Before the first block top is -[math.MaxFloat32] and sum 0; scale is
// not negative. Of keys that a lane does not see s is undefined then.
func LaneSoftmax(s []float32, n int, sees *[3]int, top, sum, shrink []float32, scale float32) {
	s, top, sum, shrink = s[:n*Lanes], top[:Lanes], sum[:Lanes], shrink[:Lanes]
	if level != AVX512 || n == 0 {
		laneSoftmaxGeneric(s, n, sees, top, sum, shrink, scale)
		return
	}
	laneSoftmaxVector(s, n, sees, top, sum, shrink, scale)
}

func laneSoftmaxGeneric(s []float32, n int, sees *[3]int, top, sum, shrink []float32, scale float32) {
	for j := range Lanes {
		shrink[j] = 1
		seen := laneSees(sees, j, n)
		if seen == 0 {
			continue
		}
		m := top[j]
		for i := range seen {
			if v := s[i*Lanes+j]; v > m {
				m = v
			}
		}
		shrink[j] = expDown(scale * (top[j] - m))
		total := sum[j] * shrink[j]
		for i := range seen {
			e := expDown(scale * float32(s[i*Lanes+j]-m))
			s[i*Lanes+j] = e
			total += e
		}
		sum[j], top[j] = total, m
	}
}

// LaneDistances adds to the scores of each vector a slope times the distance of the
// key to the last one that the lane sees:
//
//	s[48i+16u+l] += slopes[u]·(i+1-sees[u]-l)
//
// for the keys i < n that the lane sees. Elsewhere s is undefined then.
func LaneDistances(s []float32, n int, sees *[3]int, slopes *[3]float32) {
	s = s[:n*Lanes]
	if level != AVX512 || n == 0 {
		laneDistancesGeneric(s, n, sees, slopes)
		return
	}
	laneDistancesVector(s, n, sees, slopes)
}

func laneDistancesGeneric(s []float32, n int, sees *[3]int, slopes *[3]float32) {
	for i := range n {
		for j := range Lanes {
			s[i*Lanes+j] += slopes[j/16] * float32(i+1-sees[j/16]-j%16)
		}
	}
}

// LaneSlopes turns each lane's products q·k in s and dO·v in dp into the softmax of
// |scale|·s and the gradient of q·k. With m the largest s[48i+j] of the keys i < n
// that lane j sees, NaN aside,
//
//	s[48i+j] = e^(|scale|·(s[48i+j]-m)) / Σ_i e^(|scale|·(s[48i+j]-m))
//	dp[48i+j] = scale·(s[48i+j]·(dp[48i+j] - Σ_i s[48i+j]·dp[48i+j]))
//
// and 0 for the other keys below n. Exponentials below 2^-126 are 0.
func LaneSlopes(s, dp []float32, n int, sees *[3]int, scale float32) {
	s, dp = s[:n*Lanes], dp[:n*Lanes]
	if level != AVX512 || n == 0 {
		laneSlopesGeneric(s, dp, n, sees, scale)
		return
	}
	laneSlopesVector(s, dp, n, sees, scale)
}

func laneSlopesGeneric(s, dp []float32, n int, sees *[3]int, scale float32) {
	size := float32(math.Abs(float64(scale)))
	for j := range Lanes {
		seen := laneSees(sees, j, n)
		m := float32(laneTop)
		for i := range seen {
			if v := s[i*Lanes+j]; v > m {
				m = v
			}
		}
		var sum, dot float32
		for i := range seen {
			e := expDown(size * float32(s[i*Lanes+j]-m))
			s[i*Lanes+j] = e
			sum += e
			dot += e * dp[i*Lanes+j]
		}
		inverse := 1 / sum
		mean := dot * inverse
		for i := range n {
			p, d := &s[i*Lanes+j], &dp[i*Lanes+j]
			if i >= seen {
				*p, *d = 0, 0
				continue
			}
			*p *= inverse
			*d = scale * float32(*p*(*d-mean))
		}
	}
}

// LaneValues adds a block's values to sums, whose lanes are those of p:
//
//	o[48d+j] = o[48d+j]·shrink[j] + Σ_i values[d/8·panel+i·stride+d%8]·p[48i+j]   d < width
//
// over the keys i < n that lane j sees, in order, or without the first term if shrink
// is empty. Lanes that see none stay as they are. Values in rows have panel 8, those
// that [Gather] has packed in panels of 8 stride 8 and panel 8n.
func LaneValues(o, p, values []float32, stride, panel, width, n int, sees *[3]int, shrink []float32) {
	if n == 0 || width == 0 {
		return
	}
	o, p = o[:width*Lanes], p[:n*Lanes]
	_ = values[(width-1)/8*panel+(n-1)*stride+(width-1)%8]
	if len(shrink) > 0 {
		shrink = shrink[:Lanes]
	}
	if level != AVX512 {
		laneValuesGeneric(o, p, values, stride, panel, width, n, sees, shrink)
		return
	}
	laneValuesVector(o, p, values, stride, panel, width, n, sees, shrink)
}

func laneValuesGeneric(o, p, values []float32, stride, panel, width, n int, sees *[3]int, shrink []float32) {
	for d := range width {
		var sums [Lanes]float32
		for i := range n {
			v, row := values[d/8*panel+d%8+i*stride], p[i*Lanes:][:Lanes]
			for u, least := range sees {
				for j := 16*u + min(max(i+1-least, 0), 16); j < 16*u+16; j++ {
					sums[j] += v * row[j]
				}
			}
		}
		row := o[d*Lanes:][:Lanes]
		for j, sum := range sums {
			if laneSees(sees, j, n) == 0 {
				continue
			}
			if len(shrink) > 0 {
				sum += row[j] * shrink[j]
			}
			row[j] = sum
		}
	}
}

// LaneKeys is how many keys LaneOuter takes at a time.
const LaneKeys = 6

// LaneOuter adds what lanes give to keys:
//
//	c[i·ldc+j] (+)= Σ_l p[48i+l]·b[l·ldb+j]   i < m, j < cols, l = 0..k-1 in order
//
// or, for keys and lanes on the diagonal, l from i/6·6 on. p has room for whole tiles of
// [LaneKeys].
func LaneOuter(c []float32, ldc int, p, b []float32, ldb, m, k, cols int, diagonal, add bool) {
	if m == 0 || cols == 0 || k == 0 {
		return
	}
	step := 0
	if diagonal {
		step = LaneKeys
	}
	_, _, _ = c[(m-1)*ldc+cols-1], b[(k-1)*ldb+cols-1], p[((m-1)/LaneKeys*LaneKeys+LaneKeys-1)*Lanes+k-1]
	if level != AVX512 {
		laneOuterGeneric(c, ldc, p, b, ldb, m, k, cols, step, add)
		return
	}
	laneOuterVector(c, ldc, p, b, ldb, m, k, cols, step, add)
}

func laneOuterGeneric(c []float32, ldc int, p, b []float32, ldb, m, k, cols, step int, add bool) {
	for i := range m {
		row, weights := c[i*ldc:][:cols], p[i*Lanes:][:k]
		if !add {
			clear(row)
		}
		for l := i / LaneKeys * step; l < k; l++ {
			for j, v := range b[l*ldb:][:cols] {
				row[j] += weights[l] * v
			}
		}
	}
}

// LaneScale does o[48d+j] = o[48d+j]·f[j] for d < width.
func LaneScale(o, f []float32, width int) {
	if width == 0 {
		return
	}
	o, f = o[:width*Lanes], f[:Lanes]
	if level != AVX512 {
		laneScaleGeneric(o, f, width)
		return
	}
	laneScaleVector(o, f, width)
}

func laneScaleGeneric(o, f []float32, width int) {
	for d := range width {
		for j, a := range f {
			o[d*Lanes+j] *= a
		}
	}
}

// laneTop is what top holds before the first block: less than every score but -Inf,
// whose exponential it makes 0.
const laneTop = -math.MaxFloat32
