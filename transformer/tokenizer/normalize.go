package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxNesting bounds components inside components (Sequence).
const maxNesting = 32

// A normalizer rewrites a stretch of text before it is cut into words.
type normalizer func(string) string

// parseNormalizer reads a "normalizer" member; nil means none.
func parseNormalizer(f field, depth int) (normalizer, error) {
	if f.null() {
		return nil, nil
	}
	if depth > maxNesting {
		return nil, f.errorf("components nested deeper than %d", maxNesting)
	}
	kind, err := f.at("type").text("")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "NFC", "NFD", "NFKC", "NFKD":
		form := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[kind]
		return func(s string) string { return normalForm(form, s) }, f.only("type")
	case "Prepend":
		prefix, err := f.at("prepend").text("")
		if err != nil {
			return nil, err
		}
		return func(s string) string {
			if s == "" {
				return s
			}
			return prefix + s
		}, f.only("type", "prepend")
	case "Replace":
		return parseReplace(f)
	case "Strip":
		return parseStrip(f)
	case "Sequence":
		return parseNormalizers(f, depth)
	}
	return nil, f.at("type").errorf("unknown normalizer %s (known: NFC NFD NFKC NFKD Prepend Replace Sequence Strip)", quote(kind))
}

func parseNormalizers(f field, depth int) (normalizer, error) {
	if err := f.only("type", "normalizers"); err != nil {
		return nil, err
	}
	parts, err := f.at("normalizers").each()
	if err != nil {
		return nil, err
	}
	var steps []normalizer
	for _, p := range parts {
		step, err := parseNormalizer(p, depth+1)
		if err != nil {
			return nil, err
		}
		if step != nil {
			steps = append(steps, step)
		}
	}
	return func(s string) string {
		for _, step := range steps {
			s = step(s)
		}
		return s
	}, nil
}

// parseReplace reads {"pattern": {"String"|"Regex": …}, "content": …}, which
// is a normalizer and a decoder.
func parseReplace(f field) (normalizer, error) {
	if err := f.only("type", "pattern", "content"); err != nil {
		return nil, err
	}
	content, err := f.at("content").text("")
	if err != nil {
		return nil, err
	}
	find, err := parsePattern(f.at("pattern"))
	if err != nil {
		return nil, err
	}
	return func(s string) string {
		var out strings.Builder
		done := 0
		find(s, func(from, to int) {
			out.WriteString(s[done:from])
			out.WriteString(content)
			done = to
		})
		if done == 0 {
			return s
		}
		out.WriteString(s[done:])
		return out.String()
	}, nil
}

func parseStrip(f field) (normalizer, error) {
	var b bag
	left := b.boolean(f.at("strip_left"), true)
	right := b.boolean(f.at("strip_right"), true)
	b.keep(f.only("type", "strip_left", "strip_right"))
	return func(s string) string {
		if left {
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
		if right {
			s = strings.TrimRightFunc(s, unicode.IsSpace)
		}
		return s
	}, b.err
}

// normalForm is form.String without its Stream-Safe limit: x/text puts a
// U+034F into runs of more than 30 combining marks, Unicode's definition and
// the reference do not. Such runs are normalized by the definition.
func normalForm(form norm.Form, s string) string {
	if !longMarks(s) {
		return form.String(s)
	}
	decompose := norm.NFD
	if form == norm.NFKC || form == norm.NFKD {
		decompose = norm.NFKD
	}
	var runes []rune
	for _, r := range s {
		if d := decompose.PropertiesString(string(r)).Decomposition(); d != nil {
			runes = append(runes, []rune(string(d))...)
		} else {
			// Hangul syllables decompose by arithmetic, not by table.
			runes = append(runes, []rune(decompose.String(string(r)))...)
		}
	}
	order(runes)
	if form == norm.NFC || form == norm.NFKC {
		runes = compose(runes)
	}
	return string(runes)
}

// longMarks reports whether s has 30 or more marks in a row, counting the
// marks a rune decomposes into.
func longMarks(s string) bool {
	run := 0
	for _, r := range s {
		if r < 0xc0 { // neither marks nor decomposed to any
			run = 0
			continue
		}
		p := norm.NFKD.PropertiesString(string(r))
		switch {
		case p.CCC() != 0:
			run++
		case p.TrailCCC() != 0:
			run = 4 // at most that many marks end a decomposition
		default:
			run = 0
		}
		if run >= 20 {
			return true
		}
	}
	return false
}

func combiningClass(r rune) uint8 { return norm.NFD.PropertiesString(string(r)).CCC() }

// order sorts every run of marks by combining class, stably (Unicode 3.11,
// canonical ordering).
func order(runes []rune) {
	for from := 0; from < len(runes); {
		to := from
		for to < len(runes) && combiningClass(runes[to]) != 0 {
			to++
		}
		if to > from {
			sortMarks(runes[from:to])
		}
		from = to + 1
	}
}

func sortMarks(marks []rune) {
	var byClass [256][]rune
	for _, r := range marks {
		c := combiningClass(r)
		byClass[c] = append(byClass[c], r)
	}
	at := 0
	for _, same := range byClass {
		at += copy(marks[at:], same)
	}
}

// compose is the canonical composition algorithm (Unicode 3.11, D117).
func compose(runes []rune) []rune {
	out := runes[:0]
	starter, last := -1, uint8(0)
	for _, r := range runes {
		class := combiningClass(r)
		if starter >= 0 && (last < class || last == 0 && len(out) == starter+1) {
			pair := []rune(norm.NFC.String(string([]rune{out[starter], r})))
			if len(pair) == 1 {
				out[starter] = pair[0]
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return out
}
