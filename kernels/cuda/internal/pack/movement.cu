// with tile
//
// kernels.Transpose and CopyAxis: each element is read once and written once, 8 bytes.

// The axes of y, and how far x goes for one step along each. Unused ones, the first, have
// size 1.
struct Axes {
	u64 size[4], x[4];
};

template <class Word> DEVICE u64 place_in(const Axes &g, Word i) {
	u64 at = 0;
#pragma unroll
	for (u32 axis = 3; axis > 0; axis--) {
		Word size = (Word)g.size[axis], rest = i / size;
		at += (i - rest * size) * g.x[axis];
		i = rest;
	}
	return at + i * g.x[0];
}

// y = x with its axes in another order, where x's last axis stays last: neighbours stay
// neighbours.
KERNEL __launch_bounds__(TILE_THREADS) lamina_permute(float *y, const float *x, u64 n, Axes g) {
	Four f = {};
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u64 i = tile_place(k);
		if (i < n) {
			f.v[k] = x[n <= 0xffffffff ? place_in<u32>(g, (u32)i) : place_in<u64>(g, i)];
		}
	}
	tile_store(y, n, false, f);
}

// Matrices [rows cols] of x that are [cols rows] in y: how many along two axes outside,
// and the steps there; the steps of a row of each.
struct Matrices {
	u64 outer[2], y_outer[2], x_outer[2];
	u64 y_row, x_row;
};

// y's axis of x's last changes places with y's last. A block turns a square of 32×32
// through shared memory, whose rows are 33 long so that a column lies in 32 banks; reads and
// writes are of 128 bytes. tall·wide squares make a matrix.
KERNEL __launch_bounds__(256) lamina_transpose(float *y, const float *x, Matrices g, u32 rows, u32 cols, u32 tall, u32 wide) {
	__shared__ float square[32][33];
	u32 b = blockIdx.x, column = b % wide * 32, row = b / wide % tall * 32;
	u64 matrix = b / wide / tall;
	u64 outer0 = matrix / g.outer[1], outer1 = matrix % g.outer[1];
	x += outer0 * g.x_outer[0] + outer1 * g.x_outer[1];
	y += outer0 * g.y_outer[0] + outer1 * g.y_outer[1];
	u32 lane = threadIdx.x % 32, first = threadIdx.x / 32;
#pragma unroll
	for (u32 k = 0; k < 32; k += 8) {
		u32 r = row + first + k, c = column + lane;
		if (r < rows && c < cols) {
			square[first + k][lane] = x[r * g.x_row + c];
		}
	}
	__syncthreads();
#pragma unroll
	for (u32 k = 0; k < 32; k += 8) {
		u32 r = row + lane, c = column + first + k;
		if (r < rows && c < cols) {
			y[c * g.y_row + r] = square[lane][first + k];
		}
	}
}

DEVICE float sum(float a, float b) { return a + b; }
DEVICE float4 sum(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }

// Elements, or fours of them, of runs: element i is place i%run of run i/run.
template <class T> DEVICE void copy_runs(T *y, const T *x, u64 n, u64 run, u64 y_step, u64 x_step, bool add) {
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u64 i = tile_place(k);
		if (i < n) {
			u64 which = n <= 0xffffffff ? (u32)i / (u32)run : i / run, at = i - which * run;
			T v = x[which * x_step + at];
			T *to = y + which * y_step + at;
			*to = add ? sum(v, *to) : v;
		}
	}
}

// n elements in runs that begin at y_from and x_from and lie y_step and x_step apart:
// y = x, or with add y += x. Where runs, steps and addresses allow it, by 16 bytes; then a
// quarter of the blocks have work.
KERNEL __launch_bounds__(TILE_THREADS)
lamina_copy_axis(float *y, const float *x, u64 y_from, u64 x_from, u64 n, u64 run, u64 y_step, u64 x_step, u32 add) {
	y += y_from;
	x += x_from;
	if ((((u64)y | (u64)x) & 15) == 0 && ((run | y_step | x_step) & 3) == 0) {
		copy_runs(reinterpret_cast<float4 *>(y), reinterpret_cast<const float4 *>(x), n / 4, run / 4, y_step / 4, x_step / 4, add);
	} else {
		copy_runs(y, x, n, run, y_step, x_step, add);
	}
}
