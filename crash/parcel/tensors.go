package parcel

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/tensor"
)

// TensorStats is what is seen of a tensor without knowing what it is for.
type TensorStats struct {
	Slot
	Norm float64 `json:"norm"` // Euclidean, in float64, of the finite values
	NaN  int     `json:"nan,omitempty"`
	Inf  int     `json:"inf,omitempty"`
	sum  [sha256.Size]byte
}

// tensorsOf reads the tensors of the safetensors files among some of a directory, by name.
// Two of one name are an error.
func tensorsOf(dir string, all []File) ([]TensorStats, error) {
	var parts []formats.Reader
	for _, f := range all {
		if !strings.HasSuffix(f.Name, ".safetensors") {
			continue
		}
		part, err := safetensors.Open(filepath.Join(dir, f.Name))
		if err != nil {
			for _, p := range parts {
				p.Close()
			}
			return nil, err
		}
		parts = append(parts, part)
	}
	r, err := formats.Join(dir, parts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []TensorStats
	for _, name := range r.Names() {
		e, _ := r.Entry(name)
		data, err := r.Bytes(name)
		if err != nil {
			return nil, err
		}
		s := TensorStats{Slot: Slot{name, e.TypeName(), e.Shape}, sum: sha256.Sum256(data)}
		s.measure(data, e.DType)
		r.Release(name)
		out = append(out, s)
	}
	return out, nil
}

// measure counts and adds up values, some at a time: a tensor widened may be larger than
// all the rest.
func (s *TensorStats) measure(data []byte, d tensor.DType) {
	if !d.IsFloat() {
		return
	}
	const piece = 1 << 16 // elements, whole blocks of every type
	values := make([]float32, piece)
	squares := 0.0
	for len(data) > 0 {
		n := min(piece, len(data)/d.Bytes(d.BlockLen())*d.BlockLen())
		tensor.DecodeF32(values[:n], data[:d.Bytes(n)], d)
		data = data[d.Bytes(n):]
		for _, v := range values[:n] {
			switch x := float64(v); {
			case math.IsNaN(x):
				s.NaN++
			case math.IsInf(x, 0):
				s.Inf++
			default:
				squares += float64(x * x)
			}
		}
	}
	s.Norm = math.Sqrt(squares)
}

// TensorsDigest returns the SHA-256 over the records of tensors that are sorted by name,
// so that it stays when the same tensors are put into other files: the length of the name
// (uint32), the name, that of the type (uint32), the type ("F32"), the number of axes
// (uint32), each axis (uint64), the SHA-256 of the bytes; numbers are little-endian.
func TensorsDigest(all []TensorStats) string {
	h := sha256.New()
	var b []byte
	for _, s := range all {
		b = binary.LittleEndian.AppendUint32(b[:0], uint32(len(s.Name)))
		b = append(b, s.Name...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s.DType)))
		b = append(b, s.DType...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s.Shape)))
		for _, n := range s.Shape {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
		h.Write(append(b, s.sum[:]...))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkFinite wants numbers in all tensors.
func checkFinite(dir string, all []TensorStats) error {
	for _, s := range all {
		if s.NaN+s.Inf > 0 {
			return fmt.Errorf("%s: tensor %s: %d NaN and %d infinite values: nothing can be computed with them", dir, formats.Quote(s.Name), s.NaN, s.Inf)
		}
	}
	return nil
}
