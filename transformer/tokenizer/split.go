package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The split patterns of published tokenizers that RE2 refuses (they look
// ahead) or reads differently. Each has a hand-written matcher below;
// split_test.go compares them with a backtracking engine.
const (
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	// To the reference's engine the inner brackets are a set inside a set, so
	// the class is all but white space and ( | . , ! ? … 。 ， 、 । ۔ ، ).
	patternBloom = ` ?[^(\s|[.,!?…。，、।۔،])]+`
)

// A matcher returns the length of the match at the start of s, which is not
// empty. Three of the patterns match at every position, so a text is cut by
// calling it again and again.
type matcher func(s string) int

// knownPattern returns the finder of a pattern, nil for none.
func knownPattern(pattern string) finder {
	switch pattern {
	case patternGPT2:
		return everywhere(matchGPT2)
	case patternLlama3:
		return everywhere(func(s string) int { return matchLlama3(s, 3) })
	case patternQwen2:
		return everywhere(func(s string) int { return matchLlama3(s, 1) })
	case patternBloom:
		return findBloom
	}
	return nil
}

func everywhere(match matcher) finder {
	return func(s string, found func(from, to int)) {
		for i := 0; i < len(s); {
			n := match(s[i:])
			found(i, i+n)
			i += n
		}
	}
}

// Classes of a rune in the patterns.
const (
	classOther = iota
	classLetter
	classNumber
	classSpace
)

var asciiClass = func() (table [utf8.RuneSelf]uint8) {
	for r := range rune(utf8.RuneSelf) {
		table[r] = slowClass(r)
	}
	return table
}()

func slowClass(r rune) uint8 {
	switch {
	case isLetter(r):
		return classLetter
	case isNumber(r):
		return classNumber
	case unicode.IsSpace(r):
		return classSpace
	}
	return classOther
}

// classAt returns the class and width of the rune at s[i]; i < len(s).
func classAt(s string, i int) (class uint8, width int) {
	if c := s[i]; c < utf8.RuneSelf {
		return asciiClass[c], 1
	}
	r, w := utf8.DecodeRuneInString(s[i:])
	return slowClass(r), w
}

// runEnd returns where the run of the class that starts at i ends.
func runEnd(s string, i int, class uint8) int {
	for i < len(s) {
		c, w := classAt(s, i)
		if c != class {
			break
		}
		i += w
	}
	return i
}

// contraction returns the length of 's 't 're 've 'm 'll 'd at the start of
// s, 0 for none.
func contraction(s string, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	at := func(i int) byte {
		if i >= len(s) {
			return 0
		}
		if c := s[i]; !fold || c < 'A' || c > 'Z' {
			return c
		}
		return s[i] + 'a' - 'A'
	}
	switch a, b := at(1), at(2); {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	case fold && strings.HasPrefix(s[1:], "ſ"): // U+017F folds to s
		return 3
	}
	return 0
}

// spaceRun matches \s+(?!\S)|\s+ at the start of s: a run of white space
// without its last rune where something else follows, unless it is the only
// one.
func spaceRun(s string) int {
	end := runEnd(s, 0, classSpace)
	if end == len(s) {
		return end
	}
	_, last := utf8.DecodeLastRuneInString(s[:end])
	if end > last {
		return end - last
	}
	return end
}

func matchGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	i := 0
	if s[0] == ' ' && len(s) > 1 {
		i = 1
	}
	class, w := classAt(s, i)
	if class == classSpace {
		return spaceRun(s)
	}
	return runEnd(s, i+w, class)
}

func matchLlama3(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	class, w := classAt(s, 0)
	switch {
	case class == classLetter:
		return runEnd(s, w, classLetter)
	case class == classNumber:
		end := w
		for n := 1; n < digits && end < len(s); n++ {
			c, w := classAt(s, end)
			if c != classNumber {
				break
			}
			end += w
		}
		return end
	case s[0] != '\r' && s[0] != '\n' && w < len(s):
		if c, v := classAt(s, w); c == classLetter {
			return runEnd(s, w+v, classLetter)
		}
	}
	i := 0
	if s[0] == ' ' && len(s) > 1 {
		i = 1
	}
	if c, v := classAt(s, i); c == classOther {
		end := runEnd(s, i+v, classOther)
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	if nl := strings.LastIndexAny(s[:runEnd(s, 0, classSpace)], "\r\n"); nl >= 0 {
		return nl + 1
	}
	return spaceRun(s)
}

func isBloomStop(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("(|.,!?…。，、।۔،)", r)
}

var bloomStop = func() (table [utf8.RuneSelf]bool) {
	for r := range rune(utf8.RuneSelf) {
		table[r] = isBloomStop(r)
	}
	return table
}()

// findBloom finds the runs of other runes than white space and sentence marks,
// each with the space before it.
func findBloom(s string, found func(from, to int)) {
	from := -1
	for i, r := range s {
		inside := r < utf8.RuneSelf && !bloomStop[r] || r >= utf8.RuneSelf && !isBloomStop(r)
		switch {
		case inside && from < 0:
			if from = i; i > 0 && s[i-1] == ' ' {
				from--
			}
		case !inside && from >= 0:
			found(from, i)
			from = -1
		}
	}
	if from >= 0 {
		found(from, len(s))
	}
}
