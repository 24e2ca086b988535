// Package mutate makes bad inputs of good ones, the same ones for the same random numbers.
//
//	m := mutate.Mutator{Seeds: seeds, Words: []string{"dtype", "shape"}, Form: mutate.JSON}
//	bad := m.Next(rand.New(rand.NewPCG(seed, i)))
//
// A [Form] says what of a seed's structure is kept: values of a JSON document are
// exchanged for others, the header of a safetensors file fits its length, an archive or a
// compressed stream is packed again, so that what is changed lies behind the first checks.
// Half of what comes is changed by bytes alone.
package mutate

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Mutator makes mutants of its seeds.
type Mutator struct {
	Seeds [][]byte
	Words []string // that mean something to the reader, put in here and there
	Form  Form     // nil: bytes only
}

// Form changes a seed and keeps its structure; nil if the seed has not got it.
type Form func(seed []byte, m *Mutator, r *rand.Rand) []byte

// longest mutant, in bytes.
const longest = 1 << 20

// Next returns a mutant.
func (m *Mutator) Next(r *rand.Rand) []byte {
	seed := m.Seeds[r.IntN(len(m.Seeds))]
	var out []byte
	if m.Form != nil && r.IntN(2) == 0 {
		out = m.Form(seed, m, r)
	}
	if out == nil {
		out = m.Bytes(seed, r)
	}
	return out[:min(len(out), longest)]
}

// Bytes changes bytes of a seed: one to some places, often near its ends, where headers
// and footers stand.
func (m *Mutator) Bytes(seed []byte, r *rand.Rand) []byte {
	out := slices.Clone(seed)
	for range 1 + r.IntN(1+r.IntN(6)) {
		out = m.once(out, r)
	}
	return out
}

func (m *Mutator) once(b []byte, r *rand.Rand) []byte {
	if len(b) == 0 {
		return []byte{byte(r.Uint32())}
	}
	at := place(len(b), r)
	end := min(len(b), at+1+r.IntN(1+r.IntN(64)))
	switch r.IntN(13) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
	case 1:
		b[at] = byte(r.Uint32())
	case 2:
		return slices.Delete(b, at, end)
	case 3:
		return slices.Insert(b, at, bytes.Repeat(b[at:end:end], 1+r.IntN(1<<r.IntN(10)))...)
	case 4:
		return b[:at]
	case 5:
		return append(b, b[at:end:end]...)
	case 6, 7:
		return number(b, at, r)
	case 8, 9:
		return digits(b, at, r)
	case 10:
		if len(m.Words) > 0 {
			return slices.Insert(b, at, []byte(m.Words[r.IntN(len(m.Words))])...)
		}
		return slices.Insert(b, at, byte(r.Uint32()))
	case 11: // a part of another seed
		other := m.Seeds[r.IntN(len(m.Seeds))]
		if len(other) == 0 {
			return b
		}
		from := r.IntN(len(other))
		part := other[from:min(len(other), from+1+r.IntN(256))]
		if r.IntN(2) == 0 {
			return slices.Insert(b, at, part...)
		}
		copy(b[at:], part)
	case 12:
		return slices.Insert(b, at, nested(r)...)
	}
	return b
}

// place draws a position, half of the time within 256 bytes of an end.
func place(n int, r *rand.Rand) int {
	switch r.IntN(4) {
	case 0:
		return r.IntN(min(n, 256))
	case 1:
		return n - 1 - r.IntN(min(n, 256))
	}
	return r.IntN(n)
}

// odd numbers, at which sums and products overflow and signs turn.
var odd = []uint64{0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 20, 1<<24 - 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
	1 << 40, 1<<53 + 1, 1<<62 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 1, 1<<64 - 8}

// number writes a binary number over some bytes.
func number(b []byte, at int, r *rand.Rand) []byte {
	x := odd[r.IntN(len(odd))]
	var raw [8]byte
	if r.IntN(4) == 0 {
		binary.BigEndian.PutUint64(raw[:], x)
	} else {
		binary.LittleEndian.PutUint64(raw[:], x)
	}
	copy(b[at:], raw[:1<<r.IntN(4)])
	return b
}

var oddText = []string{"0", "-1", "1", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809",
	"1e308", "1e400", "-1e400", "1e-400", "0.1", "-0", "00", "1.", ".5", "0x10", "NaN", "Infinity", "1" + strings.Repeat("0", 400)}

// digits replaces the next number in a text.
func digits(b []byte, at int, r *rand.Rand) []byte {
	from := bytes.IndexAny(b[at:], "0123456789")
	if from < 0 {
		return number(b, at, r)
	}
	from += at
	to := from
	for to < len(b) && b[to] >= '0' && b[to] <= '9' {
		to++
	}
	text := oddText[r.IntN(len(oddText))]
	if n, err := strconv.Atoi(string(b[from:to])); err == nil && r.IntN(3) == 0 {
		text = strconv.Itoa(n + r.IntN(5) - 2)
	}
	return slices.Replace(b, from, to, []byte(text)...)
}

// nested returns many of the same bracket or word.
func nested(r *rand.Rand) []byte {
	open := []string{"[", "{", "(", `{"a":`, "[[", "- ", "{{", "{%", "\"", "'", "\\", "\x00", " ", "\n", ",", "x"}
	return bytes.Repeat([]byte(open[r.IntN(len(open))]), 1<<r.IntN(14))
}
