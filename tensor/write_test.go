package tensor_test

import (
	"bytes"
	"errors"
	"testing"

	"lamina/kernels/ref"
	"lamina/tensor"
)

func TestWriteToWritesEveryPiece(t *testing.T) {
	be := ref.New()
	for _, n := range []int{0, 1, 1 << 18, 1<<18 + 1, 1<<19 + 7} {
		x := tensor.MustNew(be, tensor.F32, n+3).Slice(3, n+3)
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i)
		}
		x.SetFloat32s(values)
		var out bytes.Buffer
		if m, err := x.WriteTo(&out); err != nil || m != int64(4*n) || !bytes.Equal(out.Bytes(), x.Raw()) {
			t.Errorf("%d elements: wrote %d bytes, %v", n, m, err)
		}
	}
}

type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return 0, errors.New("no space left")
	}
	f.room -= len(b)
	return len(b), nil
}

func TestWriteToStopsAtAnError(t *testing.T) {
	x := tensor.MustNew(ref.New(), tensor.F32, 1<<19)
	if n, err := x.WriteTo(&full{room: 1 << 20}); err == nil || n != 1<<20 {
		t.Errorf("wrote %d bytes, %v; want the first megabyte and an error", n, err)
	}
}
