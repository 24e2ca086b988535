package lens

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// Hash is what the tuned-lens library calls the hash of an unembedding (tuned_lens/utils.py,
// tensor_hash): SHA-256, in hexadecimal digits, of how numpy prints the head's weights [V E]
// with one digit after the point,
//
//	sha256(str.encode(np.array_str(w, precision=1)))
//
// of float32. Of more than a thousand weights numpy prints the three first and last of the
// three first and last rows alone: at asks for no others.
func Hash(rows, cols int, at func(row, col int) float32) string {
	sum := sha256.Sum256([]byte(printed(rows, cols, at)))
	return hex.EncodeToString(sum[:])
}

// How numpy prints by default (numpy/_core/arrayprint.py).
const (
	printEdge      = 3
	printThreshold = 1000
	printWidth     = 75
)

// printed is np.array_str(w, precision=1).
func printed(rows, cols int, at func(row, col int) float32) string {
	cut := rows*cols > printThreshold
	top, left := edges(rows, cut), edges(cols, cut)
	var values []float32
	for _, r := range top {
		for _, c := range left {
			if r >= 0 && c >= 0 {
				values = append(values, at(r, c))
			}
		}
	}
	f := newNumberFormat(values)
	var b strings.Builder
	b.WriteByte('[')
	for i, r := range top {
		if i > 0 {
			b.WriteString("\n ")
		}
		if r < 0 {
			b.WriteString("...")
			continue
		}
		words := make([]string, len(left))
		for k, c := range left {
			if words[k] = "..."; c >= 0 {
				words[k] = f.text(at(r, c))
			}
		}
		b.WriteString(printedRow(words))
	}
	b.WriteByte(']')
	return b.String()
}

// edges are the indices that are printed of n, -1 standing for those that are left out.
func edges(n int, cut bool) (list []int) {
	for i := range n {
		switch {
		case !cut || n <= 2*printEdge || i < printEdge || i >= n-printEdge:
			list = append(list, i)
		case i == printEdge:
			list = append(list, -1)
		}
	}
	return list
}

// printedRow sets the words of a row between brackets, broken where numpy breaks it.
func printedRow(words []string) string {
	const indent = "  "
	var done strings.Builder
	line := indent
	for _, w := range words {
		// A bracket of the matrix and one of the row stand at the end of a line.
		if len(line)+len(w) > printWidth-2 && len(line) > len(indent) {
			done.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += w + " "
	}
	done.WriteString(strings.TrimSuffix(line, " "))
	return "[" + done.String()[len(indent):] + "]"
}

// numberFormat is numpy's FloatingFormat of precision 1: all numbers of a matrix alike.
type numberFormat struct {
	scientific bool
	exponent   int // width of it, with its sign
	fraction   int // digits after the point, of scientific numbers all alike
	left       int // width before the point
	right      int // after it, of others
}

func newNumberFormat(values []float32) numberFormat {
	var f numberFormat
	low, high := math.Inf(1), 0.0
	finite := values[:0:0]
	for _, v := range values {
		x := math.Abs(float64(v))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		finite = append(finite, v)
		if x != 0 {
			low, high = min(low, x), max(high, x)
		}
	}
	// numpy divides in float32.
	f.scientific = high > 0 && (high >= 1e8 || low < 0.0001 || float32(high)/float32(low) > 1000)
	for _, v := range finite {
		whole, fraction, exponent := f.digits(v)
		f.left, f.exponent = max(f.left, len(whole)), max(f.exponent, len(exponent))
		f.fraction = max(f.fraction, len(fraction))
	}
	f.right = f.fraction
	if f.scientific {
		f.right = f.exponent + 1 + f.fraction
	}
	for _, v := range values { // "nan" and "inf" are right-aligned with the rest
		switch x := float64(v); {
		case math.IsNaN(x), math.IsInf(x, 1):
			f.left = max(f.left, 3-f.right-1)
		case math.IsInf(x, -1):
			f.left = max(f.left, 4-f.right-1)
		}
	}
	return f
}

// digits are the parts of a number, without trailing zeros: before the point, after it, and
// of a scientific one the exponent with its sign. It is the shortest that tells the
// float32 from its neighbours, or the nearest of one digit if that is longer.
func (f numberFormat) digits(v float32) (whole, fraction, exponent string) {
	x, verb := float64(v), byte('f')
	if f.scientific {
		verb = 'e'
	}
	s := strconv.FormatFloat(x, verb, 1, 64)
	if f.scientific {
		s, exponent, _ = strings.Cut(s, "e")
	}
	whole, fraction, _ = strings.Cut(s, ".")
	return whole, strings.TrimRight(fraction, "0"), exponent
}

// text is a number in the width of all.
func (f numberFormat) text(v float32) string {
	x := float64(v)
	switch {
	case math.IsNaN(x):
		return padded("nan", f.left+f.right+1)
	case math.IsInf(x, 1):
		return padded("inf", f.left+f.right+1)
	case math.IsInf(x, -1):
		return padded("-inf", f.left+f.right+1)
	}
	whole, fraction, exponent := f.digits(v)
	if !f.scientific {
		return padded(whole, f.left) + "." + fraction + strings.Repeat(" ", f.right-len(fraction))
	}
	fraction += strings.Repeat("0", f.fraction-len(fraction))
	return padded(whole, f.left) + "." + fraction + "e" + exponent[:1] + strings.Repeat("0", f.exponent-len(exponent)) + exponent[1:]
}

func padded(s string, width int) string {
	return strings.Repeat(" ", max(width-len(s), 0)) + s
}
