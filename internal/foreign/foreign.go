// Package foreign makes an error of a panic in code that is not ours, where that code is
// given bytes from outside: a decoder that a damaged file leads astray is a fault of the
// file, and whoever called reads on.
//
//	func unpack(src []byte) (out []byte, err error) {
//		defer foreign.Recover(&err, "its decoder")
//		return snappy.Decode(nil, src)
//	}
//
// Invariants: only the call into the library stands under it, never our own work, whose
// panics are faults of ours and stop the program. It does not reach goroutines that the
// library starts, nor a stack or memory that is used up: depth and size are limited
// before the call. What the library held is not used again.
package foreign

import (
	"fmt"
	"strings"
	"unicode"
)

// Recover, deferred, makes *err of a panic: what gave up, and how, in a short line without
// control characters, since a library may quote what it read. It leaves *err alone where
// there is no panic.
func Recover(err *error, what string) {
	if fault := recover(); fault != nil {
		*err = fmt.Errorf("%s gave up: %.200s", what, strings.Map(printable, fmt.Sprint(fault)))
	}
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}
