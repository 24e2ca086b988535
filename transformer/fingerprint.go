package transformer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"

	"lamina/formats"
	"lamina/nn"
	"lamina/tensor"
)

// Fingerprint digests named weights: SHA-256 over the sorted records
// "name\n[shape]\nsha256(F32 values, little-endian)\n". It does not depend on
// how a file stores them beyond their values.
func Fingerprint(params nn.Params) string {
	var records []string
	for w := range params {
		records = append(records, recordOf(w.Name, w.Value.Shape(), sumValues(w.Value)))
	}
	return sumRecords(records)
}

// FingerprintOf is [Fingerprint] of weights that no device has, by name and shape.
func FingerprintOf(weights iter.Seq2[formats.Entry, []float32]) string {
	var records []string
	for e, values := range weights {
		sum := sha256.Sum256(tensor.Bytes(values))
		records = append(records, recordOf(e.Name, e.Shape, sum[:]))
	}
	return sumRecords(records)
}

func recordOf(name string, shape []int, sum []byte) string {
	return fmt.Sprintf("%s\n%v\n%x\n", name, shape, sum)
}

func sumRecords(records []string) string {
	slices.Sort(records)
	h := sha256.New()
	for _, r := range records {
		io.WriteString(h, r)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// sumValues hashes a tensor's values as F32, some rows at a time: a copy of the
// whole may be larger than all the rest of a run.
func sumValues(t tensor.Tensor) []byte {
	const piece = 1 << 18
	h, rows := sha256.New(), t.Dim(0)
	step := max(piece*rows/max(t.Len(), 1), 1)
	for from := 0; from < rows; from += step {
		h.Write(tensor.Bytes(t.Slice(from, min(from+step, rows)).Float32s()))
	}
	return h.Sum(nil)
}
