package record

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendPython appends a value as Python's json.dumps(v, ensure_ascii=False) writes
// it: ", " and ": " between things and, with indent > 0, a line for each item. What
// lm-evaluation-harness hashes and logs of a document has this form. A value that is
// not read stands as the file has it, null where that is no text.
func AppendPython(dst []byte, v Value, indent int) []byte { return appendPython(dst, v, indent, 0) }

func appendPython(dst []byte, v Value, indent, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendString(dst, v)
	case Cell:
		return appendString(dst, string(v))
	case Number:
		return append(dst, pythonNumber(v)...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return append(dst, PythonFloat(v)...)
	case Unread:
		if v.Text == "" {
			return append(dst, "null"...)
		}
		return append(dst, v.Text...)
	case []int64:
		return appendItems(dst, '[', ']', len(v), indent, depth, func(dst []byte, i int) []byte {
			return strconv.AppendInt(dst, v[i], 10)
		})
	case List:
		return appendItems(dst, '[', ']', len(v), indent, depth, func(dst []byte, i int) []byte {
			return appendPython(dst, v[i], indent, depth+1)
		})
	case Object:
		return appendItems(dst, '{', '}', len(v), indent, depth, func(dst []byte, i int) []byte {
			dst = append(appendString(dst, v[i].Name), ": "...)
			return appendPython(dst, v[i].Value, indent, depth+1)
		})
	}
	panic(fmt.Sprintf("record: AppendPython: a %T", v))
}

func appendItems(dst []byte, open, shut byte, n, indent, depth int, item func(dst []byte, i int) []byte) []byte {
	dst = append(dst, open)
	line := func(depth int) {
		dst = append(append(dst, '\n'), strings.Repeat(" ", indent*depth)...)
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch {
		case indent > 0:
			line(depth + 1)
		case i > 0:
			dst = append(dst, ' ')
		}
		dst = item(dst, i)
	}
	if indent > 0 && n > 0 {
		line(depth)
	}
	return append(dst, shut)
}

// appendString escapes what json.dumps escapes: quotes, backslashes and controls
// below a space.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		switch at := strings.IndexByte("\"\\\b\f\n\r\t", s[i]); {
		case at >= 0:
			dst = append(dst, '\\', `"\bfnrt`[at])
		case r < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, s[i:i+w]...)
		}
		i += w
	}
	return append(dst, '"')
}

// pythonNumber returns what a number of JSON is after Python read and wrote it:
// whole numbers as they are, others as the repr of a float.
func pythonNumber(n Number) string {
	if strings.Trim(string(n), "-0123456789") == "" {
		if n == "-0" {
			return "0"
		}
		return string(n)
	}
	f, err := strconv.ParseFloat(string(n), 64) // of NaN and Infinity too
	if err != nil && !math.IsInf(f, 0) {
		return string(n)
	}
	return PythonFloat(f)
}

// PythonFloat returns repr(f) of Python, with json.dumps's names of what is not
// finite.
func PythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
