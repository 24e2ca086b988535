package cpu

import (
	"fmt"

	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// view is a strided matrix of F32 as stored: element (i, j) is
// data[i·stride+j]. A head of [N H·K] is a view with stride H·K.
type view struct {
	data               []float32
	rows, cols, stride int
}

// viewOf returns all of an F32 tensor as a matrix.
func viewOf(t tensor.Tensor) view {
	return view{tensor.HostFloats[float32](t), t.Rows(), t.Cols(), t.Cols()}
}

// packPanelsOf packs the outer indices [from, to) and inner indices
// [k0, k0+kl) of an operand into panels of the given width, one after the
// other, the last one filled up with zeros. The outer index runs over the rows
// of v, or its columns with across.
func packPanelsOf(dst []float32, width int, v view, across bool, from, to, k0, kl int) {
	if across {
		simd.Gather(dst, width, v.data[k0*v.stride+from:], v.stride, to-from, kl)
		return
	}
	for i := from; i < to; i += width {
		simd.Interleave(dst, width, v.data[i*v.stride+k0:], v.stride, min(width, to-i), kl)
		dst = dst[width*kl:]
	}
}

// weight is a matrix of any float storage type, in place.
type weight struct {
	dtype      tensor.DType
	bytes      []byte
	f32        []float32 // the same, if F32
	rows, cols int
	rowBytes   int
	fixed      *tensor.Fixed // or nil: it may change
}

func weightOf(t tensor.Tensor) weight {
	w := weight{dtype: t.DType(), rows: t.Rows(), cols: t.Cols(), bytes: tensor.HostBytes(t), fixed: t.Fixed()}
	if w.dtype == tensor.F32 {
		w.f32 = tensor.View[float32](w.bytes)
	}
	w.rowBytes = w.dtype.Bytes(w.cols)
	return w
}

// stored returns the bytes of columns [from, to) of row i, whole blocks.
func (w *weight) stored(i, from, to int) []byte {
	row := w.bytes[i*w.rowBytes:]
	return row[w.dtype.Bytes(from):w.dtype.Bytes(to)]
}

// row widens columns [from, to) of row i into dst, whole blocks or parts of them.
func (w *weight) row(dst []float32, i, from, to int) {
	n := w.dtype.BlockLen()
	if from%n == 0 && to%n == 0 {
		simd.Decode(dst[:to-from], w.stored(i, from, to), w.dtype)
		return
	}
	var block [256]float32 // the largest there is
	for from < to {
		start := from / n * n
		simd.Decode(block[:n], w.stored(i, start, start+n), w.dtype)
		done := copy(dst[:to-from], block[from-start:n])
		dst, from = dst[done:], from+done
	}
}

// columnUnit returns what runs of columns of op(w) that are packed are multiples of,
// at least unit: whole blocks, where a block lies across columns.
func (w *weight) columnUnit(trans bool, unit int) int {
	if trans || w.dtype.BlockLen() <= unit {
		return unit
	}
	return stripCols
}

// pack packs columns [j0, j1) and inner indices [k0, k0+kl) of op(w), widened.
// j0 and k0 are multiples of a block.
func (w *weight) pack(s *scratch, dst []float32, width int, trans bool, j0, j1, k0, kl int) {
	if w.f32 != nil {
		packPanelsOf(dst, width, view{w.f32, w.rows, w.cols, w.cols}, !trans, j0, j1, k0, kl)
		return
	}
	if !trans {
		n := j1 - j0
		wide := grow(&s.wide, kl*n)
		for p := range kl {
			w.row(wide[p*n:], k0+p, j0, j1)
		}
		packPanelsOf(dst, width, view{wide, kl, n, n}, true, 0, n, 0, kl)
		return
	}
	wide := grow(&s.wide, width*kl)
	for j := j0; j < j1; j += width {
		n := min(width, j1-j)
		for i := range n {
			w.row(wide[i*kl:], j+i, k0, k0+kl)
		}
		packPanelsOf(dst, width, view{wide, n, kl, kl}, false, 0, n, 0, kl)
		dst = dst[width*kl:]
	}
}

// mustF32 panics unless all tensors are F32.
func mustF32(op string, ts ...tensor.Tensor) {
	for _, t := range ts {
		if t.DType() != tensor.F32 {
			panic(fmt.Sprintf("cpu: %s: computes in F32 only, got %v", op, t))
		}
	}
}
