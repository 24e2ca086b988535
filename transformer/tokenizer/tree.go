package tokenizer

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A node is one value of a JSON text. The package reads JSON itself because
// encoding/json takes duplicate keys, keys that differ only in case and bad
// UTF-8 without a word; a tokenizer file is a stranger's file.
type node struct {
	kind       byte     // one of '{' '[' '"' '0' 't' 'f' 'n'
	str        string   // text of a string, digits of a number
	keys       []string // member names of an object, in file order
	kids       []node   // members of an object, elements of an array
	start, end int      // extent in the source, for writing it back
}

// maxJSONDepth bounds the nesting of any JSON text read here.
const maxJSONDepth = 64

type jsonReader struct {
	src []byte
	pos int
}

// parseJSON reads one JSON value and refuses duplicate keys, invalid UTF-8,
// lone surrogates, trailing text and nesting deeper than maxJSONDepth.
func parseJSON(src []byte) (*node, error) {
	if !utf8.Valid(src) {
		return nil, fmt.Errorf("json: invalid utf-8")
	}
	r := &jsonReader{src: src}
	r.space()
	var n node
	if err := r.value(&n, 0); err != nil {
		return nil, err
	}
	r.space()
	if r.pos != len(src) {
		return nil, r.fail("text after the value")
	}
	return &n, nil
}

func (r *jsonReader) fail(what string) error {
	return fmt.Errorf("json: byte %d: %s", r.pos, what)
}

func (r *jsonReader) space() {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

func (r *jsonReader) peek() byte {
	if r.pos < len(r.src) {
		return r.src[r.pos]
	}
	return 0
}

func (r *jsonReader) value(n *node, depth int) error {
	if depth > maxJSONDepth {
		return r.fail(fmt.Sprintf("nested deeper than %d", maxJSONDepth))
	}
	n.start = r.pos
	var err error
	switch c := r.peek(); {
	case c == '{':
		err = r.object(n, depth)
	case c == '[':
		err = r.array(n, depth)
	case c == '"':
		n.kind = '"'
		n.str, err = r.text()
	case c == '-' || c >= '0' && c <= '9':
		err = r.number(n)
	default:
		err = r.literal(n)
	}
	n.end = r.pos
	return err
}

func (r *jsonReader) literal(n *node) error {
	for _, word := range []string{"true", "false", "null"} {
		if rest := r.src[r.pos:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			n.kind = word[0]
			r.pos += len(word)
			return nil
		}
	}
	return r.fail("expected a value")
}

func (r *jsonReader) number(n *node) error {
	from := r.pos
	for r.pos < len(r.src) {
		c := r.src[r.pos]
		if c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E' {
			r.pos++
			continue
		}
		break
	}
	n.kind, n.str = '0', string(r.src[from:r.pos])
	if _, err := strconv.ParseFloat(n.str, 64); err != nil {
		return r.fail("bad number")
	}
	return nil
}

func (r *jsonReader) array(n *node, depth int) error {
	n.kind = '['
	r.pos++
	r.space()
	if r.peek() == ']' {
		r.pos++
		return nil
	}
	for {
		r.space()
		n.kids = append(n.kids, node{})
		if err := r.value(&n.kids[len(n.kids)-1], depth+1); err != nil {
			return err
		}
		if done, err := r.next(']'); done || err != nil {
			return err
		}
	}
}

func (r *jsonReader) object(n *node, depth int) error {
	n.kind = '{'
	r.pos++
	r.space()
	if r.peek() == '}' {
		r.pos++
		return nil
	}
	seen := map[string]struct{}{}
	for {
		r.space()
		if r.peek() != '"' {
			return r.fail("expected a member name")
		}
		key, err := r.text()
		if err != nil {
			return err
		}
		if _, dup := seen[key]; dup {
			return r.fail("duplicate member " + quote(key))
		}
		seen[key] = struct{}{}
		r.space()
		if r.peek() != ':' {
			return r.fail("expected ':'")
		}
		r.pos++
		r.space()
		n.keys = append(n.keys, key)
		n.kids = append(n.kids, node{})
		if err := r.value(&n.kids[len(n.kids)-1], depth+1); err != nil {
			return err
		}
		if done, err := r.next('}'); done || err != nil {
			return err
		}
	}
}

// next reads the comma between two members or the closing bracket.
func (r *jsonReader) next(closing byte) (done bool, err error) {
	r.space()
	switch r.peek() {
	case ',':
		r.pos++
		return false, nil
	case closing:
		r.pos++
		return true, nil
	}
	return false, r.fail(fmt.Sprintf("expected ',' or %q", closing))
}

// text reads a string; the position stands on its opening quote.
func (r *jsonReader) text() (string, error) {
	r.pos++
	from := r.pos
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; {
		case c == '"':
			r.pos++
			return string(r.src[from : r.pos-1]), nil
		case c == '\\':
			return r.escaped(append([]byte(nil), r.src[from:r.pos]...))
		case c < 0x20:
			return "", r.fail("control character in a string")
		}
		r.pos++
	}
	return "", r.fail("string without an end")
}

// escaped reads the rest of a string from its first backslash on.
func (r *jsonReader) escaped(buf []byte) (string, error) {
	const plain, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	for r.pos < len(r.src) {
		c := r.src[r.pos]
		r.pos++
		switch {
		case c == '"':
			return string(buf), nil
		case c < 0x20:
			return "", r.fail("control character in a string")
		case c != '\\':
			buf = append(buf, c)
		case r.peek() == 'u':
			code, err := r.unicodeEscape()
			if err != nil {
				return "", err
			}
			buf = utf8.AppendRune(buf, code)
		default:
			at := -1
			for i := range len(plain) {
				if plain[i] == r.peek() {
					at = i
				}
			}
			if at < 0 {
				return "", r.fail("unknown escape")
			}
			buf = append(buf, meant[at])
			r.pos++
		}
	}
	return "", r.fail("string without an end")
}

// unicodeEscape reads u and four digits, and the second half of a surrogate pair.
func (r *jsonReader) unicodeEscape() (rune, error) {
	hex := func() (rune, bool) {
		if r.pos+5 > len(r.src) {
			return 0, false
		}
		v, err := strconv.ParseUint(string(r.src[r.pos+1:r.pos+5]), 16, 16)
		r.pos += 5
		return rune(v), err == nil
	}
	hi, ok := hex()
	if !ok {
		return 0, r.fail("bad \\u escape")
	}
	if hi < 0xd800 || hi > 0xdfff {
		return hi, nil
	}
	if hi < 0xdc00 && r.peek() == '\\' {
		r.pos++
		if r.peek() == 'u' {
			if lo, ok := hex(); ok && lo >= 0xdc00 && lo <= 0xdfff {
				return 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00), nil
			}
		}
	}
	return 0, r.fail("lone surrogate")
}

// quote renders a name from a file for a message: quoted, at most 128 bytes.
func quote(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strconv.Quote(s)
}
