// with philox
//
// y[r,c] = 0 where the word of row r's sample and position and of column c is below the
// threshold, which goes up to 2³², else scale·x[r,c]; y may be x. rows is [N 2]: sample,
// position. A thread has the four columns that one block of Philox is for: some 90
// instructions for 32 bytes moved. quads = ⌈cols/4⌉.

#define DROPOUT_THREADS 256

KERNEL __launch_bounds__(DROPOUT_THREADS)
lamina_dropout(float *y, const float *x, const i32 *rows, u64 n, u32 cols, u32 quads, u64 seed, u64 stream, u64 threshold, float scale) {
	u64 i = thread_index();
	if (i >= n * quads) {
		return;
	}
	u64 row = i <= 0xffffffff ? (u32)i / quads : i / quads; // a division of 32 bits is faster
	u32 block = (u32)(i - row * quads), from = 4 * block;
	Words random = philox(seed, stream, dropout_counter(rows[2 * row], rows[2 * row + 1], block));
	y += row * cols + from;
	x += row * cols + from;
	if ((((u64)x | (u64)y) & 15) == 0 && cols - from >= 4) {
		float4 v = *reinterpret_cast<const float4 *>(x);
		v.x = random.w[0] < threshold ? 0.0f : v.x * scale;
		v.y = random.w[1] < threshold ? 0.0f : v.y * scale;
		v.z = random.w[2] < threshold ? 0.0f : v.z * scale;
		v.w = random.w[3] < threshold ? 0.0f : v.w * scale;
		*reinterpret_cast<float4 *>(y) = v;
		return;
	}
#pragma unroll
	for (u32 j = 0; j < 4; j++) {
		if (from + j < cols) {
			y[j] = random.w[j] < threshold ? 0.0f : x[j] * scale;
		}
	}
}
