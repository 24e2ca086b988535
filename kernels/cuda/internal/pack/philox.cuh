// Philox4x32-10, as internal/philox has it: word j of the block at a counter is
// philox.New(seed, stream).At(counter)[j].
struct Words {
	u32 w[4];
};

DEVICE Words philox(u64 seed, u64 stream, u64 counter) {
	u32 x0 = (u32)counter, x1 = (u32)(counter >> 32), x2 = (u32)stream, x3 = (u32)(stream >> 32);
	u32 k0 = (u32)seed, k1 = (u32)(seed >> 32);
#pragma unroll
	for (u32 round = 0; round < 10; round++) {
		u64 p0 = (u64)0xD2511F53 * x0, p1 = (u64)0xCD9E8D57 * x2;
		x0 = (u32)(p1 >> 32) ^ x1 ^ k0, x1 = (u32)p1;
		x2 = (u32)(p0 >> 32) ^ x3 ^ k1, x3 = (u32)p0;
		k0 += 0x9E3779B9, k1 += 0xBB67AE85;
	}
	return {{x0, x1, x2, x3}};
}

// kernels.DropoutCounter: sample in bits 32 to 63, position modulo 2¹⁸ in bits 14 to 31,
// block, columns 4·block to 4·block+3, below.
DEVICE u64 dropout_counter(i32 sample, i32 position, u32 block) {
	return (u64)(u32)sample << 32 | (u64)((u32)position & 0x3ffff) << 14 | block;
}
