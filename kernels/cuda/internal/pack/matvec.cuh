// Products of few rows with a weight stored [n k], those of decoding:
//
//	C[r,j] = Func(Σ_p A[r,p]·W[j,p] + Bias[j]) + Residual[r,j]
//
// The time is that of reading W once. A warp has COLS rows of W and all its lanes read on
// in them, RUN neighbours each, for ROWS rows of A together. An element is the sum of its
// lanes' sums, added in a tree; a lane's goes up the row. That order depends on k and the
// type of W alone.
//
// A launch computes up to MOST products of one A, with weights of one type: the queries,
// keys and values of a layer are one wait for memory, not three. Blocks from first on are
// a product's, until those of the next; one that is not there begins at 2³² - 1.
enum { WARP = 32, THREADS = 128, MOST = 4 };

struct Product {
	float *c;
	const u8 *w;
	const float *bias, *residual;
	u32 n, func, first, unused;
};

struct Products {
	Product of[MOST];
};

// The product that a block belongs to; first becomes the block's number in it.
DEVICE Product pick(const Products &all) {
	Product p = all.of[0];
#pragma unroll
	for (u32 i = 1; i < MOST; i++) {
		if (blockIdx.x >= all.of[i].first) {
			p = all.of[i];
		}
	}
	p.first = blockIdx.x - p.first;
	return p;
}

// Adds the products of elements [i, i+RUN) of x with w to sums. With WIDE x comes 16 bytes
// at a time; only with TAIL may some of them lie beyond k.
template <bool WIDE, bool TAIL, u32 RUN, u32 COLS>
DEVICE void add_run(float (&sums)[COLS], const float (&w)[COLS][RUN], const float *x, u32 i, u32 k) {
	const u32 PIECE = RUN < 4 ? RUN : 4;
#pragma unroll
	for (u32 q = 0; q < RUN; q += PIECE) {
		float v[PIECE];
		if (WIDE && PIECE == 4) {
			float4 f = *reinterpret_cast<const float4 *>(x + i + q);
			v[0] = f.x, v[1] = f.y, v[2 % PIECE] = f.z, v[3 % PIECE] = f.w;
		} else {
#pragma unroll
			for (u32 l = 0; l < PIECE; l++) {
				v[l] = WIDE || !TAIL || i + q + l < k ? x[i + q + l] : 0.0f;
			}
		}
#pragma unroll
		for (u32 l = 0; l < PIECE; l++) {
#pragma unroll
			for (u32 j = 0; j < COLS; j++) {
				sums[j] = fmaf(v[l], w[j][q + l], sums[j]);
			}
		}
	}
}

// Adds to sums the products of element i and its neighbours.
template <u32 TYPE, u32 ROWS, u32 COLS, bool WIDE, u32 RUN>
DEVICE void add_step(float (&sums)[ROWS][COLS], const float (&w)[COLS][RUN], const float *a, u32 rows, u32 i, u32 k) {
#pragma unroll
	for (u32 r = 0; r < ROWS; r++) {
		if (ROWS == 1 || r < rows) {
			add_run<WIDE, Weight<TYPE>::TAIL>(sums[r], w, a + (u64)r * k, i, k);
		}
	}
}

// Element i and its neighbours of COLS rows of W, column on; beyond the last one it again.
template <u32 TYPE, u32 COLS, bool WIDE, u32 RUN>
DEVICE void load_step(float (&w)[COLS][RUN], const Product &p, u32 column, u32 i, u32 k) {
#pragma unroll
	for (u32 j = 0; j < COLS; j++) {
		u32 row = column + j < p.n ? column + j : p.n - 1;
		Weight<TYPE>::template load<WIDE>(w[j], p.w + row * Weight<TYPE>::row_bytes(k), i, k);
	}
}

// Adds to sums the lane's share of rows of A times COLS rows of W. For one row of A, which
// has little to do in a step, the reads of STEPS are under way together.
template <u32 TYPE, u32 ROWS, u32 COLS, bool WIDE>
DEVICE void add_rows(float (&sums)[ROWS][COLS], const Product &p, const float *a, u32 rows, u32 k, u32 column) {
	const u32 RUN = Weight<TYPE>::RUN, APART = WARP * RUN, STEPS = RUN < 32 ? 4 : 2;
	u32 i = threadIdx.x % WARP * RUN;
	if (WIDE && ROWS == 1) {
		for (; i + (STEPS - 1) * APART < k; i += STEPS * APART) {
			float w[STEPS][COLS][RUN];
#pragma unroll
			for (u32 s = 0; s < STEPS; s++) {
				load_step<TYPE, COLS, WIDE>(w[s], p, column, i + s * APART, k);
			}
#pragma unroll
			for (u32 s = 0; s < STEPS; s++) {
				add_step<TYPE, ROWS, COLS, WIDE>(sums, w[s], a, rows, i + s * APART, k);
			}
		}
	}
	for (; i < k; i += APART) {
		float w[COLS][RUN];
		load_step<TYPE, COLS, WIDE>(w, p, column, i, k);
		add_step<TYPE, ROWS, COLS, WIDE>(sums, w, a, rows, i, k);
	}
}

// C's element from its finished sum.
DEVICE void finish(const Product &p, float sum, u32 row, u32 column) {
	u64 at = (u64)row * p.n + column;
	if (p.bias) {
		sum += p.bias[column];
	}
	sum = unary(p.func, sum);
	p.c[at] = p.residual ? sum + p.residual[at] : sum;
}

template <u32 TYPE, u32 ROWS, u32 COLS>
DEVICE void matvec(const Products &all, const float *a, u32 m, u32 k) {
	Product p = pick(all);
	u32 groups = (m + ROWS - 1) / ROWS; // of rows of A; those of one part of W run side by side
	u32 lane = threadIdx.x % WARP, column = (p.first / groups * (THREADS / WARP) + threadIdx.x / WARP) * COLS;
	if (column >= p.n) {
		return; // the whole warp
	}
	u32 first = p.first % groups * ROWS, rows = m - first;
	a += (u64)first * k;
	float sums[ROWS][COLS] = {};
	bool blocks = Weight<TYPE>::RUN == 32;
	if (((u64)a & 15) == 0 && k % 4 == 0 && (blocks || rows_are_wide(p.w, Weight<TYPE>::row_bytes(k)))) {
		add_rows<TYPE, ROWS, COLS, true>(sums, p, a, rows, k, column);
	} else {
		add_rows<TYPE, ROWS, COLS, false>(sums, p, a, rows, k, column);
	}
	float mine = 0.0f; // lane r·COLS+j finishes row r, column j
#pragma unroll
	for (u32 r = 0; r < ROWS; r++) {
#pragma unroll
		for (u32 j = 0; j < COLS; j++) {
			float sum = sums[r][j];
#pragma unroll
			for (u32 apart = WARP / 2; apart > 0; apart /= 2) {
				sum += __shfl_xor_sync(0xFFFFFFFF, sum, apart);
			}
			mine = lane == r * COLS + j ? sum : mine;
		}
	}
	u32 r = lane / COLS, j = lane % COLS;
	if (r < ROWS && r < rows && column + j < p.n) {
		finish(p, mine, first + r, column + j);
	}
}

// blocks is how many a multiprocessor is to hold: ptxas keeps to as many registers, where it
// would else spill some for one block more.
#define MATVEC(name, type, rows, cols, blocks)                                                       \
	KERNEL __launch_bounds__(THREADS, blocks) name(const Products all, const float *a, u32 m, u32 k) { \
		matvec<type, rows, cols>(all, a, m, k);                                                      \
	}
