// with math
// What becomes of the sums of a product that a library has made:
//
//	Y = Func(X + Bias) + Residual
//
// where the residual comes first if Func is the identity, as it does in a product that
// begins with it. X [rows cols] lies ldx apart, Y and Residual ldy apart. Y may be X or Residual. Without
// X the sums are 0: a product of inner size 0.
//
// A block takes PIECE columns of a row.
enum { THREADS = 256, EACH = 4, PIECE = THREADS * EACH };

KERNEL __launch_bounds__(THREADS) lamina_epilogue(float *y, const float *x, const float *bias, const float *residual,
	u32 rows, u32 cols, u32 ldx, u32 ldy, u32 func) {
	u32 pieces = (cols + PIECE - 1) / PIECE;
	u32 row = blockIdx.x / pieces, first = blockIdx.x % pieces * PIECE + threadIdx.x;
	if (row >= rows) {
		return;
	}
#pragma unroll
	for (u32 i = 0; i < EACH; i++) {
		u32 column = first + i * THREADS;
		if (column < cols) {
			u64 at = (u64)row * ldy + column;
			float v = x ? x[(u64)row * ldx + column] : 0.0f;
			float r = residual ? residual[at] : 0.0f;
			if (residual && func == IDENTITY) {
				v += r;
			}
			if (bias) {
				v += bias[column];
			}
			v = unary(func, v);
			y[at] = residual && func != IDENTITY ? v + r : v;
		}
	}
}
