// Sums of AVX2 kernels: whole runs of four vectors go to Y4 to Y7 in turn,
// further vectors and the rest to Y4; then (Y4+Y5)+(Y6+Y7), and the lanes of
// that pairwise.

#define CLEAR4 \
	VXORPS Y4, Y4, Y4 \
	VXORPS Y5, Y5, Y5 \
	VXORPS Y6, Y6, Y6 \
	VXORPS Y7, Y7, Y7

#define FOLD4 \
	VADDPS       Y5, Y4, Y4 \
	VADDPS       Y7, Y6, Y6 \
	VADDPS       Y6, Y4, Y4 \
	VEXTRACTF128 $1, Y4, X0 \
	VADDPS       X0, X4, X4 \
	VHADDPS      X4, X4, X4 \
	VHADDPS      X4, X4, X4
