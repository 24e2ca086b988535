// with math tile
//
// kernels.Unary, UnaryBackward, Gated and GatedBackward. The function is the same for all
// threads; it is chosen once for a thread's four elements.

// Does one of the structs below with the function numbered f as a constant.
template <class Work> DEVICE void with_function(u32 f, Work work) {
	switch (f) {
	case IDENTITY: work.template run<IDENTITY>(); break;
	case RELU: work.template run<RELU>(); break;
	case GELU: work.template run<GELU>(); break;
	case GELU_TANH: work.template run<GELU_TANH>(); break;
	case SILU: work.template run<SILU>(); break;
	case TANH: work.template run<TANH>(); break;
	case SIGMOID: work.template run<SIGMOID>(); break;
	case EXP: work.template run<EXP>(); break;
	case LOG: work.template run<LOG>(); break;
	case SQRT: work.template run<SQRT>(); break;
	case SQUARE: work.template run<SQUARE>(); break;
	case NEG: work.template run<NEG>(); break;
	}
}

#define RUN template <u32 F> __device__ __forceinline__ void run()

struct Apply {
	Four &x;
	RUN {
#pragma unroll
		for (u32 i = 0; i < 4; i++) {
			x.v[i] = unary(F, x.v[i]);
		}
	}
};

struct Slope {
	Four &dy;
	const Four &x;
	RUN {
#pragma unroll
		for (u32 i = 0; i < 4; i++) {
			dy.v[i] = unary_backward(F, dy.v[i], x.v[i]);
		}
	}
};

struct Gate {
	Four &gate;
	const Four &up;
	RUN {
#pragma unroll
		for (u32 i = 0; i < 4; i++) {
			gate.v[i] = unary(F, gate.v[i]) * up.v[i];
		}
	}
};

// Leaves dup in dy and dgate in up.
struct GateSlope {
	Four &dy, &up;
	const Four &gate;
	RUN {
#pragma unroll
		for (u32 i = 0; i < 4; i++) {
			up.v[i] = unary_backward(F, dy.v[i] * up.v[i], gate.v[i]);
			dy.v[i] *= unary(F, gate.v[i]);
		}
	}
};

// y = f(x); y may be x.
KERNEL __launch_bounds__(TILE_THREADS) lamina_unary(float *y, const float *x, u64 n, u32 f) {
	bool wide = tile_is_wide((u64)y | (u64)x, n);
	Four a = tile_load(x, n, wide);
	with_function(f, Apply{a});
	tile_store(y, n, wide, a);
}

// dx = dy·f'(x); dx may be dy.
KERNEL __launch_bounds__(TILE_THREADS) lamina_unary_backward(float *dx, const float *dy, const float *x, u64 n, u32 f) {
	bool wide = tile_is_wide((u64)dx | (u64)dy | (u64)x, n);
	Four g = tile_load(dy, n, wide), a = tile_load(x, n, wide);
	with_function(f, Slope{g, a});
	tile_store(dx, n, wide, g);
}

// y = f(gate)·up
KERNEL __launch_bounds__(TILE_THREADS) lamina_gated(float *y, const float *gate, const float *up, u64 n, u32 f) {
	bool wide = tile_is_wide((u64)y | (u64)gate | (u64)up, n);
	Four a = tile_load(gate, n, wide), b = tile_load(up, n, wide);
	with_function(f, Gate{a, b});
	tile_store(y, n, wide, a);
}

// dgate = dy·up·f'(gate); dup = dy·f(gate). One pass: 20 bytes an element.
KERNEL __launch_bounds__(TILE_THREADS)
lamina_gated_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up, u64 n, u32 f) {
	bool wide = tile_is_wide((u64)dgate | (u64)dup | (u64)dy | (u64)gate | (u64)up, n);
	Four d = tile_load(dy, n, wide), a = tile_load(gate, n, wide), b = tile_load(up, n, wide);
	with_function(f, GateSlope{d, b, a});
	tile_store(dgate, n, wide, b);
	tile_store(dup, n, wide, d);
}
