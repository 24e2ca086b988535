// What the kernels share. Every module begins with this file.
//
// Conventions: pointers first, then sizes, then numbers; sizes of rows and columns are
// 32-bit, counts of elements 64-bit; matrices are row-major; a row's sums go in an order
// that its length alone decides.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef int i32;
typedef long long i64;

#define KERNEL extern "C" __global__ void
#define DEVICE static __device__ __forceinline__

// The element that a thread of a one-dimensional launch has.
DEVICE u64 thread_index() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
