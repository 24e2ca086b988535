package tokenizer

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// A finder calls found for every match of a pattern in s, left to right.
type finder func(s string, found func(from, to int))

// parsePattern reads {"String": s} or {"Regex": s}.
func parsePattern(f field) (finder, error) {
	if err := f.only("String", "Regex"); err != nil {
		return nil, err
	}
	if !f.at("String").null() {
		literal, err := f.at("String").text("")
		if err != nil {
			return nil, err
		}
		if literal == "" {
			return nil, f.errorf("empty pattern")
		}
		return literalFinder(literal), nil
	}
	pattern, err := f.at("Regex").text("")
	if err != nil {
		return nil, err
	}
	if match := knownPattern(pattern); match != nil {
		return func(s string, found func(from, to int)) {
			for i := 0; i < len(s); {
				n := match(s[i:])
				found(i, i+n)
				i += n
			}
		}, nil
	}
	if pattern == patternBLOOM {
		pattern = flatBLOOM
	}
	re, why := compilePattern(pattern)
	if why != "" {
		return nil, f.at("Regex").errorf("pattern %s is none of the known ones (GPT-2, LLaMA-3, Qwen2, BLOOM) and not safe to run: %s", quote(pattern), why)
	}
	return func(s string, found func(from, to int)) {
		for _, m := range re.FindAllStringIndex(s, -1) {
			found(m[0], m[1])
		}
	}, nil
}

func literalFinder(literal string) finder {
	return func(s string, found func(from, to int)) {
		for i := 0; ; {
			at := strings.Index(s[i:], literal)
			if at < 0 {
				return
			}
			found(i+at, i+at+len(literal))
			i += at + len(literal)
		}
	}
}

// Unicode's meaning of \s and \d, which the reference's engine has and RE2
// has not, as the inside of a character class.
const (
	unicodeSpace = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	unicodeDigit = `\p{Nd}`
)

// compilePattern compiles a pattern where RE2 (linear time) and the
// reference's engine (Oniguruma) mean the same by it; else it says why not.
func compilePattern(pattern string) (*regexp.Regexp, string) {
	if len(pattern) > 4096 {
		return nil, "longer than 4096 bytes"
	}
	var out strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			text, why := translateEscape(pattern[i], inClass)
			if why != "" {
				return nil, why
			}
			out.WriteString(text)
			continue
		case inClass && (c == '[' || c == '&'):
			return nil, "set operations and named classes inside [ ] differ between engines"
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case !inClass && (c == '^' || c == '$'):
			return nil, "the anchors ^ and $ differ between engines"
		case !inClass && c == '(' && strings.HasPrefix(pattern[i:], "(?") && !strings.HasPrefix(pattern[i:], "(?:"):
			return nil, "only plain groups and (?: ) are known"
		}
		out.WriteByte(pattern[i])
		if pattern[i] == '[' && i+1 < len(pattern) && pattern[i+1] == '^' {
			i++
			out.WriteByte('^')
		}
	}
	parsed, err := syntax.Parse(out.String(), syntax.Perl)
	if err != nil {
		return nil, "not RE2: " + quote(err.Error())
	}
	re, err := regexp.Compile(parsed.String())
	if err != nil {
		return nil, "not RE2: " + quote(err.Error())
	}
	if re.MatchString("") {
		return nil, "it matches the empty text"
	}
	return re, ""
}

func translateEscape(c byte, inClass bool) (text, why string) {
	wrap := func(set string) string {
		if inClass {
			return set
		}
		return "[" + set + "]"
	}
	switch {
	case c == 's':
		return wrap(unicodeSpace), ""
	case c == 'd':
		return wrap(unicodeDigit), ""
	case c == 'S' && !inClass:
		return "[^" + unicodeSpace + "]", ""
	case c == 'D':
		return `\P{Nd}`, ""
	case strings.IndexByte("pPnrtf", c) >= 0, c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z':
		return `\` + string(rune(c)), ""
	}
	return "", `\` + quote(string(rune(c))) + " differs between engines"
}
