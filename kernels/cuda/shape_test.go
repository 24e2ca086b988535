package cuda_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

var plainTypes = []tensor.DType{tensor.F32, tensor.F64, tensor.F16, tensor.BF16}

var blockTypes = []tensor.DType{tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K}

// anyBytes are random: all codes, and scales with NaN, infinities and subnormals among them.
func anyBytes(n int) []byte {
	words := make([]uint32, n/4+1)
	random := philox.New(9, uint64(n))
	for i := range words {
		words[i] = random.Uint32(uint64(i))
	}
	return tensor.Bytes(words)[:n]
}

// Each type widens to the bits that the host has, wherever numbers and results begin.
func TestWidenAtAnyPlace(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	check := func(d tensor.DType, n, from, to int) {
		raw := anyBytes(d.Bytes(n))
		y, want := placedAt(be, tensor.F32, make([]byte, 4*n), to, n), tensor.MustNew(ref.New(), tensor.F32, n)
		kernels.Convert(be, y, placedAt(be, d, raw, from, n))
		if err := be.Sync(); err != nil {
			t.Fatalf("%s: %v", d, err)
		}
		kernels.Convert(ref.New(), want, placedAt(ref.New(), d, raw, 0, n))
		wantBits(t, fmt.Sprintf("%d of %s from %d to %d", n, d, from, to), y, want)
	}
	for _, d := range plainTypes {
		for _, n := range []int{2047, 2048, 2049, 4100} {
			for _, at := range [][2]int{{0, 0}, {16, 4}, {1, 0}, {0, 1}, {3, 2}} {
				check(d, n, at[0], at[1])
			}
		}
	}
	for _, d := range blockTypes {
		for _, blocks := range []int{1, 2, 7, 65} {
			for from := range 4 {
				check(d, blocks*d.BlockLen(), from, from%2)
				check(d, blocks*d.BlockLen(), from, 2*from)
			}
		}
	}
}

// Float64, which is for comparisons, holds every other type's numbers.
func TestWidenToFloat64(t *testing.T) {
	be, oracle := cudatest.Open(t, cudatest.Options{}), ref.New()
	for _, d := range append(append([]tensor.DType{}, plainTypes...), blockTypes...) {
		n := 9 * d.BlockLen()
		raw := anyBytes(d.Bytes(n))
		y, want := tensor.MustNew(be, tensor.F64, n), tensor.MustNew(oracle, tensor.F64, n)
		kernels.Convert(be, y, placedAt(be, d, raw, 1, n))
		kernels.Convert(oracle, want, placedAt(oracle, d, raw, 0, n))
		wish := want.Floats()
		for i, v := range y.Floats() {
			if v != wish[i] && (v == v || wish[i] == wish[i]) {
				t.Fatalf("%s: [%d] = %v, want %v", d, i, v, wish[i])
			}
		}
	}
}

// Numbers of every size are rounded as the host rounds them.
func TestNarrowAtAnyPlace(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	const n = 4100
	raw := anyBytes(4 * n)
	ties := tensor.View[float32](raw)
	for i := range 1024 {
		ties[i] = math.Float32frombits(uint32(i*61)<<16 | uint32(0x7fff+i%3))        // between two of BF16
		ties[1024+i] = tensor.F16ToF32(uint16(i*63)) * (1 + float32(i%3-1)*0x1p-23)  // of F16
		ties[2048+i] = math.Float32frombits((112+uint32(i%3))<<23 | uint32(i*31)<<8) // its least
	}
	for _, d := range []tensor.DType{tensor.F16, tensor.BF16} {
		for _, at := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {4, 8}} {
			y, want := placedAt(be, d, make([]byte, 2*n), at[1], n), tensor.MustNew(ref.New(), d, n)
			kernels.Convert(be, y, placedAt(be, tensor.F32, raw, at[0], n))
			kernels.Convert(ref.New(), want, placedAt(ref.New(), tensor.F32, raw, 0, n))
			got, wish := tensor.View[uint16](y.Raw()), tensor.View[uint16](want.Raw())
			for i, v := range got {
				if v != wish[i] {
					t.Fatalf("%s: %v (%#08x) is %#04x, want %#04x", d, ties[i], math.Float32bits(ties[i]), v, wish[i])
				}
			}
		}
	}
}

// Rows of several blocks of threads, and ids that come again across tiles of them.
func TestTablesOfWideRows(t *testing.T) {
	be, oracle := cudatest.Open(t, cudatest.Options{}), ref.New()
	const rows, n = 7, 600
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(philox.New(3, 0).Uint32(uint64(i)) % (rows - 1)) // row 6 is nobody's
	}
	for _, d := range append(append([]tensor.DType{}, plainTypes...), blockTypes...) {
		for _, cols := range []int{1024, 1280, 2048} {
			for shift := range 2 {
				raw := anyBytes(d.Bytes(rows * cols))
				y, want := numbersAt(be, 1, shift, 3, cols), tensor.MustNew(oracle, tensor.F32, 3, cols)
				kernels.Gather(be, y, placedAt(be, d, raw, shift, rows, cols), tensor.MustFromInts(be, []int32{6, 0, 6}, 3))
				kernels.Gather(oracle, want, placedAt(oracle, d, raw, 0, rows, cols), tensor.MustFromInts(oracle, []int32{6, 0, 6}, 3))
				if err := be.Sync(); err != nil {
					t.Fatalf("%s: %v", d, err)
				}
				wantBits(t, fmt.Sprintf("Gather of %s, %d columns", d, cols), y, want)
			}
		}
	}
	for _, cols := range []int{3, 1100} {
		scatter := func(be kernels.Backend, shift int) tensor.Tensor {
			table := numbersAt(be, 1, shift, rows, cols)
			kernels.ScatterAdd(be, table, tensor.MustFromInts(be, ids, n), numbersAt(be, 2, shift, n, cols))
			return table
		}
		wantBits(t, "ScatterAdd", scatter(be, 1), scatter(oracle, 0))
	}
}

func TestMovesByWideAccesses(t *testing.T) {
	for _, add := range []bool{false, true} {
		for _, width := range []int{12, 13} { // by 16 bytes, and not
			eachShift(t, "CopyAxis", 2, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
				y := numbersAt(be, 1, shift(0), 37, 9, width)
				kernels.CopyAxis(be, y, numbersAt(be, 2, shift(1), 37, 6, width), 1, 4, 2, 4, add)
				return y
			})
		}
	}
	for _, perm := range [][]int{{0, 1, 3, 2}, {3, 0, 1, 2}, {1, 3, 0, 2}, {2, 1, 0, 3}} {
		eachShift(t, fmt.Sprint("Transpose ", perm), 2, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			from := []int{3, 5, 35, 70}
			shape := make([]int, 4)
			for i, p := range perm {
				shape[i] = from[p]
			}
			y := numbersAt(be, 1, shift(0), shape...)
			kernels.Transpose(be, y, numbersAt(be, 2, shift(1), from...), perm...)
			return y
		})
	}
}

// Every bit of seed, stream, sample, position and column counts, and P at both ends.
func TestDropoutAddresses(t *testing.T) {
	rows := []int32{0, 0, -1, 1<<18 - 1, math.MinInt32, -1, math.MaxInt32, 1<<18 + 5}
	drop := func(be kernels.Backend, p float64, n, cols int, shift func(int) int) tensor.Tensor {
		x, y := numbersAt(be, 1, shift(1), n, cols), numbersAt(be, 2, shift(0), n, cols)
		kernels.Dropout(be, kernels.DropoutArgs{
			Y: y, X: x, Rows: tensor.MustFromInts(be, rows[:2*n], n, 2), P: p, Seed: 0xfedcba9876543210, Stream: philox.Stream(0xffffffff, 0xabcd, 0x1234),
		})
		return y
	}
	for _, p := range []float64{0, 0x1p-33, 0.3, 1 - 0x1p-34} {
		for _, cols := range []int{260, 261} {
			eachShift(t, fmt.Sprintf("Dropout(%v) of %d columns", p, cols), 2, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
				return drop(be, p, 4, cols, shift)
			})
		}
	}
	const most = 4 << 14 // columns
	be, nowhere := cudatest.Open(t, cudatest.Options{}), func(int) int { return 0 }
	wantBits(t, "Dropout of the widest row", drop(be, 0.3, 1, most, nowhere), drop(ref.New(), 0.3, 1, most, nowhere))
}

// Each id that names no row is an error that says so, of a device that has met no other.
func TestIDsThatNameNoRow(t *testing.T) {
	const rows, cols = 5, 1030 // two blocks of threads to a row
	for _, id := range []int32{-1, rows, math.MinInt32, math.MaxInt32} {
		for op, call := range map[string]func(be kernels.Backend, table, ids, y tensor.Tensor){
			"Gather":     func(be kernels.Backend, table, ids, y tensor.Tensor) { kernels.Gather(be, y, table, ids) },
			"ScatterAdd": func(be kernels.Backend, table, ids, y tensor.Tensor) { kernels.ScatterAdd(be, table, ids, y) },
		} {
			be := cudatest.Open(t, cudatest.Options{})
			call(be, numbersAt(be, 1, 0, rows, cols), tensor.MustFromInts(be, []int32{4, id, 0}, 3), numbersAt(be, 2, 0, 3, cols))
			err := be.Sync()
			if want := kernels.BadID(op, 1, id, rows); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %v, want %s", op, err, want)
			}
		}
	}
}
