// with tile
//
// kernels.Fill, AddScaled and Binary.

// y[i] = v
KERNEL __launch_bounds__(TILE_THREADS) lamina_fill(float *y, u64 n, float v) {
	Four f = {v, v, v, v};
	tile_store(y, n, tile_is_wide((u64)y, n), f);
}

// y += s·x; x may be y.
KERNEL __launch_bounds__(TILE_THREADS) lamina_add_scaled(float *y, const float *x, u64 n, float s) {
	bool wide = tile_is_wide((u64)y | (u64)x, n);
	Four a = tile_load(x, n, wide), b = tile_load(y, n, wide);
#pragma unroll
	for (u32 i = 0; i < 4; i++) {
		b.v[i] = fmaf(s, a.v[i], b.v[i]);
	}
	tile_store(y, n, wide, b);
}

// The numbers of kernels.BinaryOp. Each is one operation, rounded once.
enum { ADD, SUB, MUL, DIV };

DEVICE float combine(u32 op, float a, float b) {
	switch (op) {
	case ADD: return a + b;
	case SUB: return a - b;
	case MUL: return a * b;
	}
	return a / b;
}

// y = a op b for arrays of one shape; y may be either.
KERNEL __launch_bounds__(TILE_THREADS) lamina_binary(float *y, const float *a, const float *b, u64 n, u32 op) {
	bool wide = tile_is_wide((u64)y | (u64)a | (u64)b, n);
	Four u = tile_load(a, n, wide), v = tile_load(b, n, wide);
#pragma unroll
	for (u32 i = 0; i < 4; i++) {
		u.v[i] = combine(op, u.v[i], v.v[i]);
	}
	tile_store(y, n, wide, u);
}

// The axes of y, and how far a and b go for one step along each: 0 where they repeat.
// Axes that both walk evenly are one; unused ones, the first, have size 1.
struct Broadcast {
	u64 size[4], a[4], b[4];
};

// Where a and b have what element i of y is made of. Word is u32 where y has fewer than
// 2³² elements: a division of 64 bits takes five times as long.
template <class Word> DEVICE void broadcast_places(const Broadcast &g, Word i, u64 &at_a, u64 &at_b) {
	at_a = at_b = 0;
#pragma unroll
	for (u32 axis = 3; axis > 0; axis--) {
		Word size = (Word)g.size[axis], rest = i / size, index = i - rest * size;
		at_a += index * g.a[axis];
		at_b += index * g.b[axis];
		i = rest;
	}
	at_a += i * g.a[0];
	at_b += i * g.b[0];
}

// y = a op b with repeating axes. Three divisions an element are about 60 instructions;
// memory gives an SM's lane an element (12 bytes) in about 100.
KERNEL __launch_bounds__(TILE_THREADS) lamina_binary_broadcast(float *y, const float *a, const float *b, u64 n, Broadcast g, u32 op) {
	Four u = {}, v = {};
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u64 i = tile_place(k), at_a, at_b;
		if (i < n) {
			if (n <= 0xffffffff) {
				broadcast_places<u32>(g, (u32)i, at_a, at_b);
			} else {
				broadcast_places<u64>(g, i, at_a, at_b);
			}
			u.v[k] = a[at_a], v.v[k] = b[at_b];
		}
	}
#pragma unroll
	for (u32 i = 0; i < 4; i++) {
		u.v[i] = combine(op, u.v[i], v.v[i]);
	}
	tile_store(y, n, false, u);
}
