package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A cutter hands the pieces of p to next, in order.
type cutter func(p piece, next func(piece))

// preTokens is a parsed "pre_tokenizer". lastBytes says that the byte-level
// alphabet is the last step, left out of cut: the model may then work on
// plain bytes.
type preTokens struct {
	cut       cutter
	lastBytes bool
}

func parsePreTokenizer(f field, depth int) (preTokens, error) {
	if f.null() {
		return preTokens{cut: func(p piece, next func(piece)) { next(p) }}, nil
	}
	if depth > maxNesting {
		return preTokens{}, f.errorf("components nested deeper than %d", maxNesting)
	}
	kind, err := f.at("type").text("")
	if err != nil {
		return preTokens{}, err
	}
	var cut cutter
	switch kind {
	case "ByteLevel":
		return parseByteLevel(f)
	case "Sequence":
		return parseCutters(f, depth)
	case "Split":
		cut, err = parseSplit(f)
	case "Digits":
		cut, err = parseDigits(f)
	case "Metaspace":
		cut, err = parseMetaspace(f)
	case "Punctuation":
		cut, err = parsePunctuation(f)
	case "WhitespaceSplit":
		cut, err = splitBy(runesFinder(unicode.IsSpace, false), "Removed", false), f.only("type")
	default:
		err = f.at("type").errorf("unknown pre-tokenizer %s (known: ByteLevel Digits Metaspace Punctuation Sequence Split WhitespaceSplit)", quote(kind))
	}
	return preTokens{cut: cut}, err
}

func parseCutters(f field, depth int) (preTokens, error) {
	if err := f.only("type", "pretokenizers"); err != nil {
		return preTokens{}, err
	}
	parts, err := f.at("pretokenizers").each()
	if err != nil {
		return preTokens{}, err
	}
	out := preTokens{cut: func(p piece, next func(piece)) { next(p) }}
	for _, p := range parts {
		step, err := parsePreTokenizer(p, depth+1)
		if err != nil {
			return preTokens{}, err
		}
		before := out.spelled()
		out = preTokens{lastBytes: step.lastBytes, cut: func(p piece, next func(piece)) {
			before(p, func(q piece) { step.cut(q, next) })
		}}
	}
	return out, nil
}

// spelled returns the cutter with the byte-level spelling done, if any.
func (t preTokens) spelled() cutter {
	if !t.lastBytes {
		return t.cut
	}
	return func(p piece, next func(piece)) {
		t.cut(p, func(q piece) { next(q.spell()) })
	}
}

func parseByteLevel(f field) (preTokens, error) {
	var b bag
	prefix := b.boolean(f.at("add_prefix_space"), true)
	regex := b.boolean(f.at("use_regex"), true)
	b.boolean(f.at("trim_offsets"), true) // counts in a post-processor only
	b.keep(f.only("type", "add_prefix_space", "use_regex", "trim_offsets"))
	return preTokens{lastBytes: true, cut: func(p piece, next func(piece)) {
		if prefix && p.text != "" && p.text[0] != ' ' {
			p = p.prepend(" ")
		}
		if !regex {
			next(p)
			return
		}
		for from := 0; from < len(p.text); {
			to := from + matchGPT2(p.text[from:])
			next(p.slice(from, to))
			from = to
		}
	}}, b.err
}

func parseSplit(f field) (cutter, error) {
	var b bag
	b.keep(f.only("type", "pattern", "behavior", "invert"))
	behavior := b.text(f.at("behavior"), "")
	invert := b.boolean(f.at("invert"), false)
	if b.err != nil {
		return nil, b.err
	}
	switch behavior {
	case "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous":
	default:
		return nil, f.at("behavior").errorf("unknown behavior %s", quote(behavior))
	}
	find, err := parsePattern(f.at("pattern"), false)
	if err != nil {
		return nil, err
	}
	return splitBy(find, behavior, invert), nil
}

func parseDigits(f field) (cutter, error) {
	single, err := f.at("individual_digits").boolean(false)
	if err != nil {
		return nil, err
	}
	if single {
		return splitBy(runesFinder(isNumber, true), "Isolated", false), f.only("type", "individual_digits")
	}
	return splitBy(runesFinder(isNumber, false), "Isolated", false), f.only("type", "individual_digits")
}

func parsePunctuation(f field) (cutter, error) {
	behavior, err := f.at("behavior").text("Isolated")
	if err != nil {
		return nil, err
	}
	switch behavior {
	case "Isolated":
		return splitBy(runesFinder(isMark, true), behavior, false), f.only("type", "behavior")
	case "Contiguous":
		return splitBy(runesFinder(isMark, false), "Isolated", false), f.only("type", "behavior")
	}
	return nil, f.at("behavior").errorf("unknown behavior %s (known: Isolated Contiguous)", quote(behavior))
}

// runesFinder finds runes with a property, one by one or as whole runs.
func runesFinder(is func(rune) bool, single bool) finder {
	return func(s string, found func(from, to int)) {
		from := -1
		for i, r := range s {
			switch {
			case !is(r):
				if from >= 0 {
					found(from, i)
				}
				from = -1
			case single:
				found(i, i+utf8.RuneLen(r))
			case from < 0:
				from = i
			}
		}
		if from >= 0 {
			found(from, len(s))
		}
	}
}

// splitBy cuts at the matches of a pattern; what becomes of a match says
// behavior (tokenizers, normalizer.rs: SplitDelimiterBehavior).
func splitBy(find finder, behavior string, invert bool) cutter {
	return func(p piece, next func(piece)) {
		w := splitWriter{piece: p, next: next, behavior: behavior, open: -1}
		done := 0
		find(p.text, func(from, to int) {
			if done < from {
				w.add(done, from, invert)
			}
			w.add(from, to, !invert)
			done = to
		})
		if done < len(p.text) {
			w.add(done, len(p.text), invert)
		}
		w.flush(len(p.text))
	}
}

// splitWriter joins matches and gaps to pieces as its behavior asks.
type splitWriter struct {
	piece
	next        func(piece)
	behavior    string
	open        int // start of the piece not yet handed on, -1 for none
	wasMatch    bool
	anyPrevious bool
}

// flush hands on the open piece, which ends at to.
func (w *splitWriter) flush(to int) {
	if w.open >= 0 && w.open < to {
		w.next(w.slice(w.open, to))
	}
	w.open = -1
}

func (w *splitWriter) add(from, to int, match bool) {
	switch w.behavior {
	case "Removed":
		w.flush(from)
		if !match {
			w.open = from
		}
	case "Isolated":
		w.flush(from)
		w.open = from
	case "Contiguous":
		if !w.anyPrevious || match != w.wasMatch {
			w.flush(from)
			w.open = from
		}
	case "MergedWithPrevious":
		if !match || w.wasMatch || !w.anyPrevious {
			w.flush(from)
			w.open = from
		}
	case "MergedWithNext":
		if match || !w.wasMatch {
			w.flush(from)
			w.open = from
		}
	}
	w.wasMatch, w.anyPrevious = match, true
}

func parseMetaspace(f field) (cutter, error) {
	var b bag
	b.keep(f.only("type", "replacement", "prepend_scheme", "add_prefix_space", "str_rep", "split"))
	mark := b.text(f.at("replacement"), "▁")
	legacy := "always"
	if !b.boolean(f.at("add_prefix_space"), true) {
		legacy = "never"
	}
	scheme := b.text(f.at("prepend_scheme"), legacy)
	split := b.boolean(f.at("split"), true)
	b.keep(oneRune(f.at("replacement"), mark))
	b.keep(knownScheme(f.at("prepend_scheme"), scheme))
	if b.err != nil {
		return nil, b.err
	}
	spaces, words := literalFinder(" "), splitBy(literalFinder(mark), "MergedWithNext", false)
	return func(p piece, next func(piece)) {
		p = p.replace(spaces, mark)
		if (scheme == "always" || scheme == "first" && p.first) && p.text != "" && !strings.HasPrefix(p.text, mark) {
			p = p.prepend(mark)
		}
		if split {
			words(p, next)
		} else {
			next(p)
		}
	}, nil
}

func oneRune(f field, s string) error {
	if utf8.RuneCountInString(s) != 1 {
		return f.errorf("want one character, got %s", quote(s))
	}
	return nil
}

func knownScheme(f field, scheme string) error {
	switch scheme {
	case "always", "first", "never":
		return nil
	}
	return f.errorf("unknown scheme %s (known: always first never)", quote(scheme))
}
