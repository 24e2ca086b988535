// Kernels of the tests of package ptx; kernels.ptx is what NVRTC 11.8 makes of them with
// --gpu-architecture=compute_80.
typedef unsigned int u32;
typedef unsigned long long u64;

static __device__ __noinline__ int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

extern "C" __global__ void maths(float *o, const float *x, u64 n) {
	u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x;
	if (i >= n) return;
	float v = x[i], a = fabsf(v);
	float *r = o + i * 16;
	r[0] = expf(v), r[1] = logf(a), r[2] = tanhf(v), r[3] = erff(v);
	r[4] = sinf(v), r[5] = cosf(v), r[6] = powf(a, 1.75f), r[7] = sqrtf(a);
	r[8] = rsqrtf(a), r[9] = v / 3.75f, r[10] = log1pf(a), r[11] = expm1f(v);
	r[12] = fmaf(v, v, 1.25f), r[13] = factorial((int)a % 10), r[14] = (float)exp((double)v), r[15] = fmodf(v, 2.f);
}

// o[row] = the sum of x's row.
extern "C" __global__ void sum(float *o, const float *x, u32 cols) {
	__shared__ float part[32];
	float s = 0;
	for (u32 i = threadIdx.x; i < cols; i += blockDim.x) s += x[(u64)blockIdx.x * cols + i];
	for (int d = 16; d; d >>= 1) s += __shfl_xor_sync(~0u, s, d);
	if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = s;
	__syncthreads();
	if (threadIdx.x < 32) {
		s = threadIdx.x < (blockDim.x >> 5) ? part[threadIdx.x] : 0;
		for (int d = 16; d; d >>= 1) s += __shfl_xor_sync(~0u, s, d);
		if (threadIdx.x == 0) o[blockIdx.x] = s;
	}
}

extern "C" __global__ void fmas(float *o, float a, float b, u32 n) {
	float s = o[threadIdx.x + blockIdx.x * blockDim.x], t = s + 1, u = s + 2, v = s + 3;
#pragma unroll 8
	for (u32 i = 0; i < n; i++) s = fmaf(s, a, b), t = fmaf(t, a, b), u = fmaf(u, a, b), v = fmaf(v, a, b);
	o[threadIdx.x + blockIdx.x * blockDim.x] = s + t + u + v;
}

// C[n n] = A[n n]·B[n n], n a multiple of 16.
extern "C" __global__ void product(float *c, const float *a, const float *b, u32 n) {
	__shared__ float sa[16][16], sb[16][16];
	u32 x = threadIdx.x, y = threadIdx.y, row = blockIdx.y * 16 + y, col = blockIdx.x * 16 + x;
	float s = 0;
	for (u32 k = 0; k < n; k += 16) {
		sa[y][x] = a[row * n + k + x];
		sb[y][x] = b[(k + y) * n + col];
		__syncthreads();
#pragma unroll
		for (int j = 0; j < 16; j++) s += sa[y][j] * sb[j][x];
		__syncthreads();
	}
	c[row * n + col] = s;
}

struct Pair { float scale; int at[5]; double more; };
__constant__ int table[4] = {10, 20, 30, 40};

// Divergence in loops, local memory, a struct parameter, a table, switch.
extern "C" __global__ void mixed(double *o, const int *x, Pair p) {
	int local[8], i = threadIdx.x;
	for (int k = 0; k < 8; k++) local[k] = x[(i + k) % 64];
	double s = 0;
	for (int k = 0; k < i % 7; k++) {
		if (local[k] & 1) s += local[k] * p.scale;
		else if (k == 3) break;
		else s -= table[k & 3];
	}
	switch (x[i] % 9) {
	case 0: s += p.more; break;
	case 1: s *= 2; break;
	case 2: s += p.at[i % 5]; break;
	case 3: s -= p.at[x[i] % 5]; break;
	case 4: s = -s; break;
	case 5: s += 100 * local[i & 7]; break;
	default: s += 0.5;
	}
	o[i] = s;
}
