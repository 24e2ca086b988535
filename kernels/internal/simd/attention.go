package simd

import "math"

// SoftmaxRows takes rows of scores a step further in a softmax that goes block by
// block of keys (Milakov and Gimelshein, "Online normalizer calculation for
// softmax", 2018). Row r, which begins at p[r·ld], has sees[r] ≤ cols scores of
// the block; with m = max(top[r], its scores), NaN aside:
//
//	shrink[r] = e^(top[r]-m);  p[i] = e^(p[i]-m) for i < sees[r], 0 up to cols
//	sum[r] = sum[r]·shrink[r] + Σ p[i];  top[r] = m
//
// A row that sees nothing keeps top and sum, and its shrink is 1. Values below
// 2^-126 are 0. Before the first block top is -Inf and sum 0. There are len(sees)
// rows, and room for cols rounded up to 8 in each.
func SoftmaxRows(p []float32, ld, cols int, sees []int32, top, sum, shrink []float32) {
	n := len(sees)
	if n == 0 || cols == 0 {
		return
	}
	_, top, sum, shrink = p[(n-1)*ld+(cols+7)&^7-1], top[:n], sum[:n], shrink[:n]
	if level == Generic {
		softmaxRowsGeneric(p, ld, cols, sees, top, sum, shrink)
		return
	}
	softmaxRowsVector(p, ld, cols, sees, top, sum, shrink)
}

func softmaxRowsGeneric(p []float32, ld, cols int, sees []int32, top, sum, shrink []float32) {
	for r, n := range sees {
		row := p[r*ld:][:cols]
		clear(row[n:])
		shrink[r] = 1
		if n == 0 {
			continue
		}
		m := top[r]
		for _, v := range row[:n] {
			if v > m {
				m = v
			}
		}
		shrink[r] = expDown(top[r] - m)
		sum[r] = float32(sum[r]*shrink[r]) + expDownSum(row[:n], m)
		top[r] = m
	}
}

// expDown is e^x, 0 where that is less than the normal numbers and Inf from
// 2^127.5 on.
func expDown(x float32) float32 {
	switch {
	case x < expLow:
		return 0
	case x > 127.5/log2e:
		return float32(math.Inf(1))
	}
	return expOne(x)
}

// expDownSum does x[i] = e^(x[i]-shift) and returns the sum.
func expDownSum(x []float32, shift float32) float32 {
	var s [4]float32
	for i, v := range x {
		e := expDown(v - shift)
		x[i] = e
		s[i&3] += e
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// SoftmaxSlopes turns rows of products q·k in p and dO·v in dp into the softmax of
// scale·p and the gradient of p. Row r, which begins at r·ld of each, has
// sees[r] ≤ cols elements; with m that element of p, NaN aside, whose product with
// scale is the largest,
//
//	p[i] = e^(scale·(p[i]-m)) / Σ_j e^(scale·(p[j]-m))
//	dp[i] = scale·(p[i]·(dp[i] - Σ_j p[j]·dp[j]))
//
// for i < sees[r], and 0 from there up to cols. Exponentials below 2^-126 are 0.
// There are len(sees) rows, and room for cols rounded up to 8 in each.
func SoftmaxSlopes(p, dp []float32, ld, cols int, sees []int32, scale float32) {
	n := len(sees)
	if n == 0 || cols == 0 {
		return
	}
	last := (n-1)*ld + (cols+7)&^7 - 1
	_, _ = p[last], dp[last]
	if level == Generic {
		softmaxSlopesGeneric(p, dp, ld, cols, sees, scale)
		return
	}
	softmaxSlopesVector(p, dp, ld, cols, sees, scale)
}

func softmaxSlopesGeneric(p, dp []float32, ld, cols int, sees []int32, scale float32) {
	for r, n := range sees {
		row, slope := p[r*ld:][:cols], dp[r*ld:][:cols]
		clear(row[n:])
		clear(slope[n:])
		row, slope = row[:n], slope[:n]
		m := float32(math.Inf(-1))
		for i, v := range row {
			if scale < 0 {
				v = -v
			}
			if v > m {
				m = v
			}
			row[i] = v
		}
		size := float32(math.Abs(float64(scale)))
		for i, v := range row {
			row[i] = size * float32(v-m)
		}
		inverse := 1 / expDownSum(row, 0)
		mean := float32(dotGeneric(row, slope) * inverse)
		for i, e := range row {
			row[i] = e * inverse
			slope[i] = scale * float32(row[i]*(slope[i]-mean))
		}
	}
}

// ScaleRows does dst[r·dstStride+j] = f[r]·src[r·srcStride+j] for j < cols: heads
// between a stream, where they lie far apart, and a place where they are
// neighbours. There are len(f) rows.
func ScaleRows(dst []float32, dstStride int, src []float32, srcStride, cols int, f []float32) {
	n := len(f) - 1
	if n < 0 || cols == 0 {
		return
	}
	_, _ = dst[n*dstStride+cols-1], src[n*srcStride+cols-1]
	if level == Generic {
		scaleRowsGeneric(dst, dstStride, src, srcStride, cols, f)
		return
	}
	scaleRowsVector(dst, dstStride, src, srcStride, cols, f)
}

func scaleRowsGeneric(dst []float32, dstStride int, src []float32, srcStride, cols int, f []float32) {
	for r, a := range f {
		scaleGeneric(dst[r*dstStride:][:cols], src[r*srcStride:][:cols], a)
	}
}
