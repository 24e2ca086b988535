package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The reference's engines have Unicode 16, Go's tables an older one: what the two count
// differently stands in unicode16.go, by the names of categories and scripts, with
// "word" for \w of the Rust regex crate and "punctuation" for the pre-tokenizer of that
// name, whose table is the oldest of all.
var (
	newLetters, newNumbers = rangeTable(newer["L"]), rangeTable(newer["N"])
	newWords               = rangeTable(newer["word"])
	newMarks, oldMarks     = rangeTable(newer["punctuation"]), rangeTable(older["punctuation"])
)

func rangeTable(ranges []rune) *unicode.RangeTable {
	t := &unicode.RangeTable{}
	for i := 0; i < len(ranges); i += 2 {
		t.R32 = append(t.R32, unicode.Range32{Lo: uint32(ranges[i]), Hi: uint32(ranges[i+1]), Stride: 1})
	}
	return t
}

func isLetter(r rune) bool {
	return unicode.IsLetter(r) || r >= utf8.RuneSelf && unicode.Is(newLetters, r)
}

func isNumber(r rune) bool {
	return unicode.IsNumber(r) || r >= utf8.RuneSelf && unicode.Is(newNumbers, r)
}

// isWord is \w of the Rust regex crate (UTS 18: alphabetic, mark, decimal
// digit, connector punctuation, join control).
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) || unicode.Is(unicode.Nl, r) ||
		unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Other_Alphabetic, r) || r == 0x200c || r == 0x200d || unicode.Is(newWords, r)
}

// isMark reports whether the pre-tokenizer Punctuation cuts at r.
func isMark(r rune) bool {
	if r < utf8.RuneSelf {
		return unicode.IsPunct(r) || unicode.IsSymbol(r)
	}
	return unicode.IsPunct(r) && !unicode.Is(oldMarks, r) || unicode.Is(newMarks, r)
}

// isProperty reports whether a name is a category or a script. C and Cn are
// not: the tables here leave out code points without a character.
func isProperty(name string) bool {
	if name == "C" || name == "Cn" || name == "Cs" || name == "LC" {
		return false
	}
	return unicode.Categories[name] != nil || unicode.Scripts[name] != nil
}

// propertySet returns the inside of a character class with the characters of a
// property, or all others, as the reference's engine has them.
func propertySet(name string, negated bool) string {
	if newer[name] == nil && older[name] == nil {
		return `\` + map[bool]string{false: "p", true: "P"}[negated] + "{" + name + "}"
	}
	if !negated && older[name] == nil {
		return `\p{` + name + `}` + spelledRanges(newer[name])
	}
	set := propertyRanges(name)
	if negated {
		set = otherRanges(set)
	}
	return spelledRanges(set)
}

// propertyRanges returns the characters of a property, as first and last of each range.
func propertyRanges(name string) []rune {
	table := unicode.Categories[name]
	if table == nil {
		table = unicode.Scripts[name]
	}
	var pairs [][2]rune
	take := func(lo, hi, stride rune) {
		for r := lo; r <= hi; r += stride {
			if stride == 1 && older[name] == nil {
				pairs = append(pairs, [2]rune{lo, hi})
				return
			}
			if !unicode.Is(rangeTable(older[name]), r) {
				pairs = append(pairs, [2]rune{r, r})
			}
		}
	}
	for _, r := range table.R16 {
		take(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		take(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for i := 0; i < len(newer[name]); i += 2 {
		take(newer[name][i], newer[name][i+1], 1)
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out []rune
	for _, p := range pairs {
		if n := len(out); n > 0 && out[n-1] == p[0]-1 {
			out[n-1] = p[1]
		} else {
			out = append(out, p[0], p[1])
		}
	}
	return out
}

// otherRanges returns all characters that are not in ranges.
func otherRanges(ranges []rune) []rune {
	var out []rune
	next := rune(0)
	for i := 0; i < len(ranges); i += 2 {
		if next < ranges[i] {
			out = append(out, next, ranges[i]-1)
		}
		next = ranges[i+1] + 1
	}
	return append(out, next, unicode.MaxRune)
}

// spelledRanges writes ranges for the inside of a character class of any engine.
func spelledRanges(ranges []rune) string {
	var s strings.Builder
	one := func(r rune) {
		if r < utf8.RuneSelf && !isAlnum(byte(r)) {
			s.WriteString(`\x` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
			return
		}
		s.WriteRune(r)
	}
	for i := 0; i < len(ranges); i += 2 {
		one(ranges[i])
		if ranges[i+1] > ranges[i] {
			s.WriteByte('-')
			one(ranges[i+1])
		}
	}
	return s.String()
}
