package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// The byte-level alphabet (GPT-2, encoder.py: bytes_to_unicode): printable
// Latin-1 bytes stand for themselves, the 68 others for U+0100 and up in
// byte order.
var (
	byteToRune = byteAlphabet()
	runeToByte = invertAlphabet(byteToRune)
)

func byteAlphabet() (table [256]rune) {
	extra := rune(256)
	for b := range 256 {
		r := rune(b)
		if r >= '!' && r <= '~' || r >= 0xa1 && r <= 0xac || r >= 0xae {
			table[b] = r
			continue
		}
		table[b] = extra
		extra++
	}
	return table
}

// invertAlphabet returns the byte of every rune below U+0144, -1 for none.
func invertAlphabet(table [256]rune) (inverse [324]int16) {
	for i := range inverse {
		inverse[i] = -1
	}
	for b, r := range table {
		inverse[r] = int16(b)
	}
	return inverse
}

// toByteLevel spells the bytes of s in the byte-level alphabet.
func toByteLevel(s string) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/2)
	for i := range len(s) {
		out.WriteRune(byteToRune[s[i]])
	}
	return out.String()
}

// fromByteLevel is the inverse of toByteLevel; ok is false where s holds a
// rune outside the alphabet.
func fromByteLevel(s string) (raw string, ok bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if int(r) >= len(runeToByte) || runeToByte[r] < 0 {
			return "", false
		}
		out = append(out, byte(runeToByte[r]))
	}
	return string(out), true
}

// replaceInvalid puts one U+FFFD for every maximal ill-formed part of s, as
// Rust's from_utf8_lossy and Python's errors="replace" do. (Go's own
// conversions put one for every byte, or one for a whole run.)
func replaceInvalid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && w == 1 {
			w = illFormed(s[i:])
		}
		out.WriteRune(r)
		i += w
	}
	return out.String()
}

// illFormed returns the length of the maximal ill-formed part s starts with
// (Unicode 15, table 3-7: the longest prefix of some well-formed sequence).
func illFormed(s string) int {
	need, lo, hi := 0, byte(0x80), byte(0xbf)
	switch c := s[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		if c == 0xe0 {
			lo = 0xa0
		} else if c == 0xed {
			hi = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for ; n <= need && n < len(s) && s[n] >= lo && s[n] <= hi; n++ {
		lo, hi = 0x80, 0xbf
	}
	return n
}
