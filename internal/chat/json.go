package chat

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// maxDepth bounds the nesting of values and of what tojson writes.
const maxDepth = 64

// toJSON is transformers' tojson filter: Python's json.dumps without escapes for
// HTML or characters outside ASCII.
func toJSON(_ *exec.Evaluator, in *exec.Value, p *exec.VarArgs) *exec.Value {
	w := jsonWriter{indent: -1}
	if indent := argument(p, 1, "indent"); indent != nil && indent.IsInteger() {
		w.indent = max(0, min(indent.Integer(), 16))
	}
	if err := w.value(in.Interface(), 0); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(w.out.String())
}

type jsonWriter struct {
	out    strings.Builder
	indent int // -1: all in one line
}

// line begins an element of an array or object, or with last its end.
func (w *jsonWriter) line(first, last bool, depth int) {
	switch {
	case w.indent >= 0:
		if !first && !last {
			w.out.WriteByte(',')
		}
		w.out.WriteString("\n" + strings.Repeat(" ", w.indent*depth))
	case !first && !last:
		w.out.WriteString(", ")
	}
}

func (w *jsonWriter) value(v any, depth int) error {
	if depth > maxDepth || w.out.Len() > maxValue {
		return errors.New("tojson: too deep or too long")
	}
	switch v := v.(type) {
	case nil:
		w.out.WriteString("null")
	case *exec.Value:
		return w.value(v.Interface(), depth)
	case bool:
		w.out.WriteString(strconv.FormatBool(v))
	case int:
		w.out.WriteString(strconv.Itoa(v))
	case float64:
		w.number(v)
	case string:
		w.text(v)
	case exec.ValuesList:
		return writeList(w, v, depth)
	case []any:
		return writeList(w, v, depth)
	case []int:
		return writeList(w, v, depth)
	case []string:
		return writeList(w, v, depth)
	case sequence[any]:
		return writeList(w, v, depth)
	case sequence[string]:
		return writeList(w, v, depth)
	case sequence[map[string]any]:
		return writeList(w, v, depth)
	case map[string]any:
		return w.message(v, depth)
	case *exec.Dict:
		return w.object(v.Pairs, depth)
	default:
		return fmt.Errorf("tojson: a value of type %T", v)
	}
	return nil
}

// number writes a float as Python's repr.
func (w *jsonWriter) number(v float64) {
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(v, format, -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	w.out.WriteString(s)
}

func (w *jsonWriter) text(s string) {
	w.out.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			w.out.WriteString(`\` + string(r))
		case '\n':
			w.out.WriteString(`\n`)
		case '\r':
			w.out.WriteString(`\r`)
		case '\t':
			w.out.WriteString(`\t`)
		case '\b':
			w.out.WriteString(`\b`)
		case '\f':
			w.out.WriteString(`\f`)
		default:
			if r < ' ' {
				fmt.Fprintf(&w.out, `\u%04x`, r)
			} else {
				w.out.Write(utf8.AppendRune(nil, r))
			}
		}
	}
	w.out.WriteByte('"')
}

func writeList[T any](w *jsonWriter, list []T, depth int) error {
	w.out.WriteByte('[')
	for i, one := range list {
		w.line(i == 0, false, depth+1)
		if err := w.value(one, depth+1); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		w.line(false, true, depth)
	}
	w.out.WriteByte(']')
	return nil
}

// message writes a Go map: a turn, whose role comes first, or a namespace.
func (w *jsonWriter) message(m map[string]any, depth int) error {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if (a == "role") != (b == "role") {
			if a == "role" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var pairs []*exec.Pair
	for _, k := range keys {
		pairs = append(pairs, &exec.Pair{Key: exec.AsValue(k), Value: exec.AsValue(m[k])})
	}
	return w.object(pairs, depth)
}

func (w *jsonWriter) object(pairs []*exec.Pair, depth int) error {
	w.out.WriteByte('{')
	for i, p := range pairs {
		w.line(i == 0, false, depth+1)
		w.text(p.Key.String())
		w.out.WriteString(": ")
		if err := w.value(p.Value, depth+1); err != nil {
			return err
		}
	}
	if len(pairs) > 0 {
		w.line(false, true, depth)
	}
	w.out.WriteByte('}')
	return nil
}
