package tokenizer

import (
	"math/bits"
	"slices"
	"strings"
	"testing"
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

func TestFilePatterns(t *testing.T) {
	for pattern, why := range map[string]string{
		`\s+|[aeiou]`:      "",
		`\p{N}{1,3}`:       "",
		`[^\s\p{L}]+`:      "",
		`(?:ab|c)+\.`:      "",
		`a(?!b)`:           "(?: )",
		`(a+)+$`:           "anchors",
		`^a`:               "anchors",
		`\bword\b`:         "differs",
		`(a)\1`:            "differs",
		`[[:alpha:]]`:      "named classes",
		`[a-z&&[^aeiou]]+`: "set operations",
		`a*`:               "empty text",
		`a++`:              "not RE2",
		`(`:                "not RE2",
		`[a`:               "not RE2",
		`\w+`:              "differs",
		`(?i)a`:            "(?: )",
		`a\`:               "not RE2",
	} {
		_, got := compilePattern(pattern)
		if (got == "") != (why == "") || !strings.Contains(got, why) {
			t.Errorf("pattern %s: refused because %q, want %q", pattern, got, why)
		}
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
