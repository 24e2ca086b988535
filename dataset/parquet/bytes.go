package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"lamina/record"
)

// bytesOf makes what the column means of bytes. Raw ones that are no text (an image)
// have no form in a record: who asks for them is told.
func bytesOf(leaf *node, b []byte) (record.Value, error) {
	switch leaf.form {
	case asDecimal:
		return decimal(signed(b), leaf.scale), nil
	case asHalf:
		return half(binary.LittleEndian.Uint16(b)), nil
	case asUUID:
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
	}
	if err := checkText(b); err != nil {
		if leaf.form == asBytes {
			return record.Unread{Why: err.Error()}, nil
		}
		return nil, err
	}
	return string(b), nil
}

// signed reads a big-endian number in two's complement.
func signed(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// decimal writes v·10^-scale as Python's str(Decimal) does: with all of its digits, and
// an exponent where the number is below 10^-6.
func decimal(v *big.Int, scale int) record.Cell {
	digits, sign := new(big.Int).Abs(v).String(), ""
	if v.Sign() < 0 {
		sign = "-"
	}
	if exponent := len(digits) - 1 - scale; exponent < -6 {
		if len(digits) > 1 {
			digits = digits[:1] + "." + digits[1:]
		}
		return record.Cell(fmt.Sprintf("%s%sE%d", sign, digits, exponent))
	}
	if scale == 0 {
		return record.Cell(sign + digits)
	}
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	point := len(digits) - scale
	return record.Cell(sign + digits[:point] + "." + digits[point:])
}

// half is the value of a float of 16 bits.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&31), float64(bits&1023)
	if bits>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return math.Copysign(math.Ldexp(fraction, -24), sign)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// julianEpoch is the Julian day of 1970-01-01.
const julianEpoch = 2_440_588

// oldTime is the time of an INT96: nanoseconds of a day, and the Julian day.
func oldTime(b []byte) string {
	nanos, day := binary.LittleEndian.Uint64(b), int32(binary.LittleEndian.Uint32(b[8:]))
	return time.Unix((int64(day)-julianEpoch)*24*3600, 0).Add(time.Duration(nanos)).UTC().Format(timeForm)
}
