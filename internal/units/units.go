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
