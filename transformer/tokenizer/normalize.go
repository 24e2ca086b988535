package tokenizer

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxNesting bounds components inside components (Sequence).
const maxNesting = 32

// A normalizer rewrites a stretch of text before it is cut into words.
type normalizer func(piece) piece

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
		return func(p piece) piece { return normalized(form, p) }, f.only("type")
	case "Prepend":
		prefix, err := f.at("prepend").text("")
		if err != nil {
			return nil, err
		}
		return func(p piece) piece {
			if p.text == "" {
				return p
			}
			return p.prepend(prefix)
		}, f.only("type", "prepend")
	case "Replace":
		return parseReplace(f, false)
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
	return func(p piece) piece {
		most := p.mayGrow()
		for _, step := range steps {
			p.most = most
			if p = step(p); len(p.text) > most {
				panic(&PatternError{f.path, fmt.Errorf("makes a text more than %d times longer", maxLonger)})
			}
		}
		return p
	}, nil
}

// parseReplace reads {"pattern": {"String"|"Regex": …}, "content": …}, which
// is a normalizer and a decoder.
func parseReplace(f field, linear bool) (normalizer, error) {
	if err := f.only("type", "pattern", "content"); err != nil {
		return nil, err
	}
	content, err := f.at("content").text("")
	if err != nil {
		return nil, err
	}
	find, err := parsePattern(f.at("pattern"), linear)
	if err != nil {
		return nil, err
	}
	return func(p piece) piece { return p.replace(find, content) }, nil
}

func parseStrip(f field) (normalizer, error) {
	var b bag
	left := b.boolean(f.at("strip_left"), true)
	right := b.boolean(f.at("strip_right"), true)
	b.keep(f.only("type", "strip_left", "strip_right"))
	return func(p piece) piece {
		from, to := 0, len(p.text)
		if left {
			from = to - len(strings.TrimLeftFunc(p.text, unicode.IsSpace))
		}
		if right {
			to = max(from, len(strings.TrimRightFunc(p.text, unicode.IsSpace)))
		}
		return p.slice(from, to)
	}, b.err
}
