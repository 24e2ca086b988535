package record

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of one record. They bound what a hostile line costs beyond its own
// bytes; real rows stay far below.
const (
	maxFields = 256
	maxItems  = 16 << 20
	maxDepth  = 32
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

// object reads {"name": value, …}. A name that comes twice is an error.
func (d *decoder) object(depth int) (Object, error) {
	var o Object
	err := d.list('{', '}', maxFields, func(int) error {
		if d.peek() != '"' {
			return d.unexpected("a field name in quotes")
		}
		name, err := d.text()
		if err != nil {
			return err
		}
		if _, twice := o.Get(name); twice { // few fields: a search is cheaper than a map
			return fmt.Errorf("field %.128q comes twice", name)
		}
		if err := d.expect(':'); err != nil {
			return err
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return fmt.Errorf("field %.128q: %w", name, err)
		}
		o = append(o, Field{name, v})
		return nil
	})
	return o, err
}

// whole reads one value that is all of the text.
func (d *decoder) whole() (Value, error) {
	v, err := d.value(0)
	if err == nil && (d.peek() != 0 || d.pos < len(d.data)) {
		err = d.unexpected("the end of the text")
	}
	return v, err
}

// value reads any value.
func (d *decoder) value(depth int) (Value, error) {
	if depth > maxDepth {
		return nil, d.syntax("nested deeper than %d", maxDepth)
	}
	switch c := d.peek(); {
	case c == '"':
		return d.text()
	case c == '[':
		return d.array(depth)
	case c == '{':
		return d.object(depth)
	case c == '-' || c >= '0' && c <= '9':
		start := d.pos
		err := d.number()
		return Number(d.data[start:d.pos]), err
	}
	for _, word := range []struct {
		text  string
		value Value
	}{{"true", true}, {"false", false}, {"null", nil}} {
		if end := d.pos + len(word.text); end <= len(d.data) && string(d.data[d.pos:end]) == word.text {
			d.pos = end
			return word.value, nil
		}
	}
	return nil, d.unexpected("a value")
}

// array reads a list: []int64 while there are only whole numbers, which token ids
// come as.
func (d *decoder) array(depth int) (Value, error) {
	var ints []int64
	var list List
	err := d.list('[', ']', maxItems, func(i int) error {
		if list == nil {
			if v, ok := d.int64(); ok {
				if ints == nil {
					ints = make([]int64, 0, 1+d.rest())
				}
				ints = append(ints, v)
				return nil
			}
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return err
		}
		if list == nil {
			list = make(List, 0, len(ints)+1+d.rest())
			for _, v := range ints {
				list = append(list, v)
			}
		}
		list = append(list, v)
		return nil
	})
	if list != nil || len(ints) == 0 {
		return list, err
	}
	return ints, err
}

// rest counts the items of the list that still follow, so that memory for them is
// taken once. Where the text is no JSON it counts no more than a part of its bytes.
func (d *decoder) rest() int {
	count, depth := 0, 0
	last := byte(0)
	for i := d.pos; i < len(d.data); i++ {
		switch c := d.data[i]; c {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			for i++; i < len(d.data) && d.data[i] != '"'; i++ {
				if d.data[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth < 0 {
				return count
			}
		case ',':
			if depth == 0 && last != ',' {
				count++
			}
		}
		last = d.data[min(i, len(d.data)-1)]
	}
	return count
}

// int64 reads a whole number if one is next; else it reads nothing.
func (d *decoder) int64() (int64, bool) {
	c := d.peek()
	if c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	start := d.pos
	if err := d.number(); err == nil && d.pos-start < 19 { // below 10¹⁸: no overflow
		text, value, sign := d.data[start:d.pos], int64(0), int64(1)
		if text[0] == '-' {
			text, sign = text[1:], -1
		}
		for _, c := range text {
			if c < '0' || c > '9' {
				d.pos = start
				return 0, false
			}
			value = value*10 + int64(c-'0')
		}
		return sign * value, true
	}
	d.pos = start
	return 0, false
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
