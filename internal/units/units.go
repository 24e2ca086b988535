// Package units shows sizes and counts for people.
//
//	units.Bytes(1536)      // "1.5 KiB"
//	units.Count(134515008) // "134,515,008"
//
// Invariants: texts do not depend on the machine's language, and a text never stands for
// two numbers that differ by more than its last digit.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes shows a size for people: 1536 is "1.5 KiB".
func Bytes(n int) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, i := float64(n)/unit, 0
	for ; value >= unit && i < len("KMGT")-1; i++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[i])
}

// Count groups the digits of a count: 134515008 is "134,515,008".
func Count(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// ParseBytes reads a size as people write it: "1.5 GiB", "512MiB", "2G", or bytes alone.
// Units are powers of 1024.
func ParseBytes(text string) (int, error) {
	number := strings.TrimSpace(text)
	scale := 1.0
	for i, letter := range "KMGT" {
		for _, unit := range []string{"iB", "B", ""} {
			if n, ok := strings.CutSuffix(number, string(letter)+unit); ok && scale == 1 {
				number, scale = strings.TrimSpace(n), math.Pow(1024, float64(i+1))
			}
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !(value >= 0) || value*scale > 1<<60 {
		return 0, fmt.Errorf("%.32q is no size: want a number of bytes, or one with KiB, MiB, GiB or TiB", text)
	}
	return int(value * scale), nil
}
