package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/dlclark/regexp2/v2"
)

// knownPatterns pairs every matcher with the engine it must equal.
func knownPatterns() map[string]*regexp2.Regexp {
	engines := map[string]*regexp2.Regexp{}
	for _, pattern := range []string{patternGPT2, patternLlama3, patternQwen2} {
		engines[pattern] = regexp2.MustCompile(pattern, regexp2.None)
	}
	engines[patternBloom] = regexp2.MustCompile(` ?[^(\s|.,!?…。，、।۔،)]+`, regexp2.None)
	return engines
}

// backtracked cuts s with the pattern itself.
func backtracked(t testing.TB, re *regexp2.Regexp, s string) []string {
	t.Helper()
	var out []string
	m, err := re.FindStringMatch(s)
	for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
		out = append(out, m.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func matched(find finder, s string) []string {
	var out []string
	find(s, func(from, to int) { out = append(out, s[from:to]) })
	return out
}

func compareWithPatterns(t testing.TB, engines map[string]*regexp2.Regexp, s string) {
	t.Helper()
	// The backtracking engine does not fold U+017F; the reference does, which
	// golden.json has ("it'ſ").
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "ſ", "")
	for pattern, engine := range engines {
		got := matched(knownPattern(pattern), s)
		if want := backtracked(t, engine, s); !slices.Equal(got, want) {
			t.Fatalf("pattern %.20s… cuts %q into %q, want %q", pattern, s, got, want)
		}
	}
}

func TestMatchersEqualPatterns(t *testing.T) {
	engines := knownPatterns()
	for _, s := range readGolden(t).texts() {
		compareWithPatterns(t, engines, s)
	}
	// Short texts over an alphabet with each class and each special case.
	alphabet := []string{"'", "s", "S", "L", "l", "e", "R", " ", "\n", "\r", "\t", "7", "é", "\u00a0", "!", "½", "\u0301", "(", "|", "،"}
	for code := range uint64(20000) {
		var s strings.Builder
		for x := bits.Reverse64(code * 0x9e3779b97f4a7c15); x > 0 && s.Len() < 9; x /= uint64(len(alphabet)) {
			s.WriteString(alphabet[x%uint64(len(alphabet))])
		}
		compareWithPatterns(t, engines, s.String())
	}
}

// TestClassTable keeps the quick table and the Unicode tables equal.
func TestClassTable(t *testing.T) {
	for r := range rune(len(asciiClass)) {
		if asciiClass[r] != slowClass(r) || (slowClass(r) == classSpace) != unicode.IsSpace(r) {
			t.Errorf("class of %q is %d, want %d", r, asciiClass[r], slowClass(r))
		}
	}
}

func TestFilePatternsRefused(t *testing.T) {
	for pattern, why := range map[string]string{
		`(a+)+$`:                     "anchors",
		`^a`:                         "anchors",
		`\bword\b`:                   "differs",
		`(a)\1`:                      "differs",
		`[[:alpha:]]`:                "named classes",
		`[a-z&&[^aeiou]]+`:           "set operations",
		`[a-z&&b]+`:                  "set operations",
		`a*`:                         "empty text",
		`(?=a)`:                      "empty text",
		`a?+(?!b)`:                   "empty text",
		`(`:                          "without an end",
		`a)`:                         "without its",
		`[a`:                         "no end",
		`[]a]`:                       "empty",
		`\w+`:                        "differs",
		`\h`:                         "differs",
		`(?i)a`:                      "groups",
		`(?<=a)b`:                    "groups",
		`(?<n>a)`:                    "groups",
		`a\`:                         "not RE2",
		`+a`:                         "nothing to repeat",
		`(?=a)+b`:                    "nothing to repeat",
		`a**`:                        "repetition of a repetition",
		`a+++`:                       "repetition of a repetition",
		`a{2}?`:                      "repetition of a repetition",
		`a{1,2}+`:                    "repetition of a repetition",
		`a{,2}`:                      "counts",
		`a{1001}`:                    "not RE2",
		`(?:(?:a{1000}){1000}b)(?!)`: "not RE2",
		`\p{C}`:                      "property",
		`\pL`:                        "property",
		`\p{l}`:                      "property",
		`\p{^L}`:                     "property",
		`(?i:ß)`:                     "ASCII",
		`(?i:mess)`:                  "ligatures",
		`(?i:[a-z])`:                 "classes inside",
		`[\d-z]`:                     "range",
		`[a-\d]`:                     "range",
		`[\S]`:                       "differs",
		`\é`:                         "differs",
		strings.Repeat("a", 5000):    "longer",
	} {
		if _, got := compilePattern(pattern, false); got == "" || !strings.Contains(got, why) {
			t.Errorf("pattern %.40s: refused because %q, want %q", pattern, got, why)
		}
	}
	if _, why := compilePattern(`a(?!b)`, true); !strings.Contains(why, "decoder") {
		t.Errorf("a decoder's pattern that looks ahead: refused because %q", why)
	}
}

// TestFilePatternsAgreeWithReference: patterns that are nobody's known one.
func TestFilePatternsAgreeWithReference(t *testing.T) {
	f, texts := readFamilies(t)
	for pattern, want := range f.Patterns {
		find, why := compilePattern(pattern, false)
		if why != "" {
			t.Errorf("pattern %s: refused: %s", pattern, why)
			continue
		}
		h := sha256.New()
		for _, s := range texts {
			splitBy(find, "Isolated", false)(whole(s, false), func(p piece) { fmt.Fprintf(h, "%d:%s", len(p.text), p.text) })
			h.Write([]byte("\n"))
		}
		if got := hex.EncodeToString(h.Sum(nil))[:16]; got != want {
			t.Errorf("pattern %s: the pieces differ from the reference's", pattern)
		}
	}
}

// TestHostilePattern: a pattern that would run for ever is an error that names
// it, and a panic only where no error can be returned.
func TestHostilePattern(t *testing.T) {
	const pattern = `(?:a+b?)+(?=[0-9])`
	split := `{"type":"Split","pattern":{"Regex":"` + pattern + `"},"behavior":"Isolated","invert":false}`
	tok, err := FromJSON([]byte(`{"pre_tokenizer":` + split + `,"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := tok.EncodeChecked("aa1", false); err != nil || len(ids) != 2 {
		t.Errorf("a text it can cut: ids %v, error %v", ids, err)
	}
	text := strings.Repeat("a", 100) + "! 1"
	for name, encode := range map[string]func() error{
		"EncodeChecked": func() error { _, err := tok.EncodeChecked(text, false); return err },
		"EncodeOffsets": func() error { _, _, err := tok.EncodeOffsets(text, false); return err },
		"Encode": func() (err error) {
			defer func() { err, _ = recover().(*PatternError) }()
			tok.Encode(text, false)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad *PatternError
			if err := encode(); !errors.As(err, &bad) || bad.Pattern != pattern || bad.Unwrap() == nil || !strings.Contains(err.Error(), pattern) {
				t.Errorf("error %v, want one with the pattern", err)
			}
		})
	}
}

// TestSlowMatches: on RE2 too, all matches of a text have a time limit. A limit
// of nothing is passed after the first matches.
func TestSlowMatches(t *testing.T) {
	run := func(left *patience, text string) (n int, err error) {
		defer rescue(&err)
		linearly("[a-z]+b|[a-z]", regexp.MustCompile("[a-z]+b|[a-z]"), left)(text, func(int, int) { n++ })
		return n, nil
	}
	text := strings.Repeat("a", 1000)
	if n, err := run(&patience{text: -time.Hour}, text); err == nil || !strings.Contains(err.Error(), "[a-z]+b") || n >= len(text) {
		t.Errorf("%d matches without time, error %v", n, err)
	}
	if n, err := run(nil, text); err != nil || n != len(text) {
		t.Errorf("%d matches, want %d; error %v", n, len(text), err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"I'll  go\r\n 123456 ", "a\u00a0 \n\n b", "'S'lLx"} {
		f.Add(s)
	}
	engines := knownPatterns()
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<12 {
			t.Skip("longer than the comparison needs")
		}
		compareWithPatterns(t, engines, s)
	})
}
