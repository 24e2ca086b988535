// y[i] = v
KERNEL __launch_bounds__(256) lamina_fill(float *y, u64 n, float v) {
	u64 i = thread_index();
	if (i < n) {
		y[i] = v;
	}
}
