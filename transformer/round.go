package transformer

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"lamina/formats"
	"lamina/tensor"
)

// All that is written in another type than it has goes through encode: a value that
// rounding would make infinite ends there.

// recode converts a tensor a few thousand elements at a time.
func recode(w io.Writer, data []byte, e formats.Entry, as tensor.DType) error {
	const chunk = 1 << 14 // whole blocks of every type
	wide := make([]float32, chunk)
	for at, n := 0, e.Elems(); at < n; at += chunk {
		m := min(n-at, chunk)
		size := e.DType.Bytes(m)
		tensor.DecodeF32(wide[:m], data[:size], e.DType)
		if e.DType == tensor.F64 {
			for i, v := range wide[:m] {
				if was := math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])); math.IsInf(float64(v), 0) && !math.IsInf(was, 0) {
					return tooLarge(at+i, was, tensor.F32)
				}
			}
		}
		if err := encode(w, wide[:m], at, as); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

// overflows has the first magnitude that a type rounds to infinity.
var overflows = map[tensor.DType]float32{tensor.F16: 65520, tensor.BF16: math.Float32frombits(0x7f7f8000)}

// encode writes values of a tensor from its element first on, rounded to a type. A finite
// value that would become infinite is an error, which who writes the tensor gives its name.
func encode(w io.Writer, values []float32, first int, as tensor.DType) error {
	if most, ok := overflows[as]; ok {
		for i, v := range values {
			if v >= most && v <= math.MaxFloat32 || v <= -most && v >= -math.MaxFloat32 {
				return tooLarge(first+i, float64(v), as)
			}
		}
	}
	raw := make([]byte, as.Bytes(len(values)))
	tensor.EncodeF32(raw, values, as)
	_, err := w.Write(raw)
	return err
}

// tooLarge names a value that a type would make infinite, and the types that hold it.
func tooLarge(at int, v float64, as tensor.DType) error {
	remedy := "--dtype f32 keeps it"
	switch {
	case as == tensor.F32:
		remedy = "no type that is written keeps it"
	case as == tensor.F16 && math.Abs(v) < float64(overflows[tensor.BF16]):
		remedy = "--dtype bf16 or f32 keeps it"
	}
	return fmt.Errorf("element %d is %.8g, which %s would round to infinity: %s", at, v, as, remedy)
}
