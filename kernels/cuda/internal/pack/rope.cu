// Rotary position embedding (Su et al., "RoFormer", 2021) in the half-split order: for each
// head of width columns and i < half,
//
//	y[i] = x[i]·cos - x[i+half]·sin,  y[i+half] = x[i+half]·cos + x[i]·sin
//
// and columns from 2·half on are copied. A block has a row of x [n heads·width]; cosines and
// sines [n half] are the row's, sign is -1 for the inverse. y may be x: a pair is one
// thread's. Memory-bound, 8 bytes an element.
KERNEL __launch_bounds__(256) lamina_rope(float *y, const float *x, const float *cosines, const float *sines, u32 heads, u32 width, u32 half, float sign) {
	u64 row = blockIdx.x;
	u32 items = width - half; // of a head: pairs, then single columns
	x += row * heads * width;
	y += row * heads * width;
	cosines += row * half;
	sines += row * half;
	for (u32 e = threadIdx.x; e < heads * items; e += blockDim.x) {
		u32 head = e / items, i = e - head * items;
		u64 at = (u64)head * width + i;
		if (i >= half) {
			y[at + half] = x[at + half];
			continue;
		}
		float u = x[at], v = x[at + half], c = cosines[i], s = sign * sines[i];
		y[at] = fmaf(-v, s, u * c);
		y[at + half] = fmaf(u, s, v * c);
	}
}
