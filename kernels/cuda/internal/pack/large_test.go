package pack_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/ptx"
)

// Arrays of 2³² elements and more are told where an element lies by divisions of 64 bits
// in place of 32. One block of threads has the same elements either way.
func TestPlacesInLargeArrays(t *testing.T) {
	const tile, large = 1024, 1<<32 + 7
	sizes := []uint64{2, 7, 8, 19} // 2128 elements
	for _, c := range []struct {
		kernel string
		params func(y, x uint64, n uint64) []any
	}{
		{"lamina_binary_broadcast", func(y, x, n uint64) []any {
			return []any{y, x, x + 4, n, sizes, []uint64{0, 19, 0, 1}, []uint64{152, 0, 19, 1}, uint32(0)}
		}},
		{"lamina_permute", func(y, x, n uint64) []any { return []any{y, x, n, sizes, []uint64{19, 38, 266, 1}} }},
		{"lamina_copy_axis", func(y, x, n uint64) []any {
			return []any{y, x, uint64(1), uint64(2), n, uint64(37), uint64(41), uint64(39), uint32(0)}
		}},
	} {
		m := ptx.New(ptx.Options{})
		x := m.Alloc(4 * 4096)
		from := make([]byte, 4*4096)
		for i := range 4096 {
			binary.LittleEndian.PutUint32(from[4*i:], uint32(i)+0x3f800000)
		}
		if err := m.Write(x, from); err != nil {
			t.Fatal(err)
		}
		var results [2][]byte
		for i, n := range []uint64{tile, large} {
			y := m.Alloc(4 * 4096)
			if err := m.Set(y, 0, 4*4096); err != nil {
				t.Fatal(err)
			}
			runBlock(t, m, c.kernel, c.params(y, x, n)...)
			b, err := m.Bytes(y, 4*4096)
			if err != nil {
				t.Fatal(err)
			}
			results[i] = bytes.Clone(b)
		}
		if !bytes.Equal(results[0], results[1]) || bytes.Count(results[0], []byte{0}) == len(results[0]) {
			t.Errorf("%s: elements of a large array lie elsewhere", c.kernel)
		}
	}
}

// runBlock runs one block of 256 threads.
func runBlock(t *testing.T, m *ptx.Machine, kernel string, params ...any) {
	t.Helper()
	k, ok := pack.Find(kernel)
	if !ok {
		t.Fatal("no kernel " + kernel)
	}
	text, err := pack.PTX(k.Module)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ptx.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	for _, v := range params {
		if err := binary.Write(&raw, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if raw.Len() != k.Bytes {
		t.Fatalf("%s takes %d bytes of parameters, has %d", kernel, k.Bytes, raw.Len())
	}
	if err := m.Launch(p, kernel, [3]int{1, 1, 1}, [3]int{256, 1, 1}, 0, raw.Bytes()); err != nil {
		t.Fatal(err)
	}
}
