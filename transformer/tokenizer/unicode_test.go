package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestUnicodeAgreesWithReference: every property has the characters that the
// reference's engine gives it (testdata/unicode.json, made by gen_unicode.py; where Go
// has new tables, it is to be run again).
func TestUnicodeAgreesWithReference(t *testing.T) {
	text, err := os.ReadFile("testdata/unicode.json")
	var golden map[string][2]any
	if err == nil {
		err = json.Unmarshal(text, &golden)
	}
	if err != nil || len(golden) < 150 {
		t.Fatalf("%d properties, %v", len(golden), err)
	}
	for name, want := range golden {
		var set []rune
		switch name {
		case "word":
			set = ranges(isWord)
		case "punctuation":
			set = ranges(isMark)
		case "L":
			set = ranges(isLetter)
		case "N":
			set = ranges(isNumber)
		default:
			set = propertyRanges(name)
		}
		n, h := 0, sha256.New()
		for i := 0; i < len(set); i += 2 {
			for r := set[i]; r <= set[i+1]; r++ {
				n++
				fmt.Fprintf(h, "%d\n", r)
			}
		}
		if digest := hex.EncodeToString(h.Sum(nil)); float64(n) != want[0] || digest != want[1] {
			t.Errorf("%s: %d characters, want %v, or others than the reference's", name, n, want[0])
		}
	}
}

func ranges(in func(rune) bool) (out []rune) {
	for r := range rune(unicode.MaxRune + 1) {
		if !in(r) {
			continue
		}
		if n := len(out); n > 0 && out[n-1] == r-1 {
			out[n-1] = r
		} else {
			out = append(out, r, r)
		}
	}
	return out
}

// TestPatternsKnowNewCharacters: whatever way a pattern names a property, what is new
// in Unicode 16 belongs to it.
func TestPatternsKnowNewCharacters(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		in            bool
	}{
		{`\p{L}`, "L", true}, {`[\p{L}]`, "L", true}, {`[^\p{L}]`, "L", false}, {`\P{L}`, "L", false}, {`[\P{L}%]`, "L", false},
		{`\d`, "Nd", true}, {`[\d%]`, "Nd", true}, {`\D`, "Nd", false}, {`[\D%]`, "Nd", false}, {`\p{N}(?!x)`, "N", true},
		{`[\p{M}\p{Lo}]`, "Lo", true}, {`\p{Han}`, "Han", true}, {`\P{Han}(?!x)`, "Han", false}, {`\p{Lu}`, "Lu", true}, {`\p{S}`, "S", true},
	} {
		find, why := compilePattern(c.pattern, false)
		if why != "" {
			t.Errorf("%s: %s", c.pattern, why)
			continue
		}
		more := newer[c.name]
		for i := 0; i < len(more); i += 2 {
			for _, r := range []rune{more[i], more[i+1]} {
				matched := false
				find(string(r), func(int, int) { matched = true })
				if matched != c.in {
					t.Errorf("%s at %U: matched %t", c.pattern, r, matched)
				}
			}
		}
	}
}

// TestKnownPatternsKnowNewCharacters: the matchers by hand cut letters and digits of
// Unicode 16 as the reference does.
func TestKnownPatternsKnowNewCharacters(t *testing.T) {
	const digits, letters, marks = "\U00010D40\U00010D41\U000116D0\U00011BF0", "\U00010D50\u1c89\U000105C0", "\u1b7f\U000113D4"
	single := []string{digits[:4], digits[4:8], digits[8:12], digits[12:]}
	for pattern, want := range map[string][]string{
		patternGPT2:   {"a", digits, letters, " " + digits, marks, letters},
		patternLlama3: {"a", digits[:12], digits[12:], letters, " ", digits[:12], digits[12:], marks, letters},
		patternQwen2:  slices.Concat([]string{"a"}, single, []string{letters, " "}, single, []string{marks, letters}),
	} {
		text, got := "a"+digits+letters+" "+digits+marks+letters, []string{}
		knownPattern(pattern)(text, func(from, to int) { got = append(got, text[from:to]) })
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
