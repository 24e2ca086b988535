package tokenizer

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
)

// A finder calls found for every match of a pattern in s, left to right.
type finder func(s string, found func(from, to int))

// parsePattern reads {"String": s} or {"Regex": s}; linear refuses patterns
// that need the backtracking engine.
func parsePattern(f field, linear bool) (finder, error) {
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
	if find := knownPattern(pattern); find != nil {
		return find, nil
	}
	find, why := compilePattern(pattern, linear)
	if why != "" {
		return nil, f.at("Regex").errorf("pattern %s is none of the known ones (GPT-2, LLaMA-3, Qwen2, BLOOM) and not safe to run: %s", quote(pattern), why)
	}
	return find, nil
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

// compilePattern returns the finder of a pattern: on RE2 where it can say the
// pattern, else on a backtracking engine, both under a time limit. Where
// those mean something else by it than the reference's engine (Oniguruma) or
// may do so, it says why.
func compilePattern(pattern string, linear bool) (find finder, why string) {
	if len(pattern) > 4096 {
		return nil, "longer than 4096 bytes"
	}
	p := patternReader{src: pattern, atom: -1}
	p.read()
	if p.why != "" {
		return nil, p.why
	}
	if size, err := patternSize(p.plain.String()); err == nil && size > maxPattern {
		return nil, "it comes to more than " + strconv.Itoa(maxPattern) + " steps and characters"
	}
	re, err := regexp.Compile(p.plain.String())
	switch {
	case err != nil:
		return nil, "not RE2: " + quote(err.Error())
	case re.MatchString(""):
		return nil, "it matches the empty text"
	case p.beyond && linear:
		return nil, "it is more than RE2 can say, which a decoder may not be"
	case p.beyond:
		return backtracking(pattern, string(p.full))
	}
	if linear {
		return linearly(pattern, re, nil), ""
	}
	return linearly(pattern, re, newPatience()), ""
}

// maxPattern bounds a pattern with its counts written out, and classes as their ranges.
// Published ones come to some ten thousand.
const maxPattern = 1 << 17

// patternSize returns about how many steps and ranges of characters a pattern is.
func patternSize(text string) (int, error) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	return sizeOf(re), nil
}

func sizeOf(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		size += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return size
}

// linearly returns the finder of a pattern on RE2. Each match takes linear time,
// but a pattern may look at the rest of a text for each: past the limit the
// finder panics with a PatternError.
func linearly(pattern string, re *regexp.Regexp, left *patience) finder {
	return func(s string, found func(from, to int)) {
		start, at := time.Now(), 0
		limit := left.limit(len(s))
		defer left.spend(start)
		for n := 1; ; n++ {
			m := re.FindStringIndex(s[at:])
			if m == nil {
				return
			}
			found(at+m[0], at+m[1])
			at += m[1]
			if n%16 == 0 && time.Since(start) > limit {
				panic(&PatternError{pattern, tooLong(limit)})
			}
		}
	}
}
