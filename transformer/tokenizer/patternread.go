package tokenizer

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unicodeSpace is Unicode's meaning of \s, which the reference's engine has and the
// others have not, as the inside of a character class.
const (
	unicodeSpace = "\\t-\\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
)

// A patternReader reads a pattern of Oniguruma's (its Ruby syntax) and spells
// it for the engines here, by parts whose meaning is known.
type patternReader struct {
	src    string
	pos    int
	full   []byte          // for the backtracking engine
	plain  strings.Builder // for RE2: without what looks ahead, to see what it can match
	beyond bool            // plain is not the whole of it
	why    string          // why it is refused

	groups   []patternGroup
	ahead    int  // groups open that look ahead
	atom     int  // where the last thing that can be repeated begins in full, -1 for none
	repeated byte // 0, '*' for * + ?, '{' for {n,m}, '!' for one that takes no more
	letter   byte // the letter just read inside (?i: ), 0 for none
}

type patternGroup struct {
	start       int
	ahead, fold bool
}

func (p *patternReader) refuse(why string) {
	if p.why == "" {
		p.why = why
	}
}

// emit appends to both spellings.
func (p *patternReader) emit(s string) {
	p.full = append(p.full, s...)
	if p.ahead == 0 {
		p.plain.WriteString(s)
	}
}

// item emits something that can be repeated.
func (p *patternReader) item(s string) {
	p.atom, p.repeated, p.letter = len(p.full), 0, 0
	p.emit(s)
}

// fold reports whether the place is inside (?i: ).
func (p *patternReader) fold() bool {
	return len(p.groups) > 0 && p.groups[len(p.groups)-1].fold
}

func (p *patternReader) read() {
	for p.pos < len(p.src) && p.why == "" {
		r, w := utf8.DecodeRuneInString(p.src[p.pos:])
		switch {
		case r == '\\':
			p.item(p.escape(false))
			continue
		case r == '[':
			p.class()
			continue
		case r == '(':
			p.open()
			continue
		case r == '*' || r == '+' || r == '?' || r == '{':
			p.repeat()
			continue
		case r == ')':
			p.close()
		case r == '|':
			p.emit("|")
			p.atom, p.repeated, p.letter = -1, 0, 0
		case r == '^' || r == '$':
			p.refuse("the anchors ^ and $ differ between engines")
		case r == ']' || r == '}':
			p.item(`\` + string(r))
		case p.fold():
			p.folded(r)
		default:
			p.item(string(r))
		}
		p.pos += w
	}
	if len(p.groups) > 0 {
		p.refuse("a group without an end")
	}
}

// folded emits a literal inside (?i: ): both cases and the two other letters
// that fold to ASCII. Pairs of letters that also match a ligature are refused.
func (p *patternReader) folded(r rune) {
	if r >= utf8.RuneSelf {
		p.refuse("only ASCII is known inside (?i: )")
		return
	}
	lower := byte(unicode.ToLower(r))
	if lower < 'a' || lower > 'z' {
		p.item(string(r))
		return
	}
	switch string([]byte{p.letter, lower}) {
	case "ss", "ff", "fi", "fl", "st":
		p.refuse("ligatures inside (?i: ) differ between engines")
	}
	set := "[" + string(lower) + string(unicode.ToUpper(r))
	switch lower {
	case 's':
		set += "ſ"
	case 'k':
		set += "\u212a"
	}
	p.item(set + "]")
	p.letter = lower
}

// open reads the start of a group.
func (p *patternReader) open() {
	g := patternGroup{start: len(p.full), fold: p.fold()}
	rest := p.src[p.pos:]
	switch {
	case strings.HasPrefix(rest, "(?:"):
		p.emit("(?:")
		p.pos += 3
	case strings.HasPrefix(rest, "(?i:"):
		g.fold = true
		p.emit("(?:")
		p.pos += 4
	case strings.HasPrefix(rest, "(?>"):
		p.beyond = true
		p.full = append(p.full, "(?>"...)
		if p.ahead == 0 {
			p.plain.WriteString("(?:")
		}
		p.pos += 3
	case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
		p.beyond, g.ahead = true, true
		p.ahead++
		p.full = append(p.full, rest[:3]...)
		p.pos += 3
	case strings.HasPrefix(rest, "(?"):
		p.refuse("of the groups only ( (?: (?i: (?> (?= (?! are known")
	default:
		p.emit("(?:")
		p.pos++
	}
	p.groups = append(p.groups, g)
	p.atom, p.repeated, p.letter = -1, 0, 0
}

func (p *patternReader) close() {
	if len(p.groups) == 0 {
		p.refuse("a ) without its (")
		return
	}
	g := p.groups[len(p.groups)-1]
	p.groups = p.groups[:len(p.groups)-1]
	p.emit(")")
	p.atom, p.repeated, p.letter = g.start, 0, 0
	if g.ahead {
		p.ahead--
		p.atom = -1 // what looks ahead is not repeated
	}
}

var counted = regexp.MustCompile(`^\{[0-9]{1,4}(,[0-9]{0,4})?\}`)

// repeat reads one of * + ? {n,m} and the ? or + after it.
func (p *patternReader) repeat() {
	p.letter = 0
	sign := p.src[p.pos]
	switch {
	case p.atom < 0:
		p.refuse("not RE2: nothing to repeat")
	case sign == '{':
		count := counted.FindString(p.src[p.pos:])
		if count == "" || p.repeated != 0 {
			p.refuse("counts other than {n}, {n,} and {n,m} differ between engines")
			return
		}
		p.emit(count)
		p.pos += len(count)
		p.repeated = '{'
		if !strings.Contains(count, ",") {
			p.repeated = '!' // {n}? is no lazy {n} to Oniguruma
		}
		return
	case p.repeated == 0:
		p.emit(string(sign))
		p.repeated = '*'
	case sign == '?' && p.repeated != '!':
		p.emit("?")
		p.repeated = '!'
	case sign == '+' && p.repeated == '*':
		// Possessive: what was taken is not given back.
		p.beyond = true
		p.full = append(p.full[:p.atom], "(?>"+string(p.full[p.atom:])+")"...)
		p.repeated = '!'
	default:
		p.refuse("a repetition of a repetition differs between engines")
	}
	p.pos++
}

// class reads [ … ].
func (p *patternReader) class() {
	if p.fold() {
		p.refuse("classes inside (?i: ) differ between engines")
	}
	p.pos++
	out := "["
	if strings.HasPrefix(p.src[p.pos:], "^") {
		out += "^"
		p.pos++
	}
	set, first := false, true // the last member was a set of runes; none was read
	for p.why == "" {
		rest := p.src[p.pos:]
		switch {
		case rest == "" || first && rest[0] == ']':
			p.refuse("not RE2: a class that is empty or has no end")
		case rest[0] == ']':
			p.pos++
			p.item(out + "]")
			return
		case rest[0] == '[' || strings.HasPrefix(rest, "&&"):
			p.refuse("set operations and named classes inside [ ] differ between engines")
		case rest[0] == '-' && !first && len(rest) > 1 && rest[1] != ']' && (set || isSetEscape(rest[1:])):
			p.refuse("a range with a set at its end differs between engines")
		case rest[0] == '\\':
			set = isSetEscape(rest)
			out += p.escape(true)
		default:
			r, w := utf8.DecodeRuneInString(rest)
			set = false
			out += string(r)
			p.pos += w
		}
		first = false
	}
}

// isSetEscape reports whether s starts with an escape for a set of runes.
func isSetEscape(s string) bool {
	return len(s) > 1 && s[0] == '\\' && strings.IndexByte("sSdDpP", s[1]) >= 0
}

var property = regexp.MustCompile(`^\\[pP]\{([A-Za-z]+)\}`)

// escape reads \c and returns its spelling.
func (p *patternReader) escape(inClass bool) string {
	rest := p.src[p.pos:]
	if len(rest) < 2 {
		p.refuse("not RE2: a \\ at the end")
		return ""
	}
	wrap := func(set string) string {
		if inClass {
			return set
		}
		return "[" + set + "]"
	}
	p.pos += 2
	switch c := rest[1]; {
	case c == 's':
		return wrap(unicodeSpace)
	case c == 'd':
		return wrap(propertySet("Nd", false))
	case c == 'S' && !inClass:
		return "[^" + unicodeSpace + "]"
	case c == 'D':
		return wrap(propertySet("Nd", true))
	case c == 'p' || c == 'P':
		m := property.FindStringSubmatch(rest)
		if m == nil || !isProperty(m[1]) {
			p.refuse("not a property that both engines know: " + quote(rest[:min(len(rest), 20)]))
			return ""
		}
		p.pos += len(m[0]) - 2
		return wrap(propertySet(m[1], c == 'P'))
	case strings.IndexByte("nrtf", c) >= 0, c > ' ' && c < utf8.RuneSelf && c != '_' && !isAlnum(c):
		return rest[:2]
	}
	p.refuse(quote(rest[:2]) + " differs between engines")
	return ""
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
