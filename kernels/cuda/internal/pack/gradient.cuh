// What the kernels of attention's gradients share, behind attention.cuh.

// What is known of a row of scores.
struct __align__(16) Softmax {
	float shift, inverse, mean, unused;
};

DEVICE float probability(const Softmax &is, float value, float scale) {
	return exp_down(scale * (value - is.shift)) * is.inverse;
}

// A call's operands, of Q's shape and of K's.
struct Operands {
	const float *q, *k, *v, *d_out;
};
