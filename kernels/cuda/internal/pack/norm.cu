// with rows
// Normalisations of the rows of x [N D], one block a row:
//
//	LayerNorm: y = (x - mean)·rstd·gain + bias, rstd = 1/√(var + eps), biased var
//	RMSNorm:   y = x·rstd·gain,                 rstd = 1/√(mean(x²) + eps)
//
// Mean and variance are two ways through the row, the second one from the cache: one way,
// with Σx², would lose the variance of a row far from 0. They are float64, so that no row
// of finite numbers overflows them; memory remains the slower part on GPUs with few units for
// float64 too.

// How gains and biases are stored.
#define STORED_F32 0
#define STORED_F16 1
#define STORED_BF16 2

// Element i of a gain or bias [D]; what else where there is none.
DEVICE float affine_at(const void *p, u32 stored, u32 i, float else_value) {
	if (p == 0) {
		return else_value;
	}
	if (stored == STORED_F32) {
		return ((const float *)p)[i];
	}
	u16 bits = ((const u16 *)p)[i];
	if (stored == STORED_BF16) {
		return __int_as_float((u32)bits << 16);
	}
	float v;
	asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(bits));
	return v;
}

// Four of them, where i may reach over the end d.
DEVICE Quad affine_quad(const void *p, u32 stored, u32 i, u32 d, float else_value) {
	Quad q;
	if (p != 0 && stored == STORED_F32) {
		return read_quad((const float *)p, i, d, is_wide(p), 0);
	}
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		q.v[k] = i + k < d ? affine_at(p, stored, i + k, else_value) : 0;
	}
	return q;
}

// Σ (x - mean)² of a row, to all threads.
DEVICE double sum_of_squares(const float *x, u32 d, bool wide, double mean) {
	double sum = 0;
	for (u32 i = 4 * threadIdx.x; i < d; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, d, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			double c = (double)q.v[k] - mean;
			sum = i + k < d ? fma(c, c, sum) : sum;
		}
	}
	return block_sum<1>(sum);
}

// y[r] = (x[r] - mean)·rstd·gain + bias. centred is 0 for RMSNorm. Means and rstds may be
// 0, as gain and bias may.
DEVICE void norm_row(float *y, const float *x, const void *gain, const void *bias, float *means, float *rstds,
		u32 d, u32 gain_stored, u32 bias_stored, double eps, bool centred) {
	u64 row = blockIdx.x;
	y += row * d;
	x += row * d;
	bool wide = is_wide(x) && is_wide(y);
	double centre = 0;
	if (centred) {
		double sum = 0;
		for (u32 i = 4 * threadIdx.x; i < d; i += 4 * blockDim.x) {
			Quad q = read_quad(x, i, d, wide, 0);
			sum += ((double)q.v[0] + (double)q.v[1]) + ((double)q.v[2] + (double)q.v[3]);
		}
		centre = block_sum(sum) / d;
	}
	float mean = (float)centre, rstd = (float)(1.0 / sqrt(sum_of_squares(x, d, wide, centre) / d + eps));
	for (u32 i = 4 * threadIdx.x; i < d; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, d, wide, 0);
		Quad g = affine_quad(gain, gain_stored, i, d, 1), b = affine_quad(bias, bias_stored, i, d, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			q.v[k] = (q.v[k] - mean) * rstd * g.v[k] + b.v[k];
		}
		write_quad(y, i, d, wide, q);
	}
	if (threadIdx.x == 0) {
		if (means != 0) {
			means[row] = mean;
		}
		if (rstds != 0) {
			rstds[row] = rstd;
		}
	}
}

KERNEL __launch_bounds__(1024) lamina_layer_norm(float *y, const float *x, const void *gain, const void *bias,
		float *means, float *rstds, u32 d, u32 gain_stored, u32 bias_stored, double eps) {
	norm_row(y, x, gain, bias, means, rstds, d, gain_stored, bias_stored, eps, true);
}

KERNEL __launch_bounds__(1024) lamina_rms_norm(float *y, const float *x, const void *gain, float *rstds,
		u32 d, u32 gain_stored, double eps) {
	norm_row(y, x, gain, 0, 0, rstds, d, gain_stored, STORED_F32, eps, false);
}

// dX[r] = rstd·(g - mean(g) - x̂·mean(g·x̂)), added to what dX holds if accumulate is set:
// x̂ = (x - mean)·rstd, g = dY·gain. means is 0 for RMSNorm, whose rows are not centred and
// whose mean(g) does not enter. dX may be dY.
KERNEL __launch_bounds__(1024) lamina_norm_backward(float *dx, const float *dy, const float *x, const void *gain,
		const float *means, const float *rstds, u32 d, u32 gain_stored, u32 accumulate) {
	u64 row = blockIdx.x;
	dx += row * d;
	dy += row * d;
	x += row * d;
	bool wide = is_wide(x) && is_wide(dy) && is_wide(dx);
	float mean = means != 0 ? means[row] : 0, rstd = rstds[row];
	float sum = 0, sum_unit = 0;
	for (u32 i = 4 * threadIdx.x; i < d; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, d, wide, mean), g = read_quad(dy, i, d, wide, 0);
		Quad w = affine_quad(gain, gain_stored, i, d, 1);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			float grad = g.v[k] * w.v[k], unit = (q.v[k] - mean) * rstd;
			sum = i + k < d ? sum + grad : sum;
			sum_unit = i + k < d ? fmaf(grad, unit, sum_unit) : sum_unit;
		}
	}
	sum = means != 0 ? block_sum(sum) / (float)d : 0;
	sum_unit = block_sum<1>(sum_unit) / (float)d;
	for (u32 i = 4 * threadIdx.x; i < d; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, d, wide, mean), g = read_quad(dy, i, d, wide, 0);
		Quad w = affine_quad(gain, gain_stored, i, d, 1);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			float unit = (q.v[k] - mean) * rstd;
			q.v[k] = rstd * (g.v[k] * w.v[k] - sum - unit * sum_unit);
		}
		if (accumulate) {
			Quad have = read_quad(dx, i, d, wide, 0);
#pragma unroll
			for (u32 k = 0; k < 4; k++) {
				q.v[k] = have.v[k] + q.v[k];
			}
		}
		write_quad(dx, i, d, wide, q);
	}
}

// Partial sums over rows, of each column by one thread: parts [P 2 D] holds Σ dY·x̂ and Σ dY
// of each rows in a run. Block (c, p) has 128 columns and the rows from p·each on.
KERNEL __launch_bounds__(128) lamina_norm_partials(float *parts, const float *dy, const float *x,
		const float *means, const float *rstds, u32 rows, u32 d, u32 each) {
	u32 col = blockIdx.x * 128 + threadIdx.x, part = blockIdx.y;
	if (col >= d) {
		return;
	}
	u32 from = part * each, to = min(from + each, rows);
	float gain = 0, bias = 0;
#pragma unroll 4
	for (u32 row = from; row < to; row++) {
		float g = dy[(u64)row * d + col], mean = means != 0 ? means[row] : 0;
		gain = fmaf(g, (x[(u64)row * d + col] - mean) * rstds[row], gain);
		bias += g;
	}
	parts[(u64)(2 * part) * d + col] = gain;
	parts[(u64)(2 * part + 1) * d + col] = bias;
}

// dGain += Σ parts[p][0], dBias += Σ parts[p][1], in the order of the parts; either may be 0.
KERNEL __launch_bounds__(128) lamina_norm_gains(float *dgain, float *dbias, const float *parts, u32 count, u32 d) {
	u32 col = blockIdx.x * 128 + threadIdx.x;
	if (col >= d) {
		return;
	}
	float gain = 0, bias = 0;
	for (u32 p = 0; p < count; p++) {
		gain += parts[(u64)(2 * p) * d + col];
		bias += parts[(u64)(2 * p + 1) * d + col];
	}
	if (dgain != 0) {
		dgain[col] += gain;
	}
	if (dbias != 0) {
		dbias[col] += bias;
	}
}
