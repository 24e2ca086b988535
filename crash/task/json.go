package task

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of one document. They bound what a hostile line costs beyond its own
// bytes; real documents stay far below.
const (
	maxFields  = 64
	maxOptions = 1 << 14
	maxDepth   = 32
)

// decoder reads JSON from memory. It is our own because encoding/json takes
// duplicate names, names in another case, null for anything and broken UTF-8
// without a word.
type decoder struct {
	data []byte // valid UTF-8
	pos  int
	unit string // what places are called: "column" of a line, "byte" of a file
}

// syntax returns an error that names the place, counted in bytes from 1.
func (d *decoder) syntax(format string, args ...any) error {
	return fmt.Errorf("%s %d: %w", d.unit, d.pos+1, fmt.Errorf(format, args...))
}

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the next byte that is no white space, 0 at the end.
func (d *decoder) peek() byte {
	d.space()
	if d.pos == len(d.data) {
		return 0
	}
	return d.data[d.pos]
}

// expect takes one byte of structure.
func (d *decoder) expect(c byte) error {
	if got := d.peek(); got != c {
		return d.unexpected("'" + string(rune(c)) + "'")
	}
	d.pos++
	return nil
}

func (d *decoder) unexpected(want string) error {
	d.space()
	if d.pos == len(d.data) {
		return d.syntax("the text ends where %s should be", want)
	}
	r, _ := utf8.DecodeRune(d.data[d.pos:])
	return d.syntax("found %q, want %s", r, want)
}

// list reads items between open and shut, separated by commas.
func (d *decoder) list(open, shut byte, limit int, item func(i int) error) error {
	if err := d.expect(open); err != nil {
		return err
	}
	if d.peek() == shut {
		d.pos++
		return nil
	}
	for i := 0; ; i++ {
		if i == limit {
			return d.syntax("more than %d items", limit)
		}
		if err := item(i); err != nil {
			return err
		}
		if d.peek() == shut {
			d.pos++
			return nil
		}
		if err := d.expect(','); err != nil {
			return fmt.Errorf("%w or '%c'", err, shut)
		}
	}
}

// object reads {"name": value, …} and calls field for each name, which must read
// the value. A name that comes twice is an error.
func (d *decoder) object(field func(name string) error) error {
	var seen []string // few: a search is cheaper than a map
	return d.list('{', '}', maxFields, func(int) error {
		if d.peek() != '"' {
			return d.unexpected("a field name in quotes")
		}
		name, err := d.text()
		if err != nil {
			return err
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("field %.128q comes twice", name)
		}
		seen = append(seen, name)
		if err := d.expect(':'); err != nil {
			return err
		}
		if err := field(name); err != nil {
			return fmt.Errorf("field %.128q: %w", name, err)
		}
		return nil
	})
}

// texts reads a list of strings.
func (d *decoder) texts() (out []string, err error) {
	if d.peek() != '[' {
		return nil, d.unexpected("a list of texts")
	}
	err = d.list('[', ']', maxOptions, func(int) error {
		s, err := d.text()
		out = append(out, s)
		return err
	})
	return out, err
}

// ids reads a list of token ids, each in [0, 2³¹).
func (d *decoder) ids() (out []int32, err error) {
	if d.peek() != '[' {
		return nil, d.unexpected("a list of token ids")
	}
	err = d.list('[', ']', maxLine, func(i int) error {
		v, err := d.integer()
		if err == nil && (v < 0 || v > 1<<31-1) {
			err = fmt.Errorf("token %d at %d is no id", v, i)
		}
		out = append(out, int32(v))
		return err
	})
	return out, err
}

// integer reads a whole number without fraction or exponent.
func (d *decoder) integer() (int, error) {
	c := d.peek()
	if c != '-' && (c < '0' || c > '9') {
		return 0, d.unexpected("a whole number")
	}
	start := d.pos
	if err := d.number(); err != nil {
		return 0, err
	}
	text := string(d.data[start:d.pos])
	v, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%.32s is out of range", text)
	}
	if err != nil {
		return 0, fmt.Errorf("%.32s: want a whole number", text)
	}
	return v, nil
}

// number steps over a number as JSON's grammar has it.
func (d *decoder) number() error {
	digits := func() bool {
		start := d.pos
		for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
			d.pos++
		}
		return d.pos > start
	}
	at := func(set string) bool {
		for i := range len(set) {
			if d.pos < len(d.data) && d.data[d.pos] == set[i] {
				d.pos++
				return true
			}
		}
		return false
	}
	at("-")
	if !at("0") && !digits() {
		return d.syntax("a number without digits")
	}
	if at(".") && !digits() {
		return d.syntax("no digit after the point")
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return d.syntax("no digit in the exponent")
		}
	}
	if d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
		return d.syntax("a number with a leading zero")
	}
	return nil
}

// skip steps over any value.
func (d *decoder) skip(depth int) error {
	if depth > maxDepth {
		return d.syntax("nested deeper than %d", maxDepth)
	}
	switch c := d.peek(); {
	case c == '"':
		_, err := d.text()
		return err
	case c == '[':
		return d.list('[', ']', maxLine, func(int) error { return d.skip(depth + 1) })
	case c == '{':
		return d.list('{', '}', maxLine, func(int) error {
			if d.peek() != '"' {
				return d.unexpected("a field name in quotes")
			}
			if _, err := d.text(); err != nil {
				return err
			}
			if err := d.expect(':'); err != nil {
				return err
			}
			return d.skip(depth + 1)
		})
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if end := d.pos + len(word); end <= len(d.data) && string(d.data[d.pos:end]) == word {
			d.pos = end
			return nil
		}
	}
	return d.unexpected("a value")
}

// text reads a string.
func (d *decoder) text() (string, error) {
	if d.peek() != '"' {
		return "", d.unexpected("a text in quotes")
	}
	d.pos++
	start := d.pos
	var out []byte // nil while nothing was escaped
	escaped := false
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c == '"':
			piece := d.data[start:d.pos]
			d.pos++
			if escaped {
				return string(append(out, piece...)), nil
			}
			return string(piece), nil
		case c < ' ':
			return "", d.syntax("control character %q in a text: write it as \\u%04x", c, c)
		case c == '\\':
			out = append(out, d.data[start:d.pos]...)
			escaped = true
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			start = d.pos
		default:
			d.pos++
		}
	}
	return "", d.syntax("the text ends inside quotes")
}

// escape reads one escape sequence, a pair of surrogates as one.
func (d *decoder) escape() (rune, error) {
	if d.pos+1 >= len(d.data) {
		return 0, d.syntax("the text ends after a backslash")
	}
	c := d.data[d.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		d.pos += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, d.syntax("unknown escape \\%c", c)
	}
	r, ok := d.hex4(d.pos + 2)
	if !ok {
		return 0, d.syntax("\\u without four hexadecimal digits")
	}
	if !utf16.IsSurrogate(r) {
		d.pos += 6
		return r, nil
	}
	if low, ok := d.hex4(d.pos + 8); ok && d.data[d.pos+6] == '\\' && d.data[d.pos+7] == 'u' {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			d.pos += 12
			return pair, nil
		}
	}
	return 0, d.syntax("half a surrogate pair: \\u%04x", r)
}

func (d *decoder) hex4(at int) (rune, bool) {
	if at+4 > len(d.data) {
		return 0, false
	}
	var r rune
	for _, c := range d.data[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
