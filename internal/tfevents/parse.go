package tfevents

import (
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields walks the fields of a message; those that take does not know it leaves.
func fields(b []byte, take func(n protowire.Number, kind protowire.Type, value []byte)) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if size = protowire.ConsumeFieldValue(n, kind, b); size < 0 {
			return protowire.ParseError(size)
		}
		take(n, kind, b[:size])
		b = b[size:]
	}
	return nil
}

// parse reads an event, and the version where it is the first record.
func parse(message []byte) (e Event, version string, err error) {
	var summary []byte
	err = fields(message, func(n protowire.Number, kind protowire.Type, v []byte) {
		switch {
		case n == 1 && kind == protowire.Fixed64Type:
			bits, _ := protowire.ConsumeFixed64(v)
			e.Time = time.Unix(0, int64(math.Round(math.Float64frombits(bits)*1e9)))
		case n == 2 && kind == protowire.VarintType:
			step, _ := protowire.ConsumeVarint(v)
			e.Step = int64(step)
		case n == 3 && kind == protowire.BytesType:
			version, _ = protowire.ConsumeString(v)
		case n == 5 && kind == protowire.BytesType:
			summary, _ = protowire.ConsumeBytes(v)
		}
	})
	if err != nil {
		return e, version, err
	}
	err = fields(summary, func(n protowire.Number, kind protowire.Type, v []byte) {
		value, _ := protowire.ConsumeBytes(v)
		if n == 1 && kind == protowire.BytesType {
			e.Scalars = append(e.Scalars, scalar(value))
		}
	})
	return e, version, err
}

// scalar reads a value of a summary.
func scalar(b []byte) (s Scalar) {
	fields(b, func(n protowire.Number, kind protowire.Type, v []byte) {
		switch {
		case n == 1 && kind == protowire.BytesType:
			s.Tag, _ = protowire.ConsumeString(v)
		case n == 2 && kind == protowire.Fixed32Type:
			bits, _ := protowire.ConsumeFixed32(v)
			s.Value = float64(math.Float32frombits(bits))
		}
	})
	return s
}
